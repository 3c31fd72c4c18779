/**
 * What happened to each ticket before the simulator's first start: a function of (seed, count of tickets, first
 * start, id). Nothing is kept of it but the second of its last step; the rest is worked out again when a page
 * needs the ticket.
 */
import { mix, purpose, Random } from '../random.ts';
import { CreationCalendar } from './creation-calendar.ts';
import {
  afterAction,
  generationLag,
  openedTicket,
  type TicketAction,
  type TicketState,
} from './ticket-state.ts';

/** The history ends this long before the first start, so that any usual delay shows all of it. */
export const QUIET_SECONDS = 300;
export const SCRUB_AFTER_SECONDS = 30 * 86_400;

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

export interface LifeOptions {
  readonly seed: number;
  readonly tickets: number;
  /** Epoch second. */
  readonly firstStart: number;
  /** So many tickets, from the middle of the ids, end their history in one second; 0 for none. */
  readonly burst: number;
  /** How many of the tickets an AI agent begins with, from 0 to 1. */
  readonly aiAgentShare: number;
}

interface Step {
  readonly action: TicketAction;
  readonly second: number;
}

interface Life {
  /** When the export first showed it. */
  readonly openedSecond: number;
  readonly lag: number;
  readonly steps: readonly Step[];
  /** When a deleted ticket that is not yet scrubbed is due to be. */
  readonly scrubDueSecond: number | undefined;
}

/** A bulk job in every block of ids: its tickets share the second of their last step. */
const BULK_BLOCK = 2000;
const BULK_SIZE = 40;
/** And small ones, such as one agent closing a handful of tickets at once. */
const HANDFUL_BLOCK = 90;

export class TicketLives {
  private readonly options: LifeOptions;
  private readonly lastSecond: number;
  private readonly calendar: CreationCalendar;

  constructor(options: LifeOptions) {
    this.options = options;
    this.lastSecond = options.firstStart - QUIET_SECONDS;
    // A little earlier than the end, so that a bulk job has room after its youngest ticket.
    this.calendar = new CreationCalendar({ lastSecond: this.lastSecond - 20, tickets: options.tickets });
  }

  /** The last second and the scrub that is due: all that the index needs. */
  outline(id: number): { readonly lastSecond: number; readonly scrubDueSecond: number | undefined } {
    const life = this.lifeOf(id);
    return {
      lastSecond: life.steps.at(-1)?.second ?? life.openedSecond,
      scrubDueSecond: life.scrubDueSecond,
    };
  }

  /** The ticket as it was at the first start. */
  stateOf(id: number): TicketState {
    const life = this.lifeOf(id);
    const { seed } = this.options;
    let state = openedTicket(this.options, id, life.openedSecond, life.lag);
    for (const step of life.steps) state = afterAction(seed, state, step.action, step.second);
    return state;
  }

  private createdSecond(id: number): number {
    const fraction = mix(this.options.seed, purpose.creation, id) / 0x1_0000_0000;
    return this.calendar.secondOf(id, fraction);
  }

  private lifeOf(id: number): Life {
    const random = new Random(mix(this.options.seed, purpose.life, id));
    const lag = generationLag(random);
    const openedSecond = this.createdSecond(id) + lag;
    const bulkSecond = this.bulkSecondOf(id);
    // A bulk job does not take deleted tickets, so those it takes were never deleted.
    const steps = planSteps(random, openedSecond, bulkSecond === undefined);
    const limit = Math.min(this.lastSecond, (bulkSecond ?? Number.POSITIVE_INFINITY) - 1);
    while ((steps.at(-1)?.second ?? 0) > limit) steps.pop();
    if (bulkSecond !== undefined) steps.push({ action: 'bulk', second: bulkSecond });
    const deleted = steps.find((step) => step.action === 'delete');
    const scrubbed = steps.some((step) => step.action === 'scrub');
    return {
      openedSecond,
      lag,
      steps,
      scrubDueSecond: deleted !== undefined && !scrubbed ? deleted.second + SCRUB_AFTER_SECONDS : undefined,
    };
  }

  private bulkSecondOf(id: number): number | undefined {
    const { seed, tickets, burst } = this.options;
    if (burst > 0) {
      const first = Math.floor((tickets - burst) / 2) + 1;
      if (id >= first && id < first + burst)
        return this.jobSecond(first + burst - 1, mix(seed, purpose.bulk, 0));
    }
    return this.jobOf(id, Math.min(BULK_BLOCK, tickets), BULK_SIZE, 1) ?? this.jobOf(id, HANDFUL_BLOCK, 6, 2);
  }

  /** One job in each block of `block` ids: which of them it takes, and when it ran. */
  private jobOf(id: number, block: number, size: number, kind: number): number | undefined {
    if (block < size * 10 && kind === 1) return undefined;
    const blockNumber = Math.floor((id - 1) / block);
    const word = mix(this.options.seed, purpose.bulk, kind, blockNumber);
    const length = kind === 1 ? size : 2 + (word % (size - 1));
    const first = blockNumber * block + 1 + ((word >>> 8) % (block - length));
    if (id < first || id >= first + length || first + length - 1 > this.options.tickets) return undefined;
    return this.jobSecond(first + length - 1, word);
  }

  /** Some time after the youngest of the job's tickets was opened, and before the history ends. */
  private jobSecond(youngest: number, word: number): number {
    const earliest = this.createdSecond(youngest) + 10;
    return Math.max(
      earliest,
      Math.min(earliest + HOUR + (word % (20 * DAY)), this.lastSecond - (word % HOUR)),
    );
  }
}

/** A support ticket's usual ways, in time order; the caller cuts off what lies after the end of the history. */
function planSteps(random: Random, openedSecond: number, deletable: boolean): Step[] {
  const steps: Step[] = [];
  let second = openedSecond;
  const then = (action: TicketAction, from: number, to: number) => {
    second += random.between(from, to);
    steps.push({ action, second });
  };
  const remove = () => {
    then('delete', 10 * MINUTE, 3 * DAY);
    then('scrub', SCRUB_AFTER_SECONDS, SCRUB_AFTER_SECONDS);
  };
  if (deletable && random.chance(0.01)) {
    // Spam: deleted before anybody answers.
    remove();
    return steps;
  }
  then('assign', 4 * MINUTE, 7 * HOUR);
  if (random.chance(0.12)) then('escalate', 10 * MINUTE, 5 * HOUR);
  for (let round = random.below(4); round > 0; round--) {
    then('pend', 20 * MINUTE, 8 * HOUR);
    then('customer_reply', 15 * MINUTE, 2 * DAY);
  }
  if (random.chance(0.06)) {
    then('hold', HOUR, 6 * HOUR);
    then('reply', DAY, 6 * DAY);
  }
  then('solve', 30 * MINUTE, 2 * DAY);
  if (random.chance(0.1)) {
    then('reopen', 2 * HOUR, 3 * DAY);
    if (random.chance(0.3)) then('escalate', 10 * MINUTE, 4 * HOUR);
    then('solve', HOUR, 2 * DAY);
  }
  if (random.chance(0.35)) then(random.chance(0.8) ? 'rate_good' : 'rate_bad', HOUR, 2 * DAY);
  then('close', 4 * DAY, 4 * DAY + HOUR);
  if (deletable && random.chance(0.02)) remove();
  return steps;
}
