import { TicketStreamError } from '@ticket-stream/errors';
import type { Span } from './query.ts';

/** `search.bad_query` with the place: `context.position` and `context.length` in UTF-16 units from 0. */
export function badQuery(message: string, at: Span, suggestion?: string): TicketStreamError {
  return new TicketStreamError('search.bad_query', message, {
    context: {
      position: at.start,
      length: at.length,
      ...(suggestion === undefined ? {} : { suggestion }),
    },
  });
}
