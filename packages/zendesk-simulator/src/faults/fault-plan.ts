/**
 * What goes wrong, and when: rules that are looked at for every export request which credentials and allowance let
 * through, the first that fits is played. So the requests that a plan counts are those that would have got an answer.
 */
import type { ExportMode } from '../http/export-request.ts';

/** Bytes are those of the body as it is sent: compressed, where the client asked for that. */
export type Fault =
  /** The connection ends after so many bytes, or where a shorter body ends, without what ends a body. */
  | { readonly kind: 'cut'; readonly atByte: number; readonly framing?: 'chunked' | 'length' }
  /** The body ends as it should after so many bytes, or a byte before a shorter body's end. */
  | { readonly kind: 'end_early'; readonly atByte: number }
  /** Nothing for a while after so many bytes; then the rest. */
  | { readonly kind: 'stall'; readonly atByte: number; readonly forMs: number }
  /** The page itself, said to be something else. */
  | { readonly kind: 'content_type'; readonly value?: string }
  /** A proxy's page of HTML, with status 200. */
  | { readonly kind: 'html' }
  | { readonly kind: 'empty_body' }
  /** A refusal; Retry-After is a number of seconds, a moment so far off, any text, or absent. */
  | {
      readonly kind: 'status';
      readonly status: FaultStatus;
      readonly retryAfter?: number | string;
      readonly retryAfterDateSeconds?: number;
    }
  /** A redirect to a page to log in at, here or at another address. */
  | { readonly kind: 'login_redirect'; readonly location?: string }
  /** The page's first tickets once more, at its end. `count` counts them. */
  | { readonly kind: 'duplicate'; readonly tickets: number }
  /** Tickets left out of the middle. `count` counts them all the same, or, `matching`, does not give them away. */
  | { readonly kind: 'missing'; readonly tickets: number; readonly count?: 'true' | 'matching' }
  | { readonly kind: 'wrong_count'; readonly by: number }
  /** The page's members in another order; those not named keep theirs, behind the named ones. */
  | { readonly kind: 'key_order'; readonly order: 'control_first' | 'reversed' | readonly string[] }
  | { readonly kind: 'control_missing'; readonly fields: readonly string[] }
  | { readonly kind: 'control_null'; readonly fields: readonly string[] }
  /** Before the head of the answer. */
  | { readonly kind: 'latency'; readonly ms: number }
  /** The simulator's clock goes forward, for good. */
  | { readonly kind: 'clock_jump'; readonly seconds: number }
  /** Another one every time, as the seed and the number of the request say; all of them can be survived. */
  | { readonly kind: 'seeded'; readonly seed: number };

export type FaultKind = Fault['kind'];
export type PlayedFault = Exclude<Fault, { kind: 'seeded' }>;

/** What is answered in place of a page. */
export type AnswerFault = Extract<Fault, { kind: 'html' | 'empty_body' | 'status' | 'login_redirect' }>;

export function isAnswerFault(fault: Fault): fault is AnswerFault {
  return ['html', 'empty_body', 'status', 'login_redirect'].includes(fault.kind);
}

/** What happens to a body on its way. */
export type BodyFault = Extract<Fault, { kind: 'cut' | 'end_early' | 'stall' }>;

export function isBodyFault(fault: Fault): fault is BodyFault {
  return fault.kind === 'cut' || fault.kind === 'end_early' || fault.kind === 'stall';
}

export const faultStatuses = [401, 403, 404, 422, 429, 500, 502, 503, 504] as const;
export type FaultStatus = (typeof faultStatuses)[number];

/** An export request as rules see it; numbers that cannot be read are undefined. */
export interface FaultTarget {
  /** From 1, among those that the plan sees. */
  readonly number: number;
  readonly mode: ExportMode;
  readonly startTime: number | undefined;
  readonly cursor: string | undefined;
  /** 1000 where the request has none. */
  readonly perPage: number | undefined;
  readonly include: string | undefined;
}

/** Every field that is given must fit. */
export interface FaultMatch {
  readonly mode?: ExportMode;
  readonly startTime?: number;
  readonly cursor?: string;
  readonly perPageFrom?: number;
  readonly perPageTo?: number;
}

export interface FaultRule {
  readonly on:
    | { readonly request: number }
    | { readonly every: number }
    | { readonly match: FaultMatch | ((target: FaultTarget) => boolean) };
  readonly fault: Fault;
  /** Answered where the fault has nothing to do: no ticket on the page to leave out, or a request that is refused. */
  readonly otherwise?: AnswerFault;
  /** How often it is played at most; no limit where it is left out. */
  readonly times?: number;
}

export type FaultPlan = readonly FaultRule[];

/** The fault of one request. */
export interface DueFault {
  readonly fault: PlayedFault;
  readonly otherwise: AnswerFault | undefined;
}

export function seededFaults(options: { readonly seed: number; readonly everyNth: number }): FaultPlan {
  return [{ on: { every: options.everyNth }, fault: { kind: 'seeded', seed: options.seed } }];
}
