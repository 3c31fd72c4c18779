/**
 * What a failed attempt at a page calls for, decided without doing any of it: the loop's table of failures.
 *
 *   too recent                    → caught up: ask again at the pace
 *   429                           → wait as long as it says; a minute where it does not say
 *   504, over its budget or size  → the same page, half the per_page; stop at the smallest. A page that Zendesk made
 *                                   larger than asked for, to hold a whole second, is no smaller then: that second is
 *                                   read by the cursor endpoint
 *   the cursor endpoint refuses a second → once more by time, in full size; then stop, or step over it on an
 *                                   operator's word
 *   the cursor is refused         → begin anew at the newest second shown
 *   a transaction in doubt        → recycle the producer; the checkpoint says which page is next
 *   other disposition retry       → the same page again, as asked or with backoff
 *   anything else                 → out, with its exit code
 */
import type { TicketStreamError } from '@ticket-stream/errors';
import type { Backoff } from './backoff.ts';
import type { NextRequest } from './export-state.ts';
import { askedToWaitMs } from './retry-after.ts';

export type AfterFailure =
  | { readonly step: 'caught_up' }
  | { readonly step: 'wait'; readonly waitMs: number; readonly waitingFor: string; readonly because: string }
  | { readonly step: 'ask_for_less'; readonly waitMs: number }
  | { readonly step: 'read_second'; readonly second: number }
  | { readonly step: 'second_refused' }
  | { readonly step: 'drop_cursor' }
  | { readonly step: 'ask_the_checkpoint' }
  | { readonly step: 'stop' };

/**
 * @param backoff  asked only where its wait counts: each question doubles it
 * @param asked    the request that failed
 */
export function afterFailure(
  error: TicketStreamError,
  backoff: Pick<Backoff, 'nextMs'>,
  asked: NextRequest,
): AfterFailure {
  switch (error.code) {
    case 'zendesk.too_recent':
      return { step: 'caught_up' };
    case 'zendesk.rate_limited': {
      const waitMs = askedToWaitMs(error);
      const waitingFor = `Zendesk, ${Math.ceil(waitMs / 1000)} s (429)`;
      return { step: 'wait', waitMs, waitingFor, because: 'Zendesk asks to wait (429)' };
    }
    case 'zendesk.page_too_slow':
    case 'zendesk.page_too_large': {
      const { wholeSecond } = error.context;
      if (typeof wholeSecond === 'number') return { step: 'read_second', second: wholeSecond };
      // Backed off: a gateway that is ill for a minute would otherwise halve down to the smallest page and stop us.
      return { step: 'ask_for_less', waitMs: backoff.nextMs() };
    }
    case 'zendesk.request_refused':
    case 'zendesk.not_found':
    case 'zendesk.credentials_refused':
      return afterRefusal(error, asked);
    case 'kafka.doubtful_transaction':
      return { step: 'ask_the_checkpoint' };
    default: {
      if (error.disposition !== 'retry') return { step: 'stop' };
      const waitMs = Math.max(askedToWaitMs(error), backoff.nextMs());
      return {
        step: 'wait',
        waitMs,
        waitingFor: `${error.code === 'spill.unavailable' ? 'the disk' : 'Zendesk'} (${error.code})`,
        because: 'the page is asked for again',
      };
    }
  }
}

function afterRefusal({ code, context }: TicketStreamError, asked: NextRequest): AfterFailure {
  if (asked.mode === 'time') return { step: 'stop' };
  // 401 says who we are, not what we may: no other request would fare better. A 403 may be about the endpoint alone.
  if (code === 'zendesk.credentials_refused' && context['status'] !== 403) return { step: 'stop' };
  if (asked.mode === 'second') return { step: 'second_refused' };
  const mayBeTheCursor = asked.cursor !== undefined && code === 'zendesk.request_refused';
  return { step: mayBeTheCursor ? 'drop_cursor' : 'stop' };
}
