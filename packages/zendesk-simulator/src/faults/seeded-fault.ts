import { mix, purpose, Random } from '../random.ts';
import type { PlayedFault } from './fault-plan.ts';

/**
 * The fault that a seed has for the request of this number: only those that a client can survive without a person. So
 * no refusal of its credentials or its request, and no ticket left out behind a count that matches.
 */
export function seededFault(seed: number, requestNumber: number): PlayedFault {
  const random = new Random(mix(seed, purpose.faults, requestNumber));
  return random.weighted(MAKERS)(random);
}

type Maker = (random: Random) => PlayedFault;

const MAKERS: readonly (readonly [number, Maker])[] = [
  [14, (random) => ({ kind: 'cut', atByte: someByte(random), framing: random.pick(['chunked', 'length']) })],
  [10, (random) => ({ kind: 'end_early', atByte: someByte(random) })],
  [6, (random) => ({ kind: 'stall', atByte: someByte(random), forMs: random.between(20, 1500) })],
  [4, (random) => ({ kind: 'content_type', value: random.pick(['text/html', 'text/plain; charset=utf-8']) })],
  [5, () => ({ kind: 'html' })],
  [5, () => ({ kind: 'empty_body' })],
  [4, () => ({ kind: 'login_redirect' })],
  [5, (random) => ({ kind: 'status', status: random.pick([500, 502] as const) })],
  [5, (random) => ({ kind: 'status', status: 503, ...someRetryAfter(random) })],
  [4, () => ({ kind: 'status', status: 504 })],
  [6, (random) => ({ kind: 'status', status: 429, ...someRetryAfter(random) })],
  [8, (random) => ({ kind: 'duplicate', tickets: random.between(1, 20) })],
  [6, (random) => ({ kind: 'missing', tickets: random.between(1, 5), count: 'true' })],
  [4, (random) => ({ kind: 'wrong_count', by: random.pick([-1, 1, 7, 1000]) })],
  [6, (random) => ({ kind: 'key_order', order: random.pick(['control_first', 'reversed']) })],
  [4, () => ({ kind: 'control_missing', fields: ['end_time', 'next_page', 'after_cursor', 'after_url'] })],
  [4, () => ({ kind: 'control_null', fields: ['end_time', 'next_page', 'after_cursor', 'after_url'] })],
  [6, (random) => ({ kind: 'latency', ms: random.between(10, 1500) })],
  [2, (random) => ({ kind: 'clock_jump', seconds: random.between(1, 30) })],
];

/** Anywhere from a body's first bytes to beyond its end, small places as likely as large ones. */
function someByte(random: Random): number {
  return Math.floor(2 ** (random.fraction() * 22));
}

function someRetryAfter(random: Random): { retryAfter?: number; retryAfterDateSeconds?: number } {
  return random.pick([
    {},
    { retryAfter: 0 },
    { retryAfter: 1 },
    { retryAfter: 2 },
    { retryAfterDateSeconds: 1 },
  ]);
}
