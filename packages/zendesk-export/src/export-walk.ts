import { TicketStreamError } from '@ticket-stream/errors';
import { BOUNDARY_ENTRIES_MAX, type Boundary } from './boundary-filter.ts';
import type { PageTail } from './page-fields.ts';

/**
 * How the export goes on after a page: pure decisions over what Zendesk answered. No clock is read here; "now" is
 * the response's own Date.
 *
 * A ticket stands in the export once, in its latest state, under the second of its last update; a page shows what
 * is at or after `start_time`, oldest first, and its `end_time` is the next `start_time`, normally a second that was
 * shown already and comes again (boundary-filter.ts).
 */

/** The part of the checkpoint that the export owns; plain JSON. */
export interface ExportState {
  /** Epoch seconds: `start_time` of the next request. */
  readonly nextStartTime: number;
  readonly boundary: Boundary;
  /** Epoch seconds: the last second known to be complete in the log; undefined before the first page. Never moves back. */
  readonly position: number | undefined;
}

export function startState(startTime: number): ExportState {
  return {
    nextStartTime: startTime,
    boundary: { second: startTime, digests: {}, overflowed: false },
    position: undefined,
  };
}

export interface PageSeen {
  readonly tail: PageTail;
  /** The response's Date, epoch seconds; undefined where it had none that can be read. */
  readonly date: number | undefined;
  /** As it was asked for: tells a full page where the flag `end_of_stream` is missing. */
  readonly perPage: number;
  /** What the export leaves out of the newest time, seconds: 60 at Zendesk. */
  readonly delaySeconds: number;
}

/**
 * - `advanced`   more is to come, from a later start
 * - `caught_up`  nothing newer now
 * - `ask_again`  nothing moved and nothing says that it is the end: the same again
 * - `stuck`      tickets, more to come, and no later start: asking again would show the same for ever. Its tickets
 *                are committed first; the state stays where it is.
 * After all but `stuck` the next request is made when the pace allows it.
 */
export type PageVerdict = 'advanced' | 'caught_up' | 'ask_again' | 'stuck';

export interface Step {
  readonly state: ExportState;
  readonly verdict: PageVerdict;
}

/** Where the next request begins after this page; never earlier than the one that was made. */
export function nextStartTime(state: ExportState, tail: PageTail): number {
  return Math.max(state.nextStartTime, tail.endTime ?? tail.nextStartTime ?? 0);
}

/**
 * @param state     as of the checkpoint, whose `nextStartTime` was asked for
 * @param boundary  what the page's filter closed with, for `nextStartTime(state, page.tail)`
 */
export function nextState(state: ExportState, page: PageSeen, boundary: Boundary): Step {
  const next = nextStartTime(state, page.tail);
  return {
    state: { nextStartTime: next, boundary, position: nextPosition(state, page) },
    verdict: judge(state, page, next),
  };
}

function judge(state: ExportState, { tail, perPage }: PageSeen, next: number): PageVerdict {
  if (tail.endOfStream === true) return 'caught_up';
  // A null where the next start should be: "ask again", whatever the page holds.
  if (tail.askAgain) return 'ask_again';
  if (next > state.nextStartTime) return 'advanced';
  if (tail.ticketCount === 0) return 'ask_again';
  // Bodies of before the flag: a page that is not full is the last.
  if (tail.endOfStream === undefined && tail.ticketCount < perPage) return 'caught_up';
  return 'stuck';
}

/** A quiet night shows `end_of_stream` and no ticket: the response's own Date then moves the position on. */
function nextPosition(state: ExportState, { tail, date, delaySeconds }: PageSeen): number | undefined {
  const candidates: number[] = [];
  if (state.position !== undefined) candidates.push(state.position);
  const end = tail.endTime ?? tail.nextStartTime;
  if (end !== undefined) candidates.push(end - 1);
  if (tail.endOfStream === true && date !== undefined) candidates.push(date - (delaySeconds + 1));
  return candidates.length === 0 ? undefined : Math.max(...candidates);
}

const DIGEST_ENTRY = /^[0-9a-f]{16}(@\d{1,12})?$/;

/**
 * The state out of a checkpoint's JSON.
 * @throws checkpoint.unreadable  it has another shape
 */
export function parseExportState(value: unknown): ExportState {
  const state = fieldsOf(value);
  const boundary = fieldsOf(state['boundary']);
  const digests = fieldsOf(boundary['digests']);
  const position = state['position'] ?? undefined;
  const entries = Object.entries(digests);
  if (
    !isSecond(state['nextStartTime']) ||
    !(position === undefined || (typeof position === 'number' && Number.isSafeInteger(position))) ||
    !isSecond(boundary['second']) ||
    typeof boundary['overflowed'] !== 'boolean' ||
    entries.length > BOUNDARY_ENTRIES_MAX ||
    !entries.every(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && DIGEST_ENTRY.test(entry[1]),
    )
  ) {
    throw unreadable();
  }
  return {
    nextStartTime: state['nextStartTime'],
    boundary: {
      second: boundary['second'],
      digests: Object.fromEntries(entries),
      overflowed: boundary['overflowed'],
    },
    position,
  };
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unreadable();
  return value as Record<string, unknown>;
}

function isSecond(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function unreadable(): TicketStreamError {
  return new TicketStreamError('checkpoint.unreadable', "the checkpoint's export state has another shape");
}
