/**
 * A fault on every third request, of every kind that an export has to get over by itself: nothing that only a person
 * can mend (401, 403), nothing that no client could notice (tickets left out behind a count that matches), and no
 * wait of a minute (a 429 that does not say how long).
 */
import type { Fault, FaultPlan } from '@ticket-stream/zendesk-simulator';

export const EVERY = 3;
const POSITION_FIELDS = ['end_time', 'next_page', 'after_cursor', 'after_url'];

/** Places of a compressed body, from its first byte to beyond its end. */
const places = [0, 1, 20, 500, 3_000, 12_000, 40_000, 120_000, 2_000_000];

interface Variant {
  readonly weight: number;
  readonly fault: Fault;
  /** It touches `count`, which only the time-based export has. */
  readonly ofCount?: true;
}

const variants: readonly Variant[] = [
  ...places.flatMap((atByte): Variant[] => [
    { weight: 1, fault: { kind: 'cut', atByte, framing: 'chunked' } },
    { weight: 1, fault: { kind: 'cut', atByte, framing: 'length' } },
    { weight: 1, fault: { kind: 'end_early', atByte } },
    { weight: 0.5, fault: { kind: 'stall', atByte, forMs: 300 } },
  ]),
  { weight: 2, fault: { kind: 'content_type', value: 'text/html' } },
  { weight: 2, fault: { kind: 'html' } },
  { weight: 2, fault: { kind: 'empty_body' } },
  { weight: 1, fault: { kind: 'login_redirect' } },
  { weight: 2, fault: { kind: 'status', status: 500 } },
  { weight: 1, fault: { kind: 'status', status: 502 } },
  { weight: 1, fault: { kind: 'status', status: 503, retryAfter: 1 } },
  { weight: 1, fault: { kind: 'status', status: 503 } },
  { weight: 1, fault: { kind: 'status', status: 504 } },
  { weight: 2, fault: { kind: 'status', status: 429, retryAfter: 0 } },
  { weight: 1, fault: { kind: 'status', status: 429, retryAfter: 1 } },
  { weight: 1, fault: { kind: 'status', status: 429, retryAfterDateSeconds: 1 } },
  { weight: 3, fault: { kind: 'duplicate', tickets: 7 } },
  { weight: 3, fault: { kind: 'missing', tickets: 3, count: 'true' }, ofCount: true },
  { weight: 2, fault: { kind: 'wrong_count', by: 1 }, ofCount: true },
  { weight: 1, fault: { kind: 'wrong_count', by: -1 }, ofCount: true },
  { weight: 2, fault: { kind: 'key_order', order: 'control_first' } },
  { weight: 2, fault: { kind: 'key_order', order: 'reversed' } },
  { weight: 2, fault: { kind: 'control_missing', fields: POSITION_FIELDS } },
  { weight: 4, fault: { kind: 'control_null', fields: POSITION_FIELDS } },
  { weight: 2, fault: { kind: 'latency', ms: 400 } },
  { weight: 1, fault: { kind: 'clock_jump', seconds: 3 } },
];

/** By cursor nothing is counted. */
const weightsOf = {
  time: variants.map(({ weight }) => weight),
  cursor: variants.map(({ weight, ofCount }) => (ofCount === true ? 0 : weight)),
} as const;

/** Which fault a request gets is a function of the seed, its number and its mode. */
export function faultRules(seed: number): FaultPlan {
  return variants.map(({ fault }, index) => ({
    on: { match: ({ number, mode }) => number % EVERY === 0 && chosen(seed, number, mode) === index },
    fault,
    // So that it is every third request, also of those for which there is nothing new.
    otherwise: { kind: 'empty_body' },
  }));
}

function chosen(seed: number, requestNumber: number, mode: keyof typeof weightsOf): number {
  const weights = weightsOf[mode];
  let left = fraction(seed, requestNumber) * weights.reduce((sum, weight) => sum + weight, 0);
  return weights.findIndex((weight) => {
    left -= weight;
    return left < 0;
  });
}

/** 0 ≤ x < 1, well spread also for numbers that follow each other. */
function fraction(seed: number, number: number): number {
  let mixed = Math.imul(seed ^ Math.imul(number, 0x9e3779b1), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}
