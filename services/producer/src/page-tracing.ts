import { type Link, type SpanContext, SpanStatusCode, trace } from '@opentelemetry/api';
import { asTicketStreamError } from '@ticket-stream/errors';
import type { NextRequest } from '@ticket-stream/zendesk-export';
import type { PageOutcome } from './page-attempt.ts';

const tracer = trace.getTracer('@ticket-stream/producer');

/**
 * The root span around each attempt at a page, linked to the one before: a backfill lasts hours, so a page is a trace
 * and a run is not. A cursor is no attribute: it would make every span's attributes different.
 */
export function pageTracing() {
  let previousPage: SpanContext | undefined;
  return async (
    next: NextRequest,
    perPage: number,
    attempt: () => Promise<PageOutcome>,
  ): Promise<PageOutcome> => {
    const links: Link[] = previousPage === undefined ? [] : [{ context: previousPage }];
    return tracer.startActiveSpan('export page', { root: true, links }, async (span) => {
      previousPage = span.spanContext();
      span.setAttributes({
        'zendesk.mode': next.mode,
        'zendesk.start_time': next.startTime,
        'zendesk.per_page': perPage,
      });
      try {
        const outcome = await attempt();
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
        span.end();
      }
    });
  };
}
