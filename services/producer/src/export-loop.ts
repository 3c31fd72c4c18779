/**
 * Page after page, at the allowed pace, for ever. Each turn is one attempt at the page the checkpoint names; what it
 * failed with says what happens before the next:
 *
 *   too recent                    → caught up: ask again at the pace
 *   429, 5xx, cut or broken page  → wait as asked, else with backoff; the same page again
 *   504, over its budget or size  → the same page with half the per_page
 *   a transaction in doubt        → recycle the producer; the checkpoint says which page is next
 *   anything of disposition stop  → out, with its exit code
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
  RATE_LIMIT_DEFAULT_MS,
} from '@ticket-stream/zendesk-export';
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
  const pageSize = createPageSize(loop.perPage);
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
      await afterFailure(asTicketStreamError(error));
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
      throw new TicketStreamError(
        'zendesk.page_stuck',
        `the export does not move past second ${nextStartTime}: it holds more tickets than a page of ${pageSize.current}`,
        { context: { startTime: nextStartTime, perPage: pageSize.current } },
      );
    }
    if (verdict === 'caught_up') {
      if (progress.stage !== 'live') logger.info({ pages: progress.pages }, 'reached the end of the stream');
      progress.stage = loop.once ? 'ended' : 'live';
      return loop.once;
    }
    if (progress.stage === 'starting') progress.stage = 'backfill';
    return false;
  }

  /** Mends what can be mended and lets the loop go on. @throws what cannot */
  async function afterFailure(error: TicketStreamError): Promise<void> {
    progress.retries.set(error.code, (progress.retries.get(error.code) ?? 0) + 1);
    const retryAfterMs = error.context['retryAfterMs'];
    const asked = typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
    switch (error.code) {
      case 'zendesk.too_recent':
        progress.stage = 'live';
        return;
      case 'zendesk.rate_limited': {
        const waitMs = asked ?? RATE_LIMIT_DEFAULT_MS;
        logger.warn({ waitMs }, 'Zendesk asks to wait (429)');
        progress.waitingFor = `Zendesk, ${Math.ceil(waitMs / 1000)} s (429)`;
        pacer.holdOff(waitMs);
        return;
      }
      case 'zendesk.page_too_slow':
      case 'zendesk.page_too_large':
        if (!pageSize.halve()) throw stuckAtSmallest(error);
        logger.warn({ err: error, perPage: pageSize.current }, 'asking for smaller pages');
        return;
      case 'kafka.doubtful_transaction':
        logger.warn({ err: error }, 'a transaction is in doubt; asking the checkpoint');
        await publisher.recover();
        return;
      default: {
        if (error.disposition !== 'retry') throw error;
        const waitMs = Math.max(asked ?? 0, backoff.nextMs());
        logger.warn({ err: error, waitMs }, 'the page is asked for again');
        progress.waitingFor = `Zendesk (${error.code})`;
        pacer.holdOff(waitMs);
      }
    }
  }

  function stuckAtSmallest(error: TicketStreamError): TicketStreamError {
    return new TicketStreamError(
      'zendesk.page_stuck',
      'Zendesk cannot deliver even a page of one ticket in time',
      { cause: error, context: error.context },
    );
  }
}
