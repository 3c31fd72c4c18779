/**
 * Where reading starts, decided anew at every assignment. Keeps the consumers' half of promise 1: what a sink has
 * not stored is read again, whatever the group's offsets say.
 *
 *   stored position (of this log) → the lower of it and the group's offset
 *   nothing stored                → what `from` says
 *
 * A position of another log is void. A position the log does not have (beyond its end, or before its start) means
 * that the topic was made again or cut: stop, since skipping forward would lose changes silently. The same for an
 * offset that `from` names or the group committed, and for a log that ends before what the checkpoint says was written.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { StoredPosition } from './version-store/version-store.ts';

export type StartFrom =
  | 'committed'
  | 'earliest'
  | 'latest'
  | { readonly offsets: ReadonlyMap<number, bigint> }
  | { readonly timeMs: number };

export interface LogBounds {
  readonly topic: string;
  readonly logId: string;
  /** Of the newest checkpoint: what the producer has committed up to. */
  readonly writtenUpTo: ReadonlyMap<number, bigint>;
  readonly starts: ReadonlyMap<number, bigint>;
  /** High watermarks: a stored position at the end of an open transaction is not beyond the log. */
  readonly ends: ReadonlyMap<number, bigint>;
  /** Where `from` points, for partitions with nothing stored. */
  readonly from: ReadonlyMap<number, bigint>;
}

/** @throws log.cut  naming the partition, the position and the log's range */
export function startOffsets(
  partitions: readonly number[],
  stored: readonly StoredPosition[],
  groupOffsets: ReadonlyMap<number, bigint>,
  bounds: LogBounds,
): Map<number, bigint> {
  const ofThisLog = new Map(
    stored
      .filter(({ logId }) => logId === bounds.logId)
      .map(({ partition, nextOffset }) => [partition, nextOffset]),
  );
  return new Map(
    partitions.map((partition) => {
      const start = bounds.starts.get(partition) ?? 0n;
      const end = bounds.ends.get(partition) ?? 0n;
      const insideLog = (what: string, position: bigint): bigint => {
        if (position <= end && position >= start) return position;
        throw new TicketStreamError(
          'log.cut',
          `${what} ${position} of ${bounds.topic}-${partition} is outside the log (${start} to ${end})`,
          { context: { topic: bounds.topic, partition, position, start, end } },
        );
      };
      const written = bounds.writtenUpTo.get(partition);
      if (written !== undefined && written > end) insideLog("the checkpoint's next offset", written);
      const position = ofThisLog.get(partition);
      if (position === undefined) {
        return [partition, insideLog('the offset to start at,', bounds.from.get(partition) ?? start)];
      }
      insideLog('stored position', position);
      const committed = groupOffsets.get(partition);
      const lower = committed !== undefined && committed < position ? committed : position;
      return [partition, lower < start ? start : lower];
    }),
  );
}
