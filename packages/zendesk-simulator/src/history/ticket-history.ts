/**
 * The export's content at any moment: a function of (seed, tickets, first start, moment) and of the journal's
 * entries, applied in their order. Two simulators that are given the same say the same, byte for byte.
 *
 * Time only goes forward: `advanceTo` lets everything happen that is due up to and including a second, and a
 * command takes effect after that, in the same second. A ticket is in the index once, at the second of its latest
 * state.
 */
import { ExportIndex } from './export-index.ts';
import {
  type CursorPage,
  type CursorPageRequest,
  cursorPage,
  type PageSource,
  type StateView,
  type TimePage,
  type TimePageRequest,
  timePage,
} from './export-pages.ts';
import { LiveRate, nextAction } from './live-changes.ts';
import { type LifeOptions, SCRUB_AFTER_SECONDS, TicketLives } from './ticket-life.ts';
import {
  afterAction,
  afterCommand,
  type GivenFields,
  openedTicket,
  type TicketAction,
  type TicketState,
} from './ticket-state.ts';

export class TicketHistory {
  private readonly options: LifeOptions;
  private readonly lives: TicketLives;
  private readonly index: ExportIndex;
  /** Only tickets that moved since the first start; all others are worked out from their lives. */
  private readonly moved = new Map<number, TicketState>();
  /** Due scrubs in time order: those of the history first, then live ones, thirty days after each deletion. */
  private readonly scrubs: { readonly id: number; readonly dueSecond: number }[] = [];
  private nextScrub = 0;
  private rate: LiveRate;
  private count: number;
  private second: number;
  private changes = 0;
  private hasAiAgentTickets: boolean;

  constructor(options: LifeOptions) {
    this.options = options;
    this.lives = new TicketLives(options);
    const lastSeconds = new Float64Array(options.tickets);
    for (let id = 1; id <= options.tickets; id++) {
      const outline = this.lives.outline(id);
      lastSeconds[id - 1] = outline.lastSecond;
      if (outline.scrubDueSecond !== undefined) this.scrubs.push({ id, dueSecond: outline.scrubDueSecond });
    }
    this.scrubs.sort((a, b) => a.dueSecond - b.dueSecond || a.id - b.id);
    this.index = new ExportIndex(lastSeconds);
    this.count = options.tickets;
    this.second = options.firstStart;
    this.rate = new LiveRate(options.seed, options.firstStart, 0);
    this.hasAiAgentTickets = options.aiAgentShare > 0;
  }

  /** The moment up to which everything has happened, epoch second. */
  get presentSecond(): number {
    return this.second;
  }

  get ticketCount(): number {
    return this.count;
  }

  /** Changes since the first start, commanded ones included. */
  get changeCount(): number {
    return this.changes;
  }

  get changesPerMinute(): number {
    return this.rate.changesPerMinute;
  }

  /** Lets happen what is due. A second that is already past changes nothing. */
  advanceTo(second: number): void {
    if (second <= this.second) return;
    for (;;) {
      const scrub = this.scrubs[this.nextScrub];
      // Without live changes nothing moves, scrubs included; they are made up for when changes begin again.
      const scrubSecond =
        scrub === undefined || this.rate.changesPerMinute === 0
          ? Number.POSITIVE_INFINITY
          : Math.max(scrub.dueSecond, this.rate.startSecond);
      const changeSecond = this.rate.nextSecond();
      if (Math.min(scrubSecond, changeSecond) > second) break;
      if (scrub !== undefined && scrubSecond <= changeSecond) {
        this.nextScrub += 1;
        this.scrub(scrub, scrubSecond);
      } else {
        this.change(changeSecond);
      }
    }
    this.second = second;
  }

  /** From `second` on, so many changes a minute happen by themselves. */
  setRate(second: number, changesPerMinute: number): void {
    this.advanceTo(second);
    this.rate = new LiveRate(this.options.seed, second, changesPerMinute);
  }

  has(id: number): boolean {
    return Number.isInteger(id) && id >= 1 && id <= this.count;
  }

