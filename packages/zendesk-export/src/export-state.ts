import { TicketStreamError } from '@ticket-stream/errors';
import { BOUNDARY_ENTRIES_MAX, type Boundary } from './boundary-filter.ts';
import { type ExportScope, hiddenBy, isExportScope, type Unseen, type UnseenWhat } from './export-scope.ts';
import type { ExportMode } from './page-fields.ts';

/**
 * Where an export stands: the part of the checkpoint that the export owns; plain JSON.
 *
 * Whatever the endpoint, `next.startTime` is a second before which everything was shown: another mode, a cursor
 * that Zendesk no longer takes, a reset all go on from there, and the boundary drops what that shows again.
 */
export interface ExportState {
  readonly next: NextRequest;
  readonly boundary: Boundary;
  /** Epoch seconds: the last second known to be complete in the log; undefined before the first page. Never moves back. */
  readonly position: number | undefined;
  /** What the requests leave out, and since which second of the export each of it has been left out. */
  readonly scope: ExportScope;
  readonly hiddenSince: Readonly<Partial<Record<UnseenWhat, number>>>;
  /** What a scope hid that was widened later: going on does not bring it back. */
  readonly unseen: readonly Unseen[];
  /** Seconds that were stepped over on an operator's word. */
  readonly gaps: readonly Gap[];
}

/**
 * - `time`    the time-based endpoint from `startTime` on
 * - `cursor`  the cursor endpoint: from `cursor` on, or, where there is none yet, from `startTime`
 * - `second`  the cursor endpoint, to read one second to its end that the time-based endpoint does not get past
 *             (export-walk.ts); after it the export goes on at the next second, in the mode that is asked for
 */
export type NextRequest =
  | { readonly mode: 'time'; readonly startTime: number }
  | { readonly mode: 'cursor' | 'second'; readonly startTime: number; readonly cursor?: string };

/** Both ends belong to it; epoch seconds. */
export interface Gap {
  readonly from: number;
  readonly until: number;
  /** `stuck`: the export did not get past a second. `reset`: the export was told to go on later. */
  readonly why: 'stuck' | 'reset';
  /** Epoch seconds. */
  readonly acceptedAt: number;
}

export const DEFAULT_SCOPE: ExportScope = { excludeDeleted: false, supportTypes: 'agent' };

export function startState(
  startTime: number,
  mode: ExportMode = 'time',
  scope: ExportScope = DEFAULT_SCOPE,
): ExportState {
  return {
    next: { mode, startTime },
    boundary: { second: startTime, digests: {}, overflowed: false },
    position: undefined,
    scope,
    hiddenSince: Object.fromEntries(hiddenBy(scope).map((what) => [what, startTime])),
    unseen: [],
    gaps: [],
  };
}

/** Going on in another mode, from the second before which everything was shown; a second being read is read first. */
export function inMode(state: ExportState, mode: ExportMode): ExportState {
  const { next } = state;
  if (next.mode === mode || next.mode === 'second') return state;
  return { ...state, next: { mode, startTime: next.startTime } };
}

/**
 * Going on at `to` instead, backwards or forwards. Everything from there on is published again, as copies that
 * consumers count as duplicates; what a scope hid at or after it is shown again, so it is off the record, unless it is
 * hidden still, which it then is from there on. Forwards, what lies between is a gap on record.
 */
export function resetTo(state: ExportState, to: number, mode: ExportMode, nowSecond: number): ExportState {
  const { startTime } = state.next;
  const hidden = hiddenBy(state.scope);
  const skipped: Gap[] =
    to > startTime ? [{ from: startTime, until: to - 1, why: 'reset', acceptedAt: nowSecond }] : [];
  return {
    ...state,
    next: { mode, startTime: to },
    boundary: { second: to, digests: {}, overflowed: false },
    hiddenSince: Object.fromEntries(
      Object.entries(state.hiddenSince).map(([what, since]) => [what, Math.min(since, to)]),
    ),
    unseen: state.unseen.flatMap((each) => (hidden.includes(each.what) ? [each] : before(each, to))),
    gaps: [...state.gaps.flatMap((each) => before(each, to)), ...skipped],
  };
}

