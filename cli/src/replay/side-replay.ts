/**
 * A side replay: a new group that reads a stretch of the log and ends, while the live group reads on and does not
 * notice. Its start offsets are committed to the new group with the bound of each partition beside them
 * (packages/kafka, group-offsets.ts); a subscription in that group ends there by itself. Pure.
 */
import type { PlannedPartition } from './replay-plan.ts';

export interface SidePartition {
  readonly partition: number;
  readonly start: bigint;
  /** The first offset not read; undefined: it reads on for ever. */
  readonly until: bigint | undefined;
  /** Where the start that was asked for is outside the log: what became of it. */
  readonly clamped?: PlannedPartition;
}

/**
 * All partitions of the topic get an offset: one without would be read from where the subscription's own `from` says.
 * Those that are not replayed begin at their bound, so that nothing of them is read.
 * @param starts  the partitions to replay
 * @param bounds  of every partition; undefined: no bound
 * @param ends    of every partition: where one that is not replayed begins when nothing bounds it
 */
export function planSideReplay(
  starts: readonly PlannedPartition[],
  bounds: ReadonlyMap<number, bigint> | undefined,
  ends: ReadonlyMap<number, bigint>,
): SidePartition[] {
  const startOf = new Map(starts.map((planned) => [planned.partition, planned]));
  return [...ends.keys()]
    .sort((a, b) => a - b)
    .map((partition) => {
      const end = ends.get(partition) ?? 0n;
      const until = bounds === undefined ? undefined : (bounds.get(partition) ?? end);
      const planned = startOf.get(partition);
      const start = planned?.to ?? until ?? end;
      return {
        partition,
        until,
        // A start behind the bound reads nothing, and says so by standing at it.
        start: until !== undefined && start > until ? until : start,
        ...(planned?.clampedFrom === undefined ? {} : { clamped: planned }),
      };
    });
}
