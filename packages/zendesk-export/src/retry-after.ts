import type { TicketStreamError } from '@ticket-stream/errors';

/**
 * How long a 429 or 503 asks us to wait. Honoured in full: HTTP libraries cap it (undici's retry at 30 s), and
 * Zendesk's own example asks for 93 s. Absent, `0` and `93` all occur.
 */
export interface RetryAfter {
  /** Milliseconds from the response. */
  readonly ms: number;
  /** More was asked for than anybody means; to be said at level warn. */
  readonly capped: boolean;
}

/**
 * Above an hour we ask once an hour: nobody's storm, and a proxy that says "in 30 years" does not stop the export
 * for good.
 */
const CAP_MS = 3_600_000;

/**
 * @param header     `Retry-After` as it came: seconds, or an HTTP date
 * @param nowMs      epoch milliseconds by the *server's* Date header, which an HTTP date is to be compared with
 * @returns undefined where the header is absent or is neither: the caller's default counts. A date gone by is 0.
 */
export function readRetryAfter(header: string | undefined, nowMs: number): RetryAfter | undefined {
  const text = header?.trim() ?? '';
  let ms: number;
  if (/^\d+(\.\d+)?$/.test(text)) {
    ms = Number(text) * 1_000;
  } else {
    // Date.parse also takes "7" and "x 1"; an HTTP date begins with the name of a day.
    const atMs = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(atMs)) return undefined;
    ms = Math.max(0, atMs - nowMs);
  }
  return ms > CAP_MS ? { ms: CAP_MS, capped: true } : { ms: Math.ceil(ms), capped: false };
}

/**
 * Where a 429 does not say how long: the limit counts requests of a minute, so after a minute every request that
 * filled it has left it. Less may be enough, and may be the next 429.
 */
const RATE_LIMIT_DEFAULT_MS = 60_000;

/** Milliseconds that a failure of the client asks to wait; 0 where it asks for nothing. */
export function askedToWaitMs({ code, context: { retryAfterMs } }: TicketStreamError): number {
  if (typeof retryAfterMs === 'number') return retryAfterMs;
  return code === 'zendesk.rate_limited' ? RATE_LIMIT_DEFAULT_MS : 0;
}
