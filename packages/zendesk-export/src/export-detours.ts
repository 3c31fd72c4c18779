/**
 * Ways on that no page names: what an operator, a refusal or a page that cannot be got through calls for. Each is a
 * change of the export's state, committed by itself, and idempotent: after a doubtful commit it is asked for again.
 */
import { BoundaryFilter } from './boundary-filter.ts';
import { changeScope, type ExportScope, type Unseen } from './export-scope.ts';
import { type ExportState, inMode } from './export-state.ts';
import type { ExportMode } from './page-fields.ts';

/** What the export is asked to be, as options have it. */
export interface WantedExport {
  readonly mode: ExportMode;
  readonly scope: ExportScope;
}

export interface Resumed {
  readonly state: ExportState;
  /** What a wider scope shows from now on and does not bring back, of this change alone. */
  readonly unseen: readonly Unseen[];
}

/** Going on as it is asked for now, whatever was asked for when the checkpoint was written. */
export function resume(found: ExportState, wanted: WantedExport): Resumed {
  const { hiddenSince, unseen, widened } = changeScope(
    found.scope,
    wanted.scope,
    found.hiddenSince,
    found.next.startTime,
  );
  const state: ExportState = {
    ...found,
    scope: wanted.scope,
    hiddenSince,
    unseen: [...found.unseen, ...unseen],
  };
  // A cursor lies inside the newest second shown, or beyond it: what was hidden up to it would neither come nor be on
  // record. From the second's beginning it comes, and the boundary drops what was shown.
  return { state: inMode(widened ? withoutCursor(state) : state, wanted.mode), unseen };
}

/** Reading one second by the cursor endpoint, in pages of any size; what lies before it was seen to be empty. */
export function readingSecond(state: ExportState, second: number): ExportState {
  if (state.next.mode === 'second' && state.next.startTime === second) return state;
  return {
    ...state,
    next: { mode: 'second', startTime: second },
    boundary: new BoundaryFilter(state.boundary).close(second),
  };
}

/** Back to the time-based endpoint, at the second that the cursor endpoint would not show. */
export function askingByTime(state: ExportState): ExportState {
  return { ...state, next: { mode: 'time', startTime: state.next.startTime } };
}

/** Beginning anew at the newest second shown, because Zendesk does not take the cursor any more. */
export function withoutCursor(state: ExportState): ExportState {
  const { mode, startTime } = state.next;
  return { ...state, next: { mode, startTime } };
}

/** Past a second that cannot be read to its end, on an operator's word; the gap stays on record. */
export function steppingOver(
  state: ExportState,
  second: number,
  mode: ExportMode,
  acceptedAt: number,
): ExportState {
  if (state.next.startTime !== second) return state;
  return {
    ...state,
    next: { mode, startTime: second + 1 },
    boundary: new BoundaryFilter(state.boundary).close(second + 1),
    gaps: [...state.gaps, { from: second, until: second, why: 'stuck', acceptedAt }],
  };
}
