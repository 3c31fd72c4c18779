/**
 * Page after page, at the allowed pace, for ever. Each turn is one attempt at the page the checkpoint names; what it
 * failed with says what happens before the next (after-failure.ts).
 */
import { asTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import type { PagePublisher } from '@ticket-stream/kafka';
import type { Logger, WaitCause } from '@ticket-stream/service-kit';
import {
  afterFailure,
  askingByTime,
  COUNT_RETRY_WAIT_MS,
  CountRule,
  createBackoff,
  createPageSize,
  type ExportClient,
  type ExportState,
  type NextRequest,
  type Pacer,
  type PageVerdict,
  readingSecond,
  steppingOver,
  type WantedExport,
  withoutCursor,
} from '@ticket-stream/zendesk-export';
import type { ExportObservation } from './export-observation.ts';
import type { LetterRetries } from './letter-retries.ts';
import { attemptPage, type PageOutcome } from './page-attempt.ts';
import { pageTracing } from './page-tracing.ts';
import { changeState, isoSecond, resumeExport } from './state-changes.ts';
import { cursorRefused, secondRefused, stuckOnCursor, undeliverable } from './stuck-errors.ts';

export interface ExportLoop {
  readonly client: ExportClient;
  readonly publisher: PagePublisher<ExportState>;
  /** Tickets to be fetched again, between two pages. */
  readonly letters: LetterRetries;
  readonly pacer: Pacer;
  readonly wanted: WantedExport;
  /** Sideloads, as the client asks for them. */
  readonly include: readonly string[];
  /** Where a page's tickets wait for its sideloads; an existing folder. */
  readonly spillDir: string;
  readonly perPage: number;
  readonly source: string;
  readonly delaySeconds: number;
  readonly pageBudgetMs: number;
  /** The second that may be stepped over if it cannot be read to its end; epoch seconds. */
  readonly acceptGap: number | undefined;
  /** End with the first page at the end of the stream. */
  readonly once: boolean;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly observation: ExportObservation;
}

/** @returns when aborted, or after the end of the stream where `once` is asked for */
export async function runExport(loop: ExportLoop): Promise<void> {
  const { publisher, pacer, observation, logger, signal } = loop;
  const { progress } = observation;
  let pageSize = createPageSize(loop.perPage);
  /** The second that was asked for once more by time, in full size, because the cursor endpoint does not show it to its end. */
  let askedInFull: number | undefined;
  /** Where the cursor stood still under tickets once: a second time before the end, there is no way around it. */
  let cursorStuckAt: number | undefined;
  /** The start of the export whose cursor was refused once, since the end of the stream. */
  let cursorDroppedAt: number | undefined;
  const countRule = new CountRule();
  const backoff = createBackoff({ firstMs: 500, maxMs: 60_000 });
  const traced = pageTracing();
  let lastCommitMs = Number.NEGATIVE_INFINITY;
  /** What holds the next turn off: the pace, or what came of the last attempt. */
  let waitsFor: WaitCause = 'pace';

  await observation.waiting('kafka', () => resumeExport(publisher, loop.wanted, logger));

  while (!signal.aborted) {
    let asked: NextRequest;
    let outcome: PageOutcome;
    try {
      await takeTurn();
      asked = publisher.checkpoint.exportState.next;
      outcome = await attempt();
    } catch (error) {
      if (signal.aborted) return;
      if (await overAfter(asTicketStreamError(error))) return;
      continue;
    }
    progress.waitingFor = undefined;
    if (outcome.verdict === 'uncounted') {
      logger.warn(
        { startTime: publisher.checkpoint.exportState.next.startTime },
        "the page's count is not the number of its tickets; asking again",
      );
      pacer.holdOff(COUNT_RETRY_WAIT_MS);
      continue;
    }
    backoff.reset();
    pageSize.succeeded();
    if (outcome.committed) lastCommitMs = performance.now();
    if (outcome.countIgnored) {
      logger.warn(
        countRule.ignored
          ? 'a page was accepted although its count differs, as so many before it: counts are not looked at any more'
          : 'a page was accepted although its count differs',
      );
    }
    if (outcome.disbelieved !== undefined) {
      logger.warn(
        { endTime: outcome.disbelieved },
        'a page claims to go up to a second later than it was made; going on from what it showed',
      );
    }
    if (outcome.verdict === 'stuck') await goAround(asked);
    else if (settled(outcome.verdict)) return;
    else if (outcome.verdict === 'caught_up') cursorWorked(asked);
  }

  async function takeTurn(): Promise<void> {
    const knownMs = pacer.msToNextTurn();
    await observation.waiting(
      waitsFor,
      async () => {
        await loop.letters.work(knownMs);
        await authorize();
        await pacer.turn(signal);
      },
      knownMs,
    );
    waitsFor = 'pace';
    observation.requested(pageSize.current);
  }

  /** Before the turn: a token that is fetched after it makes its request late, and the next one too early. */
  async function authorize(): Promise<void> {
    const fromMs = performance.now();
    try {
      await loop.client.authorize(signal);
    } catch (error) {
      observation.pageFailed((performance.now() - fromMs) / 1000, asTicketStreamError(error).code);
      throw error;
    }
  }

  async function attempt(): Promise<PageOutcome> {
    const perPage = pageSize.current;
    const fromMs = performance.now();
    const seconds = () => (performance.now() - fromMs) / 1000;
    try {
      const outcome = await traced(publisher.checkpoint.exportState.next, perPage, () =>
        attemptPage(
          {
            ...loop,
            mode: loop.wanted.mode,
            countRule,
            msSinceCommit: () => performance.now() - lastCommitMs,
            onAnswered: observation.answered,
            onParsed: observation.parsed,
          },
          perPage,
        ),
      );
      observation.pageEnded(seconds(), outcome);
      return outcome;
    } catch (error) {
      observation.pageFailed(seconds(), asTicketStreamError(error).code);
      throw error;
    }
  }

  /** @returns true when the export is over */
  function settled(verdict: PageVerdict): boolean {
    if (verdict !== 'caught_up') return false;
    if (progress.stage !== 'live') logger.info({ pages: progress.pages }, 'reached the end of the stream');
    observation.caughtUp();
    progress.stage = loop.once ? 'ended' : 'live';
    return loop.once;
  }

  /**
   * A cursor that led to the end of the stream is not the one that failed: in a quiet account it may fail as well, days
   * later, at the same second. Only at the end, for cursors that fail on the way there would be dropped for ever.
   */
  function cursorWorked(asked: NextRequest): void {
    if (asked.mode !== 'cursor' || asked.cursor === undefined) return;
    cursorStuckAt = undefined;
    cursorDroppedAt = undefined;
  }

  /** The stuck page is committed, and the way around it is what the checkpoint now names. */
  async function goAround(asked: NextRequest): Promise<void> {
    const { startTime } = publisher.checkpoint.exportState.next;
    if (asked.mode === 'time') {
      logger.warn(
        { second: startTime, perPage: pageSize.current },
        'the export does not get past a second; reading it to its end by the cursor endpoint',
      );
      return;
    }
    if (cursorStuckAt === startTime) {
      if (asked.mode === 'cursor') throw stuckOnCursor(startTime);
      await afterSecondRefused(startTime, stuckOnCursor(startTime));
      return;
    }
    cursorStuckAt = startTime;
    logger.warn(
      { second: startTime },
      asked.mode === 'cursor'
        ? "the export's cursor stands still; beginning anew at the newest second"
        : 'the cursor of a second stands still; beginning that second anew',
    );
  }

  /**
   * Mends what can be mended and lets the loop go on.
   * @returns true when the export is over
   * @throws what cannot be mended
   */
  async function overAfter(error: TicketStreamError): Promise<boolean> {
    const asked = publisher.checkpoint.exportState.next;
    const step = afterFailure(error, backoff, asked);
    switch (step.step) {
      case 'caught_up':
        // An answer all the same: what was waited for is over.
        backoff.reset();
        progress.waitingFor = undefined;
        if (progress.stage === 'starting') sayTooRecent(asked.startTime);
        return settled('caught_up');
      case 'wait':
        logger.warn({ err: error, waitMs: step.waitMs }, step.because);
        holdOff(
          step.waitMs,
          error.code === 'zendesk.rate_limited' ? 'rate_limit' : 'zendesk',
          step.waitingFor,
        );
        return false;
      case 'ask_for_less':
        if (!pageSize.halve()) throw undeliverable(error);
        logger.warn({ err: error, perPage: pageSize.current }, 'asking for smaller pages');
        holdOff(step.waitMs, 'zendesk', `Zendesk (${error.code})`);
        return false;
      case 'read_second':
        logger.warn(
          { err: error, second: step.second },
          'Zendesk makes the page larger than asked for, to hold a whole second; reading that second by the cursor endpoint',
        );
        await change((state) => readingSecond(state, step.second));
        return false;
      case 'second_refused':
        await afterSecondRefused(asked.startTime, error);
        return false;
      case 'drop_cursor':
        if (cursorDroppedAt === asked.startTime) throw cursorRefused(error);
        cursorDroppedAt = asked.startTime;
        logger.warn({ err: error }, 'Zendesk does not take the cursor; beginning anew at the newest second');
        await change(withoutCursor);
        return false;
      case 'ask_the_checkpoint':
        logger.warn({ err: error }, 'a transaction is in doubt; asking the checkpoint');
        progress.waitingFor = 'Kafka (a transaction is in doubt)';
        await observation.waiting('kafka', publisher.recover);
        progress.waitingFor = undefined;
        return false;
      case 'stop':
        throw error;
    }
  }

  function sayTooRecent(startTime: number): void {
    logger.info(
      { startTime, delaySeconds: loop.delaySeconds },
      `Zendesk shows nothing from ${isoSecond(startTime)} on yet: it leaves out the newest ${loop.delaySeconds} s; asking again at the pace`,
    );
  }

  function holdOff(waitMs: number, cause: WaitCause, waitingFor: string): void {
    progress.waitingFor = waitingFor;
    waitsFor = cause;
    pacer.holdOff(waitMs);
  }

  function change(to: (state: ExportState) => ExportState): Promise<void> {
    return observation.waiting('kafka', () => changeState(publisher, to, logger));
  }

  /** Smaller pages may have been our doing, and per_page may have been raised since: once more by time, in full size. */
  async function afterSecondRefused(second: number, error: TicketStreamError): Promise<void> {
    if (askedInFull !== second) {
      logger.warn(
        { err: error, second },
        'the cursor endpoint does not show a second to its end; asking by time again',
      );
      askedInFull = second;
      pageSize = createPageSize(loop.perPage);
      await change(askingByTime);
      return;
    }
    logger.error({ err: error, second }, 'a second cannot be read to its end');
    if (loop.acceptGap !== second) throw secondRefused(second, loop.perPage, error);
    const acceptedAt = Math.floor(Date.now() / 1000);
    await change((state) => steppingOver(state, second, loop.wanted.mode, acceptedAt));
    logger.warn({ second }, 'stepped over a second, as ACCEPT_GAP says; the gap stays on record');
  }
}
