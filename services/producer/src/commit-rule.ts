import { isDeepStrictEqual } from 'node:util';
import type { ExportState } from '@ticket-stream/zendesk-export';

/** An empty page that changes nothing but the position commits at most once a second. */
const QUIET_COMMIT_MS = 1_000;

/** Whether a page that brought nothing to write is worth a transaction for its checkpoint alone. */
export function mustCommit(before: ExportState, after: ExportState, msSinceCommit: number): boolean {
  if (!isDeepStrictEqual(after.next, before.next)) return true;
  if (after.boundary.overflowed !== before.boundary.overflowed) return true;
  return after.position !== before.position && msSinceCommit >= QUIET_COMMIT_MS;
}
