/**
 * How the export goes on after a page: pure decisions over what Zendesk answered. No clock is read here; "now" is
 * when Zendesk says that it looked the page up (`OpenPage.date`).
 *
 * A ticket stands in the export once, in its latest state, under the second of its last update (its
 * `generated_timestamp`).
 *
 * - *time*: a page shows what is at or after `start_time`, oldest first; its `end_time` is the next `start_time`,
 *   normally a second that was shown already and comes again (boundary-filter.ts). Zendesk exceeds `per_page` to
 *   return a whole second; yet users report the other behaviour, the same 1,000 tickets of one second for ever
 *   (PostHog/posthog#59215, estuary/connectors#1789). Such a page is *stuck*: its tickets are committed, then
 * - *second*: that second is read to its end by the cursor endpoint. What its last page shows of later seconds is
 *   published as well, as it may have changed when the time-based endpoint gets there; the boundary remembers it. Then
 *   the export goes on at the next second. A cursor that stands still under tickets is *stuck* as well.
 * - *cursor*: pages follow each other by an opaque `after_cursor`, in the order of (second, id), nothing twice. The
 *   newest second shown so far is kept as the start that any mode could go on from.
 */
import type { Boundary } from './boundary-filter.ts';
import type { ExportState, NextRequest } from './export-state.ts';
import type { ExportMode, PageTail } from './page-fields.ts';

export interface PageSeen {
  readonly tail: PageTail;
  /** The latest `generated_timestamp` of the page's tickets, epoch seconds; undefined where it has none. */
  readonly newestSecond: number | undefined;
  /** As `OpenPage.date`. */
  readonly date: number | undefined;
  /** As it was asked for: tells a full page where the flag `end_of_stream` is missing. */
  readonly perPage: number;
  /** What the export leaves out of the newest time, seconds: 60 at Zendesk. */
  readonly delaySeconds: number;
}

/**
 * - `advanced`   more is to come, from a later start or cursor
 * - `caught_up`  nothing newer now
 * - `ask_again`  nothing moved and nothing says that it is the end: the same again
 * - `stuck`      tickets, more to come, and no later start or cursor: asking again would show the same for ever.
 *                `next` is the way around it.
 * After each of them the next request is made when the pace allows it.
 */
export type PageVerdict = 'advanced' | 'caught_up' | 'ask_again' | 'stuck';

export interface Step {
  readonly next: NextRequest;
  readonly verdict: PageVerdict;
  readonly position: number | undefined;
  /** The page claims to go up to this second, later than it was made. To be said; nothing is taken from it. */
  readonly disbelieved: number | undefined;
}

/**
 * What a whole page means for the next request and the position.
 * @param state  as of the checkpoint, whose `next` was asked for
 * @param mode   the mode that is asked for: where a second that was read to its end leads back to
 */
export function stepAfter(state: ExportState, page: PageSeen, mode: ExportMode): Step {
  const step = stepOf(state.next, page, mode);
  const said = endOf(page);
  return {
    ...step,
    position: nextPosition(state, page, step.next.startTime),
    disbelieved: page.date !== undefined && said !== undefined && said > page.date ? said : undefined,
  };
}

/** The state that a page's commit makes durable. @param boundary  closed for `step.next.startTime` */
export function stateAfter(state: ExportState, step: Step, boundary: Boundary): ExportState {
  return { ...state, next: step.next, boundary, position: step.position };
}

type Move = Omit<Step, 'position' | 'disbelieved'>;

function stepOf(asked: NextRequest, page: PageSeen, mode: ExportMode): Move {
  switch (asked.mode) {
    case 'time':
      return stepByTime(asked.startTime, page);
    case 'cursor':
      return stepByCursor(asked, page);
    case 'second':
      return stepThroughSecond(asked, page, mode);
  }
}

function stepByTime(asked: number, page: PageSeen): Move {
  const { tail, perPage } = page;
  const startTime = Math.max(asked, shownTo(page) ?? 0);
  const next: NextRequest = { mode: 'time', startTime };
  if (tail.endOfStream === true) return { next, verdict: 'caught_up' };
  // A null where the next start should be: "ask again", whatever the page holds.
  if (tail.askAgain) return { next, verdict: 'ask_again' };
  if (startTime > asked) return { next, verdict: 'advanced' };
  if (tail.ticketCount === 0) return { next, verdict: 'ask_again' };
  // Bodies of before the flag: a page that is not full is the last.
  if (tail.endOfStream === undefined && tail.ticketCount < perPage) return { next, verdict: 'caught_up' };
  // It goes on later, where its time has not come yet.
  const said = endOf(page);
  if (said !== undefined && said > asked && asked >= latestSecond(page))
    return { next, verdict: 'ask_again' };
  return { next: { mode: 'second', startTime: asked }, verdict: 'stuck' };
}

