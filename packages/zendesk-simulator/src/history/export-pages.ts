/**
 * Which tickets a page of the export shows, by the rules of its two modes. A page is fixed when it is asked for: what
 * happens to a ticket while the page is being sent stands on a later one.
 */
import { mix, purpose } from '../random.ts';
import type { ExportIndex } from './export-index.ts';
import type { SupportType, TicketState } from './ticket-state.ts';

/** What one page shows, and the states it shows them in. */
interface ShownTickets {
  readonly ids: readonly number[];
  readonly endOfStream: boolean;
  readonly states: StateView;
}

export interface TimePage extends ShownTickets {
  /** Epoch second from which the next page is asked for. */
  readonly endSecond: number;
}

export interface CursorPage extends ShownTickets {
  /** Behind the page's last ticket; where the page began, when it shows none. */
  readonly after: CursorPosition;
}

export type ExportPage = TimePage | CursorPage;

export type StateView = (id: number) => TicketState;

/** Behind the ticket `id` in the second `second`; id 0 is before every ticket of it. */
export interface CursorPosition {
  readonly second: number;
  readonly id: number;
}

/**
 * A second that holds more tickets than a page: `whole` exceeds the page and goes on behind that second (recorded);
 * `repeat` gives the same page of it for ever, `end_time` equal to `start_time` (PostHog/posthog#59215,
 * estuary/connectors#1789).
 */
export type StuckSecond = 'whole' | 'repeat';

/** `all`, or tickets of one kind only. */
export type SupportScope = SupportType | 'all';

interface PageScope {
  readonly perPage: number;
  /** Nothing of this second or later is shown. */
  readonly beforeSecond: number;
  readonly excludeDeleted: boolean;
  readonly supportScope: SupportScope;
}

export interface TimePageRequest extends PageScope {
  readonly startSecond: number;
  readonly stuckSecond: StuckSecond;
}

export interface CursorPageRequest extends PageScope {
  readonly after: CursorPosition;
}

/** What the pages are made from. */
export interface PageSource {
  readonly seed: number;
  readonly index: ExportIndex;
  readonly stateOf: StateView;
  /** Where there is none, nobody needs to look at every ticket for it. */
  readonly hasAiAgentTickets: boolean;
}

type Shown = Pick<TimePage, 'ids' | 'endOfStream' | 'endSecond'>;

/**
 * One page by the rules of the time-based export:
 * - normally it is cut after `perPage` tickets and `endSecond` is its last second, which the next page repeats;
 * - a page whose tickets all share one second holds that whole second, and `endSecond` is the one after (but see
 *   `StuckSecond`);
 * - ties come in an order that has nothing to do with ids and differs from request to request.
 */
export function timePage(source: PageSource, request: TimePageRequest): Shown {
  const { startSecond, perPage, beforeSecond, stuckSecond } = request;
  const ids: number[] = [];
  let firstSecond: number | undefined;
  let lastSecond = startSecond;
  let endOfStream = true;
  for (const group of source.index.groups(startSecond, beforeSecond)) {
    const shown = visible(source, request, group.ids);
    if (shown.length === 0) continue;
    if (ids.length >= perPage) {
      endOfStream = false;
      break;
    }
    shuffle(source.seed, shown, mix(startSecond, perPage));
    firstSecond ??= group.second;
    lastSecond = group.second;
    const whole = firstSecond === group.second && stuckSecond === 'whole';
    const room = whole ? shown.length : perPage - ids.length;
    for (let place = 0; place < Math.min(room, shown.length); place++) ids.push(shown[place] as number);
    if (room < shown.length) {
      endOfStream = false;
      break;
    }
  }
  const oneSecond = firstSecond !== undefined && firstSecond === lastSecond;
  const stuck = stuckSecond === 'repeat' && !endOfStream;
  return { ids, endOfStream, endSecond: oneSecond && !stuck ? lastSecond + 1 : lastSecond };
}

/** One page of the cursor-based export: never more than `perPage` tickets, in the order of (second, id), exactly. */
export function cursorPage(
  source: PageSource,
  request: CursorPageRequest,
): Pick<CursorPage, 'ids' | 'endOfStream' | 'after'> {
  const { perPage, beforeSecond, after } = request;
  const ids: number[] = [];
  let last = after;
  for (const group of source.index.groups(after.second, beforeSecond)) {
    const behind = group.second === after.second ? group.ids.filter((id) => id > after.id) : group.ids;
    const shown = visible(source, request, behind).sort((a, b) => a - b);
    for (const id of shown) {
      if (ids.length === perPage) return { ids, endOfStream: false, after: last };
      ids.push(id);
      last = { second: group.second, id };
    }
  }
  return { ids, endOfStream: true, after: last };
}

function visible(source: PageSource, scope: PageScope, ids: number[]): number[] {
  const { excludeDeleted, supportScope } = scope;
  const allKinds = supportScope === 'all' || (supportScope === 'agent' && !source.hasAiAgentTickets);
  if (!excludeDeleted && allKinds) return ids;
  return ids.filter((id) => {
    const state = source.stateOf(id);
    return (
      !(excludeDeleted && state.status === 'deleted') && (allKinds || state.supportType === supportScope)
    );
  });
}

function shuffle(seed: number, ids: number[], request: number): void {
  if (ids.length < 2) return;
  const places = new Map(ids.map((id) => [id, mix(seed, purpose.ties, request, id)]));
  ids.sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0) || a - b);
}
