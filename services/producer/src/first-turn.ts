/**
 * How long a producer that starts waits for its first turn, so that restarts do not overdraw the allowance: a crash
 * loop would otherwise ask once a start, however often it starts, and never hear of a 429.
 *
 * The newest checkpoint was written by the life before, with its last page or, where it had none, when it claimed the
 * export. It may have made one more request since then, a spacing later; so two spacings after it the next is due.
 * After a longer rest the first turn is at once.
 *
 * @param writtenAtMs  epoch milliseconds; undefined where there is no checkpoint
 * @returns            milliseconds, two spacings at most whatever the clocks say
 */
export function msToFirstTurn(writtenAtMs: number | undefined, nowMs: number, spacingMs: number): number {
  if (writtenAtMs === undefined) return 0;
  return Math.min(2 * spacingMs, Math.max(0, writtenAtMs + 2 * spacingMs - nowMs));
}
