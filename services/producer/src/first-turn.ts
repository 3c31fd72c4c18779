/**
 * How long a producer that starts waits for its first turn, so that restarts do not overdraw the allowance: a crash
 * loop would otherwise ask once a start, however often it starts, and never hear of a 429.
 *
 * The newest checkpoint was written by the life before, with its last page or, where it had none, when it claimed the
 * export. Requests that came to nothing are not in it: a page that failed, an answer without anything new. So wherever
 * there is one, the first turn comes a spacing from now at the earliest. And the life before may be at work until it is
 * fenced, its next request a spacing after that checkpoint; so two spacings after it the next is due.
 *
 * @param writtenAtMs  epoch milliseconds; undefined where there is no checkpoint
 * @returns            milliseconds, two spacings at most whatever the clocks say
 */
export function msToFirstTurn(writtenAtMs: number | undefined, nowMs: number, spacingMs: number): number {
  if (writtenAtMs === undefined) return 0;
  return Math.min(2 * spacingMs, Math.max(spacingMs, writtenAtMs + 2 * spacingMs - nowMs));
}
