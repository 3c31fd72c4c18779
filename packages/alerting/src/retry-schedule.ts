/**
 * When a refused delivery is tried again. Ten attempts over about 75 hours, as Standard Webhooks recommends
 * ("at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h"): a receiver that is down over a weekend still
 * gets everything. After the last the delivery is dead: kept, and no longer tried.
 */
const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** Waits after the first, second … refused attempt. */
const waitsMs = [
  5 * second,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  24 * hour,
];

export const ATTEMPTS_MAX = waitsMs.length + 1;

/** Up to so much longer: a receiver that comes back is not met by everything in one second. */
const JITTER = 0.2;
/** A receiver may ask for patience, not for ever. */
const RETRY_AFTER_MAX_MS = 24 * hour;

/**
 * @param attempts      attempts made, the refused one included; from 1
 * @param retryAfterMs  what the receiver asked for: the next attempt does not come earlier
 * @param random        0 ≤ random < 1
 * @returns             milliseconds until the next attempt; undefined after the last
 */
export function nextAttemptInMs(
  attempts: number,
  retryAfterMs: number | undefined,
  random: number,
): number | undefined {
  const waitMs = waitsMs[attempts - 1];
  if (waitMs === undefined) return undefined;
  const jittered = Math.round(waitMs * (1 + JITTER * random));
  return Math.max(jittered, Math.min(retryAfterMs ?? 0, RETRY_AFTER_MAX_MS));
}