  /** @param id  of a ticket that is there */
  commandChange(second: number, id: number, fields: GivenFields, system: boolean): TicketState {
    this.advanceTo(second);
    return this.put(afterCommand(this.stateOf(id), fields, second, system));
  }

  /** The scrub by hand, without waiting thirty days; the ticket is deleted. */
  commandScrub(second: number, id: number): TicketState {
    this.advanceTo(second);
    return this.put(afterAction(this.options.seed, this.stateOf(id), 'scrub', second));
  }

  commandCreate(second: number, fields: GivenFields): TicketState {
    this.advanceTo(second);
    const opened = openedTicket(this.options, this.count + 1, second, 0);
    this.count += 1;
    const given = afterCommand(opened, fields, second, false);
    return this.put({ ...given, version: 1, reopened: 0 });
  }

  stateOf(id: number): TicketState {
    return this.moved.get(id) ?? this.lives.stateOf(id);
  }

  /** The states of now, whatever happens while somebody reads them. */
  view(): StateView {
    const moved = new Map(this.moved);
    return (id) => moved.get(id) ?? this.lives.stateOf(id);
  }

  timePage(request: TimePageRequest): TimePage {
    const page = timePage(this.source(), request);
    return { ...page, states: this.statesOf(page.ids) };
  }

  cursorPage(request: CursorPageRequest): CursorPage {
    const page = cursorPage(this.source(), request);
    return { ...page, states: this.statesOf(page.ids) };
  }

  private source(): PageSource {
    return {
      seed: this.options.seed,
      index: this.index,
      stateOf: (id) => this.stateOf(id),
      hasAiAgentTickets: this.hasAiAgentTickets,
    };
  }

  /** The states of now of these tickets, whatever happens while somebody reads them. */
  private statesOf(ids: readonly number[]): StateView {
    const moved = new Map<number, TicketState>();
    for (const id of ids) {
      const state = this.moved.get(id);
      if (state !== undefined) moved.set(id, state);
    }
    return (id) => moved.get(id) ?? this.lives.stateOf(id);
  }

  private put(state: TicketState): TicketState {
    this.moved.set(state.id, state);
    if (state.supportType === 'ai_agent') this.hasAiAgentTickets = true;
    this.index.move(state.id, state.generatedSecond);
    this.changes += 1;
    if (state.status === 'deleted' && !state.scrubbed && state.deletedSecond === state.generatedSecond) {
      this.scrubs.push({ id: state.id, dueSecond: state.deletedSecond + SCRUB_AFTER_SECONDS });
    }
    return state;
  }

  private scrub(scrub: { readonly id: number; readonly dueSecond: number }, second: number): void {
    const state = this.stateOf(scrub.id);
    // Restored, scrubbed by hand, or deleted again since: then this date says nothing.
    if (state.scrubbed || state.deletedSecond === undefined) return;
    if (state.deletedSecond + SCRUB_AFTER_SECONDS !== scrub.dueSecond) return;
    this.put(afterAction(this.options.seed, state, 'scrub', second));
  }

  private change(second: number): void {
    const random = this.rate.take();
    const wantsNew = random.chance(0.18);
    const target = wantsNew ? undefined : this.livelyTicket(random);
    if (target === undefined) {
      this.count += 1;
      this.put(openedTicket(this.options, this.count, second, 0));
      return;
    }
    this.put(afterAction(this.options.seed, target.state, target.action, second));
  }

  /** A ticket whose way is not at its end, rather a young one; undefined where a few tries find none. */
  private livelyTicket(
    random: ReturnType<LiveRate['take']>,
  ): { state: TicketState; action: TicketAction } | undefined {
    for (let attempt = 0; attempt < 6; attempt++) {
      const id = this.count - Math.floor(this.count * random.fraction() ** 7);
      if (id < 1) continue;
      const state = this.stateOf(id);
      const action = nextAction(random, state);
      if (action !== undefined) return { state, action };
    }
    return undefined;
  }
}
