/**
 * What goes on in the account meanwhile, beside what the simulator lets happen by itself: tickets all over the
 * backfill are changed, so that they move from under the export; some twice in one second, some by the system alone;
 * tickets are made, deleted and scrubbed; and now and then one job touches more tickets in a second than a small
 * page holds.
 */
import type { Simulator } from '@ticket-stream/zendesk-simulator';
import { until } from '../support/condition.ts';

const TICK_MS = 100;
/** Ticks between two bulk jobs. */
const BULK_TICKS = 60;

export interface ChangeRate {
  readonly changesPerTick: number;
  readonly bulkTickets: number;
}

export class AccountChanges {
  readonly #simulator: () => Simulator | undefined;
  readonly #rate: ChangeRate;
  readonly #random: () => number;
  #timer: NodeJS.Timeout | undefined;
  #ticks = 0;
  /** Makes every command's content its own. */
  #commands = 0;
  readonly #deleted: number[] = [];
  /** Why it ended by itself. */
  #failure: unknown;

  /** @param simulator  undefined while it is being restarted */
  constructor(simulator: () => Simulator | undefined, rate: ChangeRate, random: () => number) {
    this.#simulator = simulator;
    this.#rate = rate;
    this.#random = random;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
  }

  get commands(): number {
    return this.#commands;
  }

  /** @throws what made it end before */
  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#failure !== undefined) throw this.#failure;
  }

  #tick(): void {
    const simulator = this.#simulator();
    if (simulator === undefined) return;
    try {
      const tickets = simulator.status().ticketsNow;
      if (++this.#ticks % BULK_TICKS === 0) this.#bulkJob(simulator, tickets);
      for (let n = 0; n < this.#rate.changesPerTick; n++) this.#change(simulator, tickets);
    } catch (error) {
      this.#failure = error;
      clearInterval(this.#timer);
    }
  }

  #bulkJob(simulator: Simulator, tickets: number): void {
    const first = 1 + Math.floor(this.#random() * Math.max(1, tickets - this.#rate.bulkTickets));
    for (let n = 0; n < this.#rate.bulkTickets && first + n <= tickets; n++) {
      simulator.change(first + n, { subject: this.#subject() }, { system: true });
    }
  }

  #change(simulator: Simulator, tickets: number): void {
    const id = 1 + Math.floor(this.#random() * tickets);
    const kind = this.#random();
    if (kind < 0.05) {
      simulator.create({ subject: this.#subject(), status: 'new' });
    } else if (kind < 0.08) {
      simulator.change(id, { status: 'deleted', subject: this.#subject() });
      this.#deleted.push(id);
    } else if (kind < 0.1) {
      const deleted = this.#deleted.shift();
      if (deleted !== undefined && isDeleted(simulator, deleted)) simulator.scrub(deleted);
    } else if (kind < 0.2) {
      simulator.change(id, { priority: 'urgent', subject: this.#subject() });
      simulator.change(id, { priority: 'low', subject: this.#subject() });
    } else {
      simulator.change(id, { subject: this.#subject() }, { system: kind > 0.9 });
    }
  }

  #subject(): string {
    return `change ${++this.#commands} of the soak`;
  }
}

/**
 * Changes tickets 1 to `count` in one second of the account.
 * @throws when the machine is too slow for it, time after time
 */
export async function changeInOneSecond(simulator: Simulator, count: number): Promise<void> {
  for (let attempt = 1; attempt <= 20; attempt++) {
    const second = simulator.status().now;
    // From the beginning of a second on, there is time for the most.
    await until('the next second', () => simulator.status().now > second);
    const seconds = new Set<number>();
    for (let id = 1; id <= count; id++) {
      const subject = `changed with ${count} others, attempt ${attempt}`;
      seconds.add(simulator.change(id, { subject }, { system: true }).generatedTimestamp);
    }
    if (seconds.size === 1) return;
  }
  throw new Error(`${count} changes do not fit into a second here`);
}

function isDeleted(simulator: Simulator, id: number): boolean {
  const { status } = JSON.parse(simulator.ticket(id) ?? '{}') as { status?: string };
  return status === 'deleted';
}
