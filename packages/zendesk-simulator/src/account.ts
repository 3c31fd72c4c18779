/** The account behind the endpoints: history, clock, journal and ledger together. */
import { hash } from 'node:crypto';
import { TicketStreamError } from '@ticket-stream/errors';
import type { SimulatorClock } from './clock.ts';
import { checkFields } from './commanded-change.ts';
import { type HistoryIdentity, sourceIdentity } from './data-folder.ts';
import { FaultSchedule } from './faults/fault-schedule.ts';
import { TicketHistory } from './history/ticket-history.ts';
import type { SupportType, TicketState } from './history/ticket-state.ts';
import { AccessTokens } from './http/access-tokens.ts';
import type { RequestFigures } from './http/request-counts.ts';
import { RequestLimit } from './http/request-limit.ts';
import type { Journal, JournalEntry } from './journal.ts';
import type { Ledger } from './ledger.ts';
import type { CheckedOptions } from './simulator-options.ts';
import { ticketJson } from './ticket-json.ts';

const DEFAULT_LIVE_CHANGES_PER_MINUTE = 20;

/** What a command did: the version that the export will show. */
export interface CommandedVersion {
  readonly id: number;
  readonly generatedTimestamp: number;
  /** The first 32 hex digits of the SHA-256 of the ticket's bytes. */
  readonly digest: string;
  /** The export shows it from this second of the simulator's clock on. */
  readonly visibleFrom: number;
}

export interface CommandOptions {
  /** A system update: `updated_at` stays where it is. */
  readonly system?: boolean;
}

/** The latest version of a ticket, whether the export shows it yet or not. */
export interface LatestVersion {
  readonly id: number;
  readonly generatedTimestamp: number;
  readonly digest: string;
  readonly status: string;
  readonly supportType: SupportType;
  readonly visible: boolean;
}

export interface SimulatorStatus {
  readonly source: string;
  readonly url: string;
  readonly seed: number;
  /** Before the first start, and now. */
  readonly tickets: number;
  readonly ticketsNow: number;
  /** Epoch seconds. */
  readonly firstStart: number;
  readonly now: number;
  readonly frozen: boolean;
  /** Changes since the first start, commanded ones included. */
  readonly changes: number;
  readonly commands: number;
  /** Different versions that were sent in whole pages, by this and earlier runs. */
  readonly versionsServed: number;
  readonly delaySeconds: number;
  /** Null where there is no limit: JSON has no infinity. */
  readonly requestsPerMinute: number | null;
  readonly perPageMax: number;
  readonly liveChangesPerMinute: number;
  /** Of this run. */
  readonly requests: RequestFigures;
  /** Faults that were played in this run, by name. */
  readonly faults: Readonly<Record<string, number>>;
}

export class Account {
  readonly identity: HistoryIdentity;
  readonly source: string;
  readonly history: TicketHistory;
  readonly ledger: Ledger;
  readonly limit: RequestLimit;
  readonly tokens: AccessTokens;
  readonly faults: FaultSchedule;
  private readonly options: CheckedOptions;
  private readonly clock: SimulatorClock;
  private readonly journal: Journal;
  private commands = 0;
  /** So far the simulator's clock is ahead of the one it was given. */
  private aheadSeconds = 0;

  constructor(
    options: CheckedOptions,
    identity: HistoryIdentity,
    clock: SimulatorClock,
    journal: Journal,
    ledger: Ledger,
  ) {
    this.options = options;
    this.identity = identity;
    this.source = sourceIdentity(identity);
    this.clock = clock;
    this.journal = journal;
    this.ledger = ledger;
    this.limit = new RequestLimit(options.requestsPerMinute, options.limitNowMs);
    this.tokens = new AccessTokens(options.limitNowMs);
    this.faults = new FaultSchedule(options.faults);
    this.history = new TicketHistory(identity);
    for (const entry of journal.entries) {
      this.apply(entry);
      if (isCommand(entry)) this.commands += 1;
    }
    const before = journal.entries.some((entry) => entry.op === 'rate')
      ? this.history.changesPerMinute
      : undefined;
    const wanted = options.liveChangesPerMinute ?? before ?? DEFAULT_LIVE_CHANGES_PER_MINUTE;
    // A rate counts from the moment it is asked for; the first one from the first start.
    if (before === undefined) this.write({ at: identity.firstStart, op: 'rate', changesPerMinute: wanted });
    else if (before !== wanted)
      this.write({ at: this.presentSecond(), op: 'rate', changesPerMinute: wanted });
    this.presentSecond();
  }

  /**
   * The simulator's second; all that is due has happened on return. It never goes back, neither behind a command
   * that was given nor when the machine's clock is set back.
   */
  presentSecond(): number {
    this.history.advanceTo(this.clockSecond());
    return this.history.presentSecond;
  }

  /** Nothing of this second or later is shown: the second that still runs neither, even without a delay. */
  hiddenFrom(presentSecond: number): number {
    return presentSecond - this.options.delaySeconds;
  }

  change(id: number, fields: object, { system = false }: CommandOptions = {}): CommandedVersion {
    const checked = checkFields(fields);
    this.mustHave(id);
    return this.version(this.write({ at: this.presentSecond(), op: 'change', id, fields: checked, system }));
  }

  create(fields: object): CommandedVersion {
    const checked = checkFields(fields);
    const at = this.presentSecond();
    return this.version(this.write({ at, op: 'create', id: this.history.ticketCount + 1, fields: checked }));
  }

