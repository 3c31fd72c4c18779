/**
 * Page after page, at the allowed pace, for ever. Each turn is one attempt at the page the checkpoint names; what it
 * failed with says what happens before the next (after-failure.ts).
 */
import { asTicketStreamError, type ErrorCode, type TicketStreamError } from '@ticket-stream/errors';
import type { PagePublisher } from '@ticket-stream/kafka';
import type { Logger } from '@ticket-stream/service-kit';
import {
  askingByTime,
  COUNT_RETRY_WAIT_MS,
  CountRule,
  createBackoff,
  createPageSize,
  type ExportClient,
  type ExportState,
  type Pacer,
  type PageVerdict,
  readingSecond,
  steppingOver,
  type WantedExport,
  withoutCursor,
} from '@ticket-stream/zendesk-export';
import { afterFailure } from './after-failure.ts';
import type { ExportProgress } from './export-progress.ts';
import { attemptPage, type PageOutcome } from './page-attempt.ts';
import { pageTracing } from './page-tracing.ts';
import { changeState, resumeExport } from './state-changes.ts';
import { cursorRefused, secondRefused, stuckOnCursor, undeliverable } from './stuck-errors.ts';

export interface ExportLoop {
  readonly client: ExportClient;
  readonly publisher: PagePublisher<ExportState>;
  readonly pacer: Pacer;
  readonly wanted: WantedExport;
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
  readonly progress: ExportProgress;
}

