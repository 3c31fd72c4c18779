/**
 * Reads the export once more, beside a producer that may be at work, and writes nothing: the rules of the walk are
 * those of packages/zendesk-export, as the producer follows them; only what a page brings is looked at, not published.
 *
 * A page counts when it was whole. Whatever fails is asked for again, at the pace, for as long as it takes; what cannot
 * be mended ends the reading. The one difference: a second that Zendesk does not show to its end is stepped over,
 * and named, because nothing is lost by it here.
 */
import { asTicketStreamError, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  afterFailure,
  askingByTime,
  BoundaryFilter,
  COUNT_RETRY_WAIT_MS,
  CountRule,
  createBackoff,
  createPageSize,
  type ExportClient,
  type ExportMode,
  type ExportState,
  PAGE_BUDGET_MS,
  type Pacer,
  type PageVerdict,
  pageLimits,
  readingSecond,
  stateAfter,
  stepAfter,
  steppingOver,
  streamPage,
  unbearablePage,
  withoutCursor,
} from '@ticket-stream/zendesk-export';
import { type ShownTicket, shownTicket } from './shown-ticket.ts';

export interface ExportReadingOptions {
  readonly client: ExportClient;
  readonly pacer: Pacer;
  readonly mode: ExportMode;
  readonly perPage: number;
  readonly delaySeconds: number;
  /** Larger tickets are dead letters of the producer, and told by their head alone. */
  readonly ticketBytesMax: number;
  readonly pageBudgetMs?: number;
  readonly signal: AbortSignal;
  /** What is waited for, beside the pace; undefined once it goes on. */
  readonly onWaiting: (reason: string | undefined) => void;
  readonly onRequest: () => void;
}

/** What a page shows, kept once it was whole. */
export interface PageTaker {
  begin(): void;
  take(ticket: ShownTicket): void;
  /** The page was whole: what was taken since `begin` counts. */
  keep(): void;
  /** It was not: what was taken since `begin` does not count. */
  drop(): void;
}

export interface ReadPage {
  readonly state: ExportState;
  readonly verdict: PageVerdict;
  /** As `OpenPage.date`. */
  readonly date: number | undefined;
  /** Of the page's tickets, epoch seconds; undefined where it has none. */
  readonly oldestSecond: number | undefined;
}

export class ExportReading {
  /** Seconds that Zendesk did not show to their end. */
  readonly unreadSeconds: number[] = [];
  readonly #options: ExportReadingOptions;
  readonly #taker: PageTaker;
  readonly #countRule = new CountRule();
  readonly #backoff = createBackoff({ firstMs: 500, maxMs: 60_000 });
  #pageSize;
  #askedInFull: number | undefined;
  #cursorStuckAt: number | undefined;
  #cursorDroppedAt: number | undefined;

  constructor(options: ExportReadingOptions, taker: PageTaker) {
    this.#options = options;
    this.#taker = taker;
    this.#pageSize = createPageSize(options.perPage);
  }