  scrub(id: number): CommandedVersion {
    this.mustHave(id);
    const at = this.presentSecond();
    if (this.history.stateOf(id).status !== 'deleted') {
      throw new TicketStreamError(
        'simulator.change_refused',
        `ticket ${id} is not deleted, so it is not scrubbed`,
      );
    }
    return this.version(this.write({ at, op: 'scrub', id }));
  }

  advance(seconds: number): void {
    if (this.clock.advance === undefined) {
      throw new TicketStreamError(
        'simulator.change_refused',
        'the clock runs by itself; only one that stands still is moved',
      );
    }
    if (!Number.isSafeInteger(seconds) || seconds < 0) {
      throw new TicketStreamError(
        'simulator.change_refused',
        'the clock moves by a whole number of seconds, not back',
      );
    }
    // A command may have left the present ahead of a clock that was frozen earlier.
    const behind = Math.max(0, this.history.presentSecond - this.clockSecond());
    this.clock.advance(behind + seconds);
    this.presentSecond();
  }

  /** Moves any clock forward, for good; kept over restarts, because what was shown meanwhile was shown. */
  jump(seconds: number): void {
    if (!Number.isSafeInteger(seconds) || seconds < 1) {
      throw new TicketStreamError(
        'simulator.change_refused',
        'the clock jumps by a whole number of seconds, not back',
      );
    }
    const at = this.presentSecond() + seconds;
    this.write({ at, op: 'jump', aheadSeconds: at - this.clockSecond() + this.aheadSeconds });
  }

  ticket(id: number): string | undefined {
    this.presentSecond();
    return this.history.has(id) ? ticketJson(this.identity.seed, this.history.stateOf(id)) : undefined;
  }

  /** As it is shown by its id: without the export's second; undefined where there is none, or it is deleted. */
  shownTicket(id: number): string | undefined {
    const exported = this.ticket(id);
    if (exported === undefined || this.history.stateOf(id).status === 'deleted') return undefined;
    return exported.replace(/,"generated_timestamp":\d+\}$/, '}');
  }

  /** Of every ticket, by id, as things stand at the first call. */
  *latest(): IterableIterator<LatestVersion> {
    const hiddenFrom = this.hiddenFrom(this.presentSecond());
    const count = this.history.ticketCount;
    const stateOf = this.history.view();
    for (let id = 1; id <= count; id++) {
      const state = stateOf(id);
      yield {
        id,
        generatedTimestamp: state.generatedSecond,
        digest: this.digestOf(state),
        status: state.status,
        supportType: state.supportType,
        visible: state.generatedSecond < hiddenFrom,
      };
    }
  }

  status(url: string, requests: RequestFigures): SimulatorStatus {
    const { options, identity, history } = this;
    return {
      source: this.source,
      url,
      seed: identity.seed,
      tickets: identity.tickets,
      ticketsNow: history.ticketCount,
      firstStart: identity.firstStart,
      now: this.presentSecond(),
      frozen: this.clock.advance !== undefined,
      changes: history.changeCount,
      commands: this.commands,
      versionsServed: this.ledger.versionCount,
      delaySeconds: options.delaySeconds,
      requestsPerMinute: Number.isFinite(options.requestsPerMinute) ? options.requestsPerMinute : null,
      perPageMax: options.perPageMax,
      liveChangesPerMinute: history.changesPerMinute,
      requests,
      faults: { ...this.faults.played },
    };
  }

  private clockSecond(): number {
    return Math.floor(this.clock.nowMs() / 1000) + this.aheadSeconds;
  }

  private mustHave(id: number): void {
    this.presentSecond();
    if (!this.history.has(id)) {
      throw new TicketStreamError('simulator.change_refused', `there is no ticket ${id}`);
    }
  }

  /** On the disk first, then in force. */
  private write(entry: JournalEntry): TicketState | undefined {
    this.journal.append(entry);
    if (isCommand(entry)) this.commands += 1;
    return this.apply(entry);
  }

  private apply(entry: JournalEntry): TicketState | undefined {
    switch (entry.op) {
      case 'rate':
        this.history.setRate(entry.at, entry.changesPerMinute);
        return undefined;
      case 'jump':
        this.aheadSeconds = entry.aheadSeconds;
        this.history.advanceTo(entry.at);
        return undefined;
      case 'change':
        return this.history.commandChange(entry.at, entry.id, entry.fields, entry.system);
      case 'scrub':
        return this.history.commandScrub(entry.at, entry.id);
      case 'create': {
        const state = this.history.commandCreate(entry.at, entry.fields);
        if (state.id !== entry.id) {
          throw new TicketStreamError(
            'store.unusable',
            'the journal does not fit the history it stands beside',
            {
              context: { expectedId: entry.id, id: state.id },
            },
          );
        }
        return state;
      }
    }
  }

  private version(state: TicketState | undefined): CommandedVersion {
    if (state === undefined) throw new TicketStreamError('internal.defect', 'a command made no version');
    return {
      id: state.id,
      generatedTimestamp: state.generatedSecond,
      digest: this.digestOf(state),
      visibleFrom: state.generatedSecond + this.options.delaySeconds + 1,
    };
  }

  /** Its own sum of its own bytes: what is tested by it must not share its code. */
  private digestOf(state: TicketState): string {
    return hash('sha256', ticketJson(this.identity.seed, state), 'hex').slice(0, 32);
  }
}

/** Somebody's, about a ticket. */
function isCommand(entry: JournalEntry): boolean {
  return entry.op !== 'rate' && entry.op !== 'jump';
}
