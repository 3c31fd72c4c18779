/**
 * Where a replay lets a group go on, partition by partition. Pure: the same words and the same offsets as
 * `kafka-consumer-groups --reset-offsets`, which replay-parity.kafka.test.ts compares it with.
 */
import { refused } from './refused-request.ts';

/** The one place to go that the flags name. */
export type ReplayTarget =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'current' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'shift'; readonly by: bigint }
  /** The first record published at or after it, epoch milliseconds. */
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'file'; readonly offsets: ReadonlyMap<number, bigint> };

/** Of the log, at one moment, by partition. */
export interface LogRange {
  readonly starts: ReadonlyMap<number, bigint>;
  /** High watermarks, as the tool takes them: an open transaction at the end is skipped by `latest` like all else. */
  readonly ends: ReadonlyMap<number, bigint>;
  /** For a target that is a time: the first offset published then or later, or the end. */
  readonly atTime: ReadonlyMap<number, bigint>;
}

export interface PlannedPartition {
  readonly partition: number;
  /** What the group had committed; undefined: nothing. */
  readonly from: bigint | undefined;
  readonly to: bigint;
  /** What was asked for, where the log does not have it. */
  readonly clampedFrom?: bigint;
}

/**
 * @param partitions  those to move; of the topic
 * @throws config.invalid  a shift of a partition that has nothing committed; a file that lacks a partition
 */
export function planReplay(
  target: ReplayTarget,
  partitions: readonly number[],
  committed: ReadonlyMap<number, bigint>,
  log: LogRange,
): PlannedPartition[] {
  return partitions.map((partition) => {
    const start = log.starts.get(partition) ?? 0n;
    const end = log.ends.get(partition) ?? start;
    const from = committed.get(partition);
    if (target.kind === 'earliest') return { partition, from, to: start };
    if (target.kind === 'latest') return { partition, from, to: end };
    // Not looked at against the log, as the tool does not either: it is where the group stands already.
    if (target.kind === 'current') return { partition, from, to: from ?? end };
    if (target.kind === 'time') return { partition, from, to: log.atTime.get(partition) ?? end };
    const asked = askedOffset(target, partition, from);
    const to = asked > end ? end : asked < start ? start : asked;
    return { partition, from, to, ...(to === asked ? {} : { clampedFrom: asked }) };
  });
}

function askedOffset(
  target: Extract<ReplayTarget, { kind: 'offset' | 'shift' | 'file' }>,
  partition: number,
  from: bigint | undefined,
): bigint {
  if (target.kind === 'offset') return target.offset;
  if (target.kind === 'shift') {
    if (from !== undefined) return from + target.by;
    throw refused(
      `partition ${partition} cannot be shifted: nothing is committed for it`,
      'Leave it out with --partition, or name a place, such as --to-earliest.',
    );
  }
  const asked = target.offsets.get(partition);
  if (asked !== undefined) return asked;
  throw refused(`the file has no line for partition ${partition}`, 'Name other partitions.');
}

/** How many offsets lie between: at most so many records; markers of transactions and compacted ones are among them. */
export function offsetsBetween({ from, to }: Pick<PlannedPartition, 'from' | 'to'>): bigint | undefined {
  if (from === undefined) return undefined;
  return from > to ? from - to : to - from;
}

export type Direction = 'back' | 'forward' | 'stays' | 'begins';

export function directionOf({ from, to }: Pick<PlannedPartition, 'from' | 'to'>): Direction {
  if (from === undefined) return 'begins';
  return to < from ? 'back' : to > from ? 'forward' : 'stays';
}
