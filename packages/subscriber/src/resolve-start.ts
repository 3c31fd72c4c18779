/**
 * Asks Kafka and the store for all that the decision where to start needs (start-offsets.ts), and where this run ends.
 */
import type { Checkpoint, LogReader } from '@ticket-stream/kafka';
import { furtherOf, type Positions } from './reading-goals.ts';
import { type LogBounds, type StartFrom, startOffsets } from './start-offsets.ts';
import type { LogGap, VersionStore } from './version-store/version-store.ts';

export type ReadUntil =
  /** The last stable offset as of the start. */
  | 'end'
  /** The first offset not to read, by partition. */
  | Positions
  /** The first record published then or later is not read; epoch milliseconds. A time to come is waited for. */
  | { readonly timeMs: number };

export interface StartParts {
  readonly reader: LogReader;
  readonly topic: string;
  readonly store: VersionStore;
  readonly from: StartFrom;
  /** What `from` said first in this run, where it moves. */
  readonly firstFrom: Positions | undefined;
  readonly until: ReadUntil | undefined;
  readonly allowGap: boolean;
  /** What the group has committed, and the end of its own that stands beside it. */
  readonly readGroup: () => Promise<{ readonly offsets: Positions; readonly bounds: Positions }>;
}

export interface ResolvedStart {
  readonly offsets: Positions;
  readonly gaps: readonly LogGap[];
  /** Those of the offsets that would be others if they were asked for again: to be stored. */
  readonly toStore: Positions;
  /** For the next assignment of this run. */
  readonly firstFrom: Positions | undefined;
  readonly stableEnds: Positions;
  /** The end of the group's own; empty for most. */
  readonly groupBounds: Positions;
  /** Where to end; undefined where reading goes on, or the time to end at is still to come. */
  readonly until: Positions | undefined;
}

/** @throws log.cut */
export async function resolveStart(
  parts: StartParts,
  partitions: readonly number[],
  log: Pick<Checkpoint<unknown>, 'logId' | 'nextOffsets'>,
): Promise<ResolvedStart> {
  const { reader, topic, store } = parts;
  const [stored, group] = await Promise.all([store.readPositions(), parts.readGroup()]);
  // Asked for after them: the log grows, and what was stored a moment ago must not seem to lie beyond its end.
  const [starts, ends, stableEnds] = await Promise.all([
    reader.startOffsets(topic),
    reader.highWatermarks(topic),
    reader.stableEndOffsets(topic),
  ]);
  // Beside positions of another log the group's offsets are places of that log too, whatever lies there in this one.
  const isOfAnother = stored.some(({ logId }) => logId !== log.logId);
  const groupOffsets: Positions = isOfAnother ? new Map() : group.offsets;
  const from = await resolveFrom(parts, { groupOffsets, starts, stableEnds });
  const bounds: LogBounds = {
    topic,
    logId: log.logId,
    writtenUpTo: log.nextOffsets,
    starts,
    ends,
    from,
    allowGap: parts.allowGap,
  };
  const { offsets, gaps, unstored } = startOffsets(partitions, stored, group.offsets, bounds);
  const moving = moves(parts.from);
  const elsewhereLater = new Set([...gaps.map(({ partition }) => partition), ...(moving ? unstored : [])]);
  return {
    offsets,
    gaps,
    toStore: new Map([...offsets].filter(([partition]) => elsewhereLater.has(partition))),
    firstFrom: moving ? (parts.firstFrom ?? from) : undefined,
    stableEnds,
    groupBounds: group.bounds,
    until: await resolveUntil(parts, stableEnds, group.bounds),
  };
}

/** Whether it points elsewhere each time it is asked for. */
function moves(from: StartFrom): boolean {
  return from === 'latest' || (typeof from === 'object' && 'durationMs' in from);
}

async function resolveFrom(
  { from, firstFrom, reader, topic }: StartParts,
  known: Record<'groupOffsets' | 'starts' | 'stableEnds', Positions>,
): Promise<Positions> {
  // A partition that comes later in a run: what others have done of it since need not be done again.
  if (firstFrom !== undefined) return furtherOf(firstFrom, known.groupOffsets);
  if (from === 'earliest') return known.starts;
  if (from === 'latest') return known.stableEnds;
  if (from === 'committed') return new Map([...known.starts, ...known.groupOffsets]);
  if ('offsets' in from) return from.offsets;
  return reader.offsetsAt(topic, 'timeMs' in from ? from.timeMs : Date.now() - from.durationMs);
}

async function resolveUntil(
  { until, reader, topic }: StartParts,
  stableEnds: Positions,
  groupBounds: Positions,
): Promise<Positions | undefined> {
  if (until === undefined) return groupBounds.size > 0 ? groupBounds : undefined;
  if (until === 'end') return stableEnds;
  if (!('timeMs' in until)) return until;
  return Date.now() < until.timeMs ? undefined : reader.offsetsAt(topic, until.timeMs);
}