  /**
   * The next whole page, however often it has to be asked for.
   * @throws zendesk.credentials_refused, zendesk.not_found, zendesk.request_refused, zendesk.page_stuck  and whatever
   *         else asking again does not mend; the signal's reason
   */
  async readPage(from: ExportState): Promise<ReadPage> {
    const { client, pacer, signal, onRequest, onWaiting } = this.#options;
    for (let state = from; ; ) {
      try {
        await client.authorize(signal);
        await pacer.turn(signal);
        onRequest();
        const read = await this.#attempt(state);
        onWaiting(undefined);
        if (read === undefined) {
          pacer.holdOff(COUNT_RETRY_WAIT_MS);
          continue;
        }
        this.#backoff.reset();
        this.#pageSize.succeeded();
        if (read.verdict !== 'stuck') return read;
        return { ...read, state: this.#aroundStuck(read.state, state.next.mode) };
      } catch (error) {
        signal.throwIfAborted();
        const mended = this.#mend(state, asTicketStreamError(error));
        if (mended === 'caught_up') {
          onWaiting(undefined);
          return { state, verdict: 'caught_up', date: undefined, oldestSecond: undefined };
        }
        state = mended;
      }
    }
  }

  /** undefined: its count differs, to be asked for again. */
  async #attempt(state: ExportState): Promise<ReadPage | undefined> {
    const { client, mode, delaySeconds, signal, ticketBytesMax } = this.#options;
    const perPage = this.#pageSize.current;
    const { next } = state;
    const budget = new AbortController();
    const page = await client.openPage({ next, perPage, signal: AbortSignal.any([signal, budget.signal]) });
    const timer = setTimeout(() => budget.abort(), this.#options.pageBudgetMs ?? PAGE_BUDGET_MS);
    const boundary = new BoundaryFilter(state.boundary);
    let tickets = 0;
    let oldestSecond = Number.POSITIVE_INFINITY;
    this.#taker.begin();
    try {
      const slices = streamPage(
        page.body,
        pageLimits(ticketBytesMax),
        next.mode === 'time' ? 'time' : 'cursor',
      );
      let read = await slices.next();
      for (; !read.done; read = await slices.next()) {
        for (const slice of read.value) {
          const ticket = shownTicket(slice);
          boundary.note(ticket.key, ticket.digest, ticket.generatedSecond);
          this.#taker.take(ticket);
          oldestSecond = Math.min(oldestSecond, ticket.generatedSecond ?? oldestSecond);
        }
        tickets += read.value.length;
      }
      const tail = read.value;
      if (this.#countRule.judge(tail) === 'fetch_again') {
        this.#taker.drop();
        return undefined;
      }
      const { newestSecond } = boundary;
      const step = stepAfter(state, { tail, newestSecond, date: page.date, perPage, delaySeconds }, mode);
      this.#taker.keep();
      return {
        state: stateAfter(state, step, boundary.close(step.next.startTime)),
        verdict: step.verdict,
        date: page.date,
        oldestSecond: Number.isFinite(oldestSecond) ? oldestSecond : undefined,
      };
    } catch (cause) {
      page.discard();
      this.#taker.drop();
      const { onlySecond } = boundary;
      const seen = { next, perPage, tickets, onlySecond, cause };
      if (cause === budget.signal.reason) throw unbearablePage({ ...seen, over: 'time' });
      if (isTicketStreamError(cause, 'zendesk.page_too_large'))
        throw unbearablePage({ ...seen, over: 'bytes' });
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  #mend(state: ExportState, error: TicketStreamError): ExportState | 'caught_up' {
    const { pacer, onWaiting } = this.#options;
    const { next } = state;
    const step = afterFailure(error, this.#backoff, next);
    switch (step.step) {
      case 'caught_up':
        this.#backoff.reset();
        return 'caught_up';
      case 'wait':
        onWaiting(step.waitingFor);
        pacer.holdOff(step.waitMs);
        return state;
      case 'ask_for_less':
        if (!this.#pageSize.halve()) throw undeliverable(error);
        onWaiting(`Zendesk (${error.code})`);
        pacer.holdOff(step.waitMs);
        return state;
      case 'read_second':
        return readingSecond(state, step.second);
      case 'second_refused':
        return this.#afterSecondRefused(state);
      case 'drop_cursor':
        if (this.#cursorDroppedAt === next.startTime) throw error;
        this.#cursorDroppedAt = next.startTime;
        return withoutCursor(state);
      case 'ask_the_checkpoint':
      case 'stop':
        throw error;
    }
  }

  /** As the producer: once more by time, in full size; then over it, which a producer does only on a person's word. */
  #afterSecondRefused(state: ExportState): ExportState {
    const { mode, perPage } = this.#options;
    const second = state.next.startTime;
    if (this.#askedInFull !== second) {
      this.#askedInFull = second;
      this.#pageSize = createPageSize(perPage);
      return askingByTime(state);
    }
    this.unreadSeconds.push(second);
    return steppingOver(state, second, mode, second);
  }

  #aroundStuck(state: ExportState, asked: ExportState['next']['mode']): ExportState {
    const { startTime } = state.next;
    if (asked === 'time') return state;
    if (this.#cursorStuckAt !== startTime) {
      this.#cursorStuckAt = startTime;
      return state;
    }
    if (asked === 'second') return this.#afterSecondRefused(state);
    throw new TicketStreamError(
      'zendesk.page_stuck',
      `the export's cursor does not move past second ${startTime}, although there are tickets`,
      { context: { startTime }, remedy: 'Compare with EXPORT_MODE=time.' },
    );
  }
}

function undeliverable(cause: TicketStreamError): TicketStreamError {
  return new TicketStreamError(
    'zendesk.page_stuck',
    'Zendesk cannot deliver even a page of one ticket in time',
    { cause, context: cause.context, remedy: 'Run it again when Zendesk answers.' },
  );
}
