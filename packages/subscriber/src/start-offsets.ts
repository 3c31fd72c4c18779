/**
 * Where reading starts, decided anew at every assignment. Keeps the consumers' half of promise 1: what a sink has
 * not stored is read again, whatever the group's offsets say.
 *
 *   stored position (of this log) → the lower of it and the group's offset
 *   nothing stored                → what `from` says
 *
 * `latest` and a time before now point elsewhere each time they are asked: what they first said in a run holds for all
 * of it, and where reading so starts becomes the stored position at once. Otherwise what came before the first step of
 * the store would be skipped at the next assignment.
 *
 * A position of another log is void, and with it, where `from` asks for them, the group's offsets. A position the log
 * does not have (beyond its end, or before its start) means that the topic was made again or cut: stop, since skipping
 * forward would lose changes silently. The same for an offset that `from` names or the group committed, and for a log
 * that ends before what the checkpoint says was written.
 *
 * With `allowGap` somebody has said that skipping is wanted: reading goes on at the place of the log that is nearest,
 * and a group whose offset was moved beyond the stored position is followed. What is stepped over is told.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { LogGap, StoredPosition } from './version-store/version-store.ts';

export type StartFrom =
  | 'committed'
  | 'earliest'
  | 'latest'
  | { readonly offsets: ReadonlyMap<number, bigint> }
  /** The first record published then or later; epoch milliseconds. */
  | { readonly timeMs: number }
  /** The first record published within so many milliseconds before now. */
  | { readonly durationMs: number };

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
  readonly allowGap: boolean;
}

interface Starts {
  readonly offsets: ReadonlyMap<number, bigint>;
  /** What is stepped over; empty unless gaps are allowed. */
  readonly gaps: readonly LogGap[];
  /** The partitions with nothing stored: they start where `from` says. */
  readonly unstored: readonly number[];
}

/** @throws log.cut  naming the partition, the position and the log's range */
export function startOffsets(
  partitions: readonly number[],
  stored: readonly StoredPosition[],
  groupOffsets: ReadonlyMap<number, bigint>,
  bounds: LogBounds,
): Starts {
  const { topic, logId, allowGap } = bounds;
  const ofThisLog = new Map(
    stored
      .filter((position) => position.logId === logId)
      .map(({ partition, nextOffset }) => [partition, nextOffset]),
  );
  const offsets = new Map<number, bigint>();
  const gaps: LogGap[] = [];
  const unstored: number[] = [];
  for (const partition of partitions) {
    const start = bounds.starts.get(partition) ?? 0n;
    const end = bounds.ends.get(partition) ?? 0n;
    const stepOver = (from: bigint, to: bigint): void => {
      gaps.push({ partition, logId, from, to });
    };
    const insideLog = (what: string, position: bigint): bigint => {
      if (position <= end && position >= start) return position;
      if (allowGap) {
        const nearest = position < start ? start : end;
        if (position < start) stepOver(position, start);
        else stepOver(end, position);
        return nearest;
      }
      throw new TicketStreamError(
        'log.cut',
        `${what} ${position} of ${topic}-${partition} is outside the log (${start} to ${end})`,
        { context: { topic, partition, position, start, end } },
      );
    };
    const position = ofThisLog.get(partition);
    const committed = groupOffsets.get(partition);
    const written = bounds.writtenUpTo.get(partition);
    if (written !== undefined && written > end && !allowGap)
      insideLog("the checkpoint's next offset", written);
    if (position === undefined) {
      unstored.push(partition);
      offsets.set(partition, insideLog('the offset to start at,', bounds.from.get(partition) ?? start));
      continue;
    }
    const inside = insideLog('stored position', position);
    if (committed === undefined || committed === inside) offsets.set(partition, inside);
    else if (committed < inside) offsets.set(partition, committed < start ? start : committed);
    else if (allowGap) {
      const forward = committed > end ? end : committed;
      if (forward > inside) stepOver(inside, forward);
      offsets.set(partition, forward);
    } else offsets.set(partition, inside);
  }
  return { offsets, gaps, unstored };
}
