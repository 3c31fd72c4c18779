/**
 * What a failed attempt at a page calls for, decided without doing any of it: the loop's table of failures.
 *
 *   too recent                    → caught up: ask again at the pace
 *   429                           → wait as long as it says; a minute where it does not say
 *   504, over its budget or size  → the same page, half the per_page; stop at the smallest
 *   a transaction in doubt        → recycle the producer; the checkpoint says which page is next
 *   other disposition retry       → the same page again, as asked or with backoff
 *   anything else                 → out, with its exit code
 */
import type { TicketStreamError } from '@ticket-stream/errors';
import { type Backoff, RATE_LIMIT_DEFAULT_MS } from '@ticket-stream/zendesk-export';

export type AfterFailure =
  | { readonly step: 'caught_up' }
  | { readonly step: 'wait'; readonly waitMs: number; readonly waitingFor: string; readonly because: string }
  | { readonly step: 'ask_for_less'; readonly waitMs: number }
  | { readonly step: 'ask_the_checkpoint' }
  | { readonly step: 'stop' };

/** @param backoff  asked only where its wait counts: each question doubles it */
export function afterFailure(error: TicketStreamError, backoff: Pick<Backoff, 'nextMs'>): AfterFailure {
  const retryAfterMs = error.context['retryAfterMs'];
  const asked = typeof retryAfterMs === 'number' ? retryAfterMs : undefined;
  switch (error.code) {
    case 'zendesk.too_recent':
      return { step: 'caught_up' };
    case 'zendesk.rate_limited': {
      const waitMs = asked ?? RATE_LIMIT_DEFAULT_MS;
      const waitingFor = `Zendesk, ${Math.ceil(waitMs / 1000)} s (429)`;
      return { step: 'wait', waitMs, waitingFor, because: 'Zendesk asks to wait (429)' };
    }
    case 'zendesk.page_too_slow':
    case 'zendesk.page_too_large':
      // Backed off: a gateway that is ill for a minute would otherwise halve down to the smallest page and stop us.
      return { step: 'ask_for_less', waitMs: backoff.nextMs() };
    case 'kafka.doubtful_transaction':
      return { step: 'ask_the_checkpoint' };
    default: {
      if (error.disposition !== 'retry') return { step: 'stop' };
      const waitMs = Math.max(asked ?? 0, backoff.nextMs());
      return {
        step: 'wait',
        waitMs,
        waitingFor: `Zendesk (${error.code})`,
        because: 'the page is asked for again',
      };
    }
  }
}
