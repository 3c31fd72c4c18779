/**
 * Page after page, at the allowed pace, for ever. Each turn is one attempt at the page the checkpoint names; what it
 * failed with says what happens before the next (after-failure.ts).
 */
import { type Link, type SpanContext, SpanStatusCode, trace } from '@opentelemetry/api';
import { asTicketStreamError, type ErrorCode, TicketStreamError } from '@ticket-stream/errors';
import type { PagePublisher } from '@ticket-stream/kafka';
import type { Logger } from '@ticket-stream/service-kit';
import {
  COUNT_RETRY_WAIT_MS,
  CountRule,
  createBackoff,
  createPageSize,
  type ExportClient,
  type ExportState,
  type Pacer,
  type PageVerdict,
} from '@ticket-stream/zendesk-export';
import { afterFailure } from './after-failure.ts';
import { attemptPage, type PageOutcome } from './page-attempt.ts';

export interface ExportLoop {
  readonly client: ExportClient;
  readonly publisher: PagePublisher<ExportState>;
  readonly pacer: Pacer;
  readonly perPage: number;
  readonly source: string;
  readonly delaySeconds: number;
  /** End with the first page at the end of the stream. */
  readonly once: boolean;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly progress: ExportProgress;
}

/** What the loop tells about itself as it goes; plain numbers, read by status and supervisor. */
export interface ExportProgress {
  stage: 'starting' | 'backfill' | 'live' | 'ended';
  requests: number;
  pages: number;
  exported: number;
  published: number;
  repeated: number;
  deadLettered: number;
  /** Parsed of the page at work, not yet committed. */
  parsing: number;
  waitingFor: string | undefined;
  readonly retries: Map<ErrorCode, number>;
}

export function createExportProgress(): ExportProgress {
  return {
    stage: 'starting',
    requests: 0,
    pages: 0,
    exported: 0,
    published: 0,
    repeated: 0,
    deadLettered: 0,
    parsing: 0,
    waitingFor: undefined,
    retries: new Map(),
  };
}

const tracer = trace.getTracer('@ticket-stream/producer');

/** @returns when aborted, or after the end of the stream where `once` is asked for */
export async function runExport(loop: ExportLoop): Promise<void> {
  const { publisher, pacer, progress, logger, signal } = loop;
  let pageSize = createPageSize(loop.perPage);
  /** The second that was asked for once more in full size because smaller pages did not get past it. */
  let askedInFull: number | undefined;
  const countRule = new CountRule();
  const backoff = createBackoff({ firstMs: 500, maxMs: 60_000 });
  let previousPage: SpanContext | undefined;
  let lastCommitMs = Number.NEGATIVE_INFINITY;

  async function tracedAttempt(): Promise<PageOutcome> {
    const links: Link[] = previousPage === undefined ? [] : [{ context: previousPage }];
    return tracer.startActiveSpan('export page', { root: true, links }, async (span) => {
      previousPage = span.spanContext();
      const { nextStartTime } = publisher.checkpoint.exportState;
      span.setAttributes({ 'zendesk.start_time': nextStartTime, 'zendesk.per_page': pageSize.current });
      try {
        const outcome = await attemptPage(
          {
            ...loop,
            countRule,
            msSinceCommit: () => performance.now() - lastCommitMs,
            onParsed: (tickets) => {
              progress.parsing += tickets;
            },
          },
          pageSize.current,
        );
        span.setAttributes({
          'ticket_stream.exported': outcome.exported,
          'ticket_stream.published': outcome.published,
          'ticket_stream.repeated': outcome.repeated,
          'ticket_stream.dead_lettered': outcome.deadLettered,
          'ticket_stream.verdict': outcome.verdict,
        });
        return outcome;
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        span.setAttribute('error.type', asTicketStreamError(error).code);
        throw error;
      } finally {
        progress.parsing = 0;
        span.end();
      }
    });
  }

  while (!signal.aborted) {
    await pacer.turn(signal);
    progress.requests++;
    let outcome: PageOutcome;
    try {
      outcome = await tracedAttempt();
    } catch (error) {
      if (signal.aborted) return;
      if (await overAfter(asTicketStreamError(error))) return;
      continue;
    }
    progress.waitingFor = undefined;
    if (outcome.verdict === 'uncounted') {
      logger.warn(
        { startTime: publisher.checkpoint.exportState.nextStartTime },
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

  function account(outcome: PageOutcome): void {
    if (outcome.committed) lastCommitMs = performance.now();
    progress.pages++;
    progress.exported += outcome.exported;
    progress.published += outcome.published;
    progress.repeated += outcome.repeated;
    progress.deadLettered += outcome.deadLettered;
  }

  /** @returns true when the export is over */
  function settled(verdict: PageVerdict): boolean {
    if (verdict === 'stuck') {
      const { nextStartTime } = publisher.checkpoint.exportState;
      if (pageSize.current === loop.perPage || askedInFull === nextStartTime) throw stuckAt(nextStartTime);
      // Smaller pages were our doing; the second may fit into one as it was wanted.
      askedInFull = nextStartTime;
      pageSize = createPageSize(loop.perPage);
      return false;
    }
    if (verdict === 'caught_up') {
      if (progress.stage !== 'live') logger.info({ pages: progress.pages }, 'reached the end of the stream');
      progress.stage = loop.once ? 'ended' : 'live';
      return loop.once;
    }
    if (progress.stage === 'starting') progress.stage = 'backfill';
    return false;
  }

  /**
   * Mends what can be mended and lets the loop go on.
   * @returns true when the export is over
   * @throws what cannot be mended
   */
  async function overAfter(error: TicketStreamError): Promise<boolean> {
    progress.retries.set(error.code, (progress.retries.get(error.code) ?? 0) + 1);
    const next = afterFailure(error, backoff);
    switch (next.step) {
      case 'caught_up':
        // An answer all the same: what was waited for is over.
        backoff.reset();
        progress.waitingFor = undefined;
        return settled('caught_up');
      case 'wait':
        logger.warn({ err: error, waitMs: next.waitMs }, next.because);
        progress.waitingFor = next.waitingFor;
        pacer.holdOff(next.waitMs);
        return false;
      case 'ask_for_less':
        if (!pageSize.halve()) throw undeliverable(error);
        logger.warn({ err: error, perPage: pageSize.current }, 'asking for smaller pages');
        progress.waitingFor = `Zendesk (${error.code})`;
        pacer.holdOff(next.waitMs);
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

  function stuckAt(second: number): TicketStreamError {
    const perPage = pageSize.current;
    return new TicketStreamError(
      'zendesk.page_stuck',
      `the export does not move past second ${second}: it holds more tickets than a page of ${perPage}`,
      {
        context: { startTime: second, perPage },
        ...(perPage < PER_PAGE_MAX ? {} : { remedy: STUCK_AT_LARGEST }),
      },
    );
  }

  function undeliverable(error: TicketStreamError): TicketStreamError {
    return new TicketStreamError(
      'zendesk.page_stuck',
      'Zendesk cannot deliver even a page of one ticket in time',
      { cause: error, context: error.context, remedy: UNDELIVERABLE },
    );
  }
}

const PER_PAGE_MAX = 1_000;
const STUCK_AT_LARGEST =
  'Pages cannot be larger: what was read is committed, the rest of that second is not. Ask Zendesk to return the whole second; after that, start again and the export goes on there.';
const UNDELIVERABLE =
  'Nothing is lost: start again when Zendesk answers, and the export goes on there. If it stays, ask Zendesk about the 504 with the start_time shown.';
