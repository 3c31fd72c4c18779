import { TicketStreamError } from '@ticket-stream/errors';
import type { NextRequest } from './export-state.ts';

interface UnbearablePage {
  readonly next: NextRequest;
  readonly perPage: number;
  /** Of the page, before it was given up. */
  readonly tickets: number;
  /** The second that all of them lie in; undefined where it is several, or not known. */
  readonly onlySecond: number | undefined;
  /** Over its time, or over its bytes. */
  readonly over: 'time' | 'bytes';
  readonly cause: unknown;
}

/**
 * The error of a page that was given up. More tickets than were asked for, all of one second: half as many would
 * change nothing, and `context.wholeSecond` names it.
 */
export function unbearablePage(page: UnbearablePage): TicketStreamError {
  const { next, perPage, tickets, onlySecond, over, cause } = page;
  const isWholeSecond = next.mode === 'time' && tickets > perPage && onlySecond !== undefined;
  const context = {
    startTime: next.startTime,
    perPage,
    ...(isWholeSecond ? { wholeSecond: onlySecond } : {}),
  };
  return over === 'time'
    ? new TicketStreamError('zendesk.page_too_slow', 'the page took longer than its budget', {
        cause,
        context,
      })
    : new TicketStreamError('zendesk.page_too_large', 'the page is larger than allowed', { cause, context });
}