/** The part of a stretch that lies before a second. */
function before<T extends { readonly from: number; readonly until: number }>(
  stretch: T,
  second: number,
): T[] {
  if (stretch.from >= second) return [];
  return [stretch.until < second ? stretch : { ...stretch, until: second - 1 }];
}

const DIGEST_ENTRY = /^[0-9a-f]{16}(@\d{1,12})?$/;
/** A few dozen on a bad day; a checkpoint with more was not written by us. */
const RECORDS_MAX = 10_000;
const CURSOR_CHARS_MAX = 16_384;

/**
 * The state out of a checkpoint's JSON.
 * @throws checkpoint.unreadable  it has another shape
 */
export function parseExportState(value: unknown): ExportState {
  const state = fieldsOf(value);
  return {
    next: parseNext(state['next']),
    boundary: parseBoundary(state['boundary']),
    position: optionalSecond(state['position']),
    scope: parseScope(state['scope']),
    hiddenSince: parseHiddenSince(state['hiddenSince']),
    unseen: listOf(state['unseen'], (each) => ({ ...parseStretch(each), what: oneOf(each['what'], WHATS) })),
    gaps: listOf(state['gaps'], (each) => ({
      ...parseStretch(each),
      why: oneOf(each['why'], ['stuck', 'reset'] as const),
      acceptedAt: second(each['acceptedAt']),
    })),
  };
}

const WHATS = ['deleted', 'agent', 'ai_agent'] as const satisfies readonly UnseenWhat[];

function parseNext(value: unknown): NextRequest {
  const { mode, startTime, cursor } = fieldsOf(value);
  const from = second(startTime);
  if (mode === 'time') return { mode, startTime: from };
  const known = oneOf(mode, ['cursor', 'second'] as const);
  if (cursor === undefined) return { mode: known, startTime: from };
  if (typeof cursor !== 'string' || cursor === '' || cursor.length > CURSOR_CHARS_MAX) throw unreadable();
  return { mode: known, startTime: from, cursor };
}

function parseBoundary(value: unknown): Boundary {
  const boundary = fieldsOf(value);
  const entries = Object.entries(fieldsOf(boundary['digests']));
  if (entries.length > BOUNDARY_ENTRIES_MAX || typeof boundary['overflowed'] !== 'boolean')
    throw unreadable();
  const isDigest = (entry: [string, unknown]): entry is [string, string] =>
    typeof entry[1] === 'string' && DIGEST_ENTRY.test(entry[1]);
  if (!entries.every(isDigest)) throw unreadable();
  return {
    second: second(boundary['second']),
    digests: Object.fromEntries(entries),
    overflowed: boundary['overflowed'],
  };
}

function parseScope(value: unknown): ExportScope {
  const scope = fieldsOf(value);
  if (!isExportScope(scope)) throw unreadable();
  return scope;
}

function parseHiddenSince(value: unknown): ExportState['hiddenSince'] {
  const entries = Object.entries(fieldsOf(value));
  return Object.fromEntries(entries.map(([what, since]) => [oneOf(what, WHATS), second(since)]));
}

function parseStretch(each: Record<string, unknown>): { from: number; until: number } {
  return { from: second(each['from']), until: second(each['until']) };
}

function listOf<T>(value: unknown, parse: (each: Record<string, unknown>) => T): T[] {
  if (!Array.isArray(value) || value.length > RECORDS_MAX) throw unreadable();
  return value.map((each) => parse(fieldsOf(each)));
}

function oneOf<const T extends string>(value: unknown, known: readonly T[]): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw unreadable();
  return found;
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable();
  return value as Record<string, unknown>;
}

function optionalSecond(value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw unreadable();
  return value;
}

function second(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw unreadable();
  return value;
}

function unreadable(): TicketStreamError {
  return new TicketStreamError('checkpoint.unreadable', "the checkpoint's export state has another shape");
}
