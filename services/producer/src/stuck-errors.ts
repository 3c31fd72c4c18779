/** What is said when the export cannot go on without losing something: each with what was tried and what helps. */
import { TicketStreamError } from '@ticket-stream/errors';

/** A second is larger than a page, and the cursor endpoint, which could read it in parts, is refused or stands still. */
export function secondRefused(second: number, perPage: number, cause: TicketStreamError): TicketStreamError {
  return new TicketStreamError(
    'zendesk.page_stuck',
    `the export does not move past second ${second}: it holds more tickets than a page of ${perPage}, and the cursor endpoint does not show it to its end (${cause.message})`,
    {
      cause,
      context: { startTime: second, perPage },
      remedy: `What was shown of it is committed, the rest is not. ${
        perPage < 1000 ? 'Raise EXPORT_PER_PAGE to 1000, or allow' : 'Allow'
      } the credentials the cursor endpoint (/api/v2/incremental/tickets/cursor), and start again: the export goes on there. To step over that second and lose what it still holds, set ACCEPT_GAP=${second}.`,
    },
  );
}

/** Even a page of one ticket does not arrive in time. */
export function undeliverable(cause: TicketStreamError): TicketStreamError {
  return new TicketStreamError(
    'zendesk.page_stuck',
    'Zendesk cannot deliver even a page of one ticket in time',
    {
      cause,
      context: cause.context,
      remedy:
        'Nothing is lost: start again when Zendesk answers, and the export goes on there. If it stays, ask Zendesk about the 504 with the start_time shown.',
    },
  );
}

/** The cursor stays the same under tickets, also when the export begins anew at its newest second. */
export function stuckOnCursor(second: number): TicketStreamError {
  return new TicketStreamError(
    'zendesk.page_stuck',
    `the export's cursor does not move past second ${second}, although there are tickets`,
    {
      context: { startTime: second },
      remedy: 'Nothing is lost: what was shown is committed. Go on with EXPORT_MODE=time.',
    },
  );
}

/** The cursor is refused, and so is the one that Zendesk gave in its place. */
export function cursorRefused(cause: TicketStreamError): TicketStreamError {
  return new TicketStreamError(
    'zendesk.request_refused',
    `Zendesk refuses its own cursor: ${cause.message}`,
    {
      cause,
      context: cause.context,
      remedy: 'Nothing is lost. Go on with EXPORT_MODE=time, or ask Zendesk about its answer.',
    },
  );
}