/** @returns when aborted, or after the end of the stream where `once` is asked for */
export async function runExport(loop: ExportLoop): Promise<void> {
  const { publisher, pacer, progress, logger, signal } = loop;
  let pageSize = createPageSize(loop.perPage);
  /** The second that was asked for once more by time, in full size, because the cursor endpoint would not show it. */
  let askedInFull: number | undefined;
  /** Where the cursor stood still under tickets once: a second time, there is no way around it. */
  let cursorStuckAt: number | undefined;
  /** The start of the export whose cursor was refused once. */
  let cursorDroppedAt: number | undefined;
  const countRule = new CountRule();
  const backoff = createBackoff({ firstMs: 500, maxMs: 60_000 });
  const traced = pageTracing();
  let lastCommitMs = Number.NEGATIVE_INFINITY;
  /** What the next turn is held off by, beside the pace. */
  let heldOffBy: ErrorCode | undefined;

  await resumeExport(publisher, loop.wanted, logger);

  while (!signal.aborted) {
    await takeTurn();
    let outcome: PageOutcome;
    try {
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
    account(outcome);
    if (outcome.countIgnored) logger.warn('a page was accepted although its count differs');
    if (settled(outcome.verdict)) return;
  }

  async function takeTurn(): Promise<void> {
    const fromMs = performance.now();
    await pacer.turn(signal);
    const cause = heldOffBy ?? 'pace';
    progress.waitedMs.set(cause, (progress.waitedMs.get(cause) ?? 0) + performance.now() - fromMs);
    heldOffBy = undefined;
    progress.requests++;
    progress.perPage = pageSize.current;
  }

  function attempt(): Promise<PageOutcome> {
    const perPage = pageSize.current;
    return traced(publisher.checkpoint.exportState.next, perPage, async () => {
      try {
        return await attemptPage(
          {
            ...loop,
            mode: loop.wanted.mode,
            countRule,
            msSinceCommit: () => performance.now() - lastCommitMs,
            onParsed: (tickets) => {
              progress.parsing += tickets;
            },
          },
          perPage,
        );
      } finally {
        progress.parsing = 0;
      }
    });
  }

  function account(outcome: PageOutcome): void {
    if (outcome.committed) lastCommitMs = performance.now();
    progress.pages++;
    progress.bytes += outcome.bytes;
    progress.exported += outcome.exported;
    progress.published += outcome.published;
    progress.repeated += outcome.repeated;
    progress.deadLettered += outcome.deadLettered;
    progress.newestSecond = Math.max(progress.newestSecond ?? 0, outcome.newestSecond ?? 0) || undefined;
  }

  /** @returns true when the export is over */
  function settled(verdict: PageVerdict): boolean {
    if (verdict === 'stuck') {
      goAround();
    } else if (verdict === 'caught_up') {
      if (progress.stage !== 'live') logger.info({ pages: progress.pages }, 'reached the end of the stream');
      progress.stage = loop.once ? 'ended' : 'live';
      return loop.once;
    }
    if (progress.stage === 'starting') progress.stage = 'backfill';
    return false;
  }

  /** The stuck page is committed, and the way around it is what the checkpoint now names. */
  function goAround(): void {
    const { mode, startTime } = publisher.checkpoint.exportState.next;
    if (mode === 'second') {
      logger.warn(
        { second: startTime, perPage: pageSize.current },
        'the export does not get past a second; reading it to its end by the cursor endpoint',
      );
      return;
    }
    if (cursorStuckAt === startTime) throw stuckOnCursor(startTime);
    cursorStuckAt = startTime;
    logger.warn(
      { second: startTime },
      "the export's cursor stands still; beginning anew at the newest second",
    );
  }

  /**
   * Mends what can be mended and lets the loop go on.
   * @returns true when the export is over
   * @throws what cannot be mended
   */
  async function overAfter(error: TicketStreamError): Promise<boolean> {
    progress.retries.set(error.code, (progress.retries.get(error.code) ?? 0) + 1);
    const asked = publisher.checkpoint.exportState.next;
    const step = afterFailure(error, backoff, asked);
    switch (step.step) {
      case 'caught_up':
        // An answer all the same: what was waited for is over.
        backoff.reset();
        progress.waitingFor = undefined;
        return settled('caught_up');
      case 'wait':
        logger.warn({ err: error, waitMs: step.waitMs }, step.because);
        holdOff(step.waitMs, error.code, step.waitingFor);
        return false;
      case 'ask_for_less':
        if (!pageSize.halve()) throw undeliverable(error);
        logger.warn({ err: error, perPage: pageSize.current }, 'asking for smaller pages');
        holdOff(step.waitMs, error.code, `Zendesk (${error.code})`);
        return false;
      case 'read_second':
        logger.warn(
          { err: error, second: step.second },
          'Zendesk makes the page larger than asked for, to hold a whole second; reading that second by the cursor endpoint',
        );
        await changeState(publisher, (state) => readingSecond(state, step.second), logger);
        return false;
      case 'second_refused':
        await afterSecondRefused(asked.startTime, error);
        return false;
      case 'drop_cursor':
        if (cursorDroppedAt === asked.startTime) throw cursorRefused(error);
        cursorDroppedAt = asked.startTime;
        logger.warn({ err: error }, 'Zendesk does not take the cursor; beginning anew at the newest second');
        await changeState(publisher, withoutCursor, logger);
        return false;
      case 'ask_the_checkpoint':
        logger.warn({ err: error }, 'a transaction is in doubt; asking the checkpoint');
        progress.waitingFor = 'Kafka (a transaction is in doubt)';
        await publisher.recover();
        progress.waitingFor = undefined;
        return false;
      case 'stop':
        throw error;
    }
  }

  function holdOff(waitMs: number, cause: ErrorCode, waitingFor: string): void {
    progress.waitingFor = waitingFor;
    heldOffBy = cause;
    pacer.holdOff(waitMs);
  }

  /** Smaller pages may have been our doing, and per_page may have been raised since: once more by time, in full size. */
  async function afterSecondRefused(second: number, error: TicketStreamError): Promise<void> {
    if (askedInFull !== second) {
      logger.warn(
        { err: error, second },
        'the cursor endpoint refuses to show a second; asking by time again',
      );
      askedInFull = second;
      pageSize = createPageSize(loop.perPage);
      await changeState(publisher, askingByTime, logger);
      return;
    }
    logger.error({ err: error, second }, 'a second cannot be read to its end');
    if (loop.acceptGap !== second) throw secondRefused(second, loop.perPage, error);
    const acceptedAt = Math.floor(Date.now() / 1000);
    await changeState(
      publisher,
      (state) => steppingOver(state, second, loop.wanted.mode, acceptedAt),
      logger,
    );
    logger.warn({ second }, 'stepped over a second, as ACCEPT_GAP says; the gap stays on record');
  }
}