function stepByCursor(asked: NextRequest & { readonly cursor?: string }, page: PageSeen): Move {
  const { tail } = page;
  // Without a cursor to go on from, the whole page comes again: the boundary must keep all of it, not its newest second.
  const newest = tail.afterCursor === undefined ? undefined : shownTo(page);
  const startTime = Math.max(asked.startTime, newest ?? 0);
  const cursor = tail.afterCursor ?? asked.cursor;
  const next: NextRequest = { mode: 'cursor', startTime, ...(cursor === undefined ? {} : { cursor }) };
  if (tail.endOfStream === true) return { next, verdict: 'caught_up' };
  if (tail.askAgain) return { next, verdict: 'ask_again' };
  if (tail.afterCursor !== asked.cursor) return { next, verdict: 'advanced' };
  if (tail.ticketCount === 0) return { next, verdict: 'ask_again' };
  // The same cursor under tickets shows them for ever: begin anew, without a cursor, at the newest second shown.
  return { next: { mode: 'cursor', startTime }, verdict: 'stuck' };
}

function stepThroughSecond(
  asked: NextRequest & { readonly cursor?: string },
  { tail, newestSecond }: PageSeen,
  mode: ExportMode,
): Move {
  const { startTime } = asked;
  const passed = newestSecond !== undefined && newestSecond > startTime;
  if (passed || tail.endOfStream === true)
    return { next: { mode, startTime: startTime + 1 }, verdict: 'advanced' };
  const { afterCursor } = tail;
  if (afterCursor === asked.cursor && tail.ticketCount > 0 && !tail.askAgain) {
    return { next: { mode: 'second', startTime }, verdict: 'stuck' };
  }
  if (afterCursor === undefined || afterCursor === asked.cursor) return { next: asked, verdict: 'ask_again' };
  return { next: { mode: 'second', startTime, cursor: afterCursor }, verdict: 'advanced' };
}

/** Up to where a page goes by its own words; the cursor endpoint says it by its newest ticket alone. */
function endOf({ tail, newestSecond }: PageSeen): number | undefined {
  return tail.endTime ?? tail.nextStartTime ?? (tail.afterCursor === undefined ? undefined : newestSecond);
}

/** The newest second that Zendesk may have shown. */
function latestSecond({ date, delaySeconds }: PageSeen): number {
  return date === undefined ? Number.POSITIVE_INFINITY : date - delaySeconds;
}

/**
 * The second to go on from. None in the newest time, which Zendesk leaves out: what comes there yet, or everything
 * before a second of the future, would be lost. How far such a page goes is what its tickets say.
 */
function shownTo(page: PageSeen): number | undefined {
  const { newestSecond } = page;
  const latest = latestSecond(page);
  const said = endOf(page);
  if (said === undefined || said <= latest) return said;
  return newestSecond === undefined ? undefined : Math.min(newestSecond, latest);
}

/** A quiet night shows `end_of_stream` and no ticket: the response's own Date then moves the position on. */
function nextPosition(state: ExportState, page: PageSeen, nextStart: number): number | undefined {
  const { tail, date } = page;
  const candidates: number[] = [];
  if (state.position !== undefined) candidates.push(state.position);
  // Where the page itself says how far it goes. (A reset may lead behind the position, and `max` keeps it.)
  const isSaid = tail.endTime !== undefined || tail.nextStartTime !== undefined;
  const end = isSaid ? shownTo(page) : undefined;
  if (end !== undefined) candidates.push(end - 1);
  if (nextStart > state.next.startTime) candidates.push(nextStart - 1);
  // The end of a second that is being read is not the end of what is asked for.
  const isEnd = tail.endOfStream === true && state.next.mode !== 'second';
  if (isEnd && date !== undefined) candidates.push(latestSecond(page) - 1);
  return candidates.length === 0 ? undefined : Math.max(...candidates);
}
