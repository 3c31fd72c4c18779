/** How far consumer groups are: what they have committed beside where the log ends for them. Nothing is changed. */
import {
  type CommittedOffset,
  type ConsumerGroup,
  describeGroups,
  firstPublishedMs,
  listGroups,
  newestPublishedMs,
  parseGroupBound,
  readCommitted,
} from '@ticket-stream/kafka';
import type { Cluster } from '../environment/cluster.ts';

export interface GroupLag {
  readonly group: string;
  readonly state: string;
  readonly members: readonly {
    readonly clientId: string;
    readonly clientHost: string;
    readonly memberId: string;
    /** Of this topic. */
    readonly partitions: readonly number[];
  }[];
  readonly partitions: readonly PartitionLag[];
  /** Offsets, of the partitions where something is committed. */
  readonly lag: bigint;
  /** The largest of its partitions; undefined where no publish time is known, or one is beyond the log. */
  readonly lagSeconds: number | undefined;
}

export interface PartitionLag {
  readonly partition: number;
  readonly committed: bigint | undefined;
  /** The last stable offset: where reading ends. */
  readonly end: bigint;
  /** undefined where nothing is committed, or an offset beyond the log: the topic was made again, or cut. */
  readonly lag: bigint | undefined;
  /** From the first record not read to the newest of the topic, by publish time. */
  readonly lagSeconds: number | undefined;
  /** A side replay's: it ends before this offset. */
  readonly until: bigint | undefined;
}

/** What one look at the log gives, for all groups. */
interface LogNow {
  readonly topic: string;
  readonly starts: ReadonlyMap<number, bigint>;
  readonly ends: ReadonlyMap<number, bigint>;
  readonly newestMs: number | undefined;
}

/** Groups asked at once: a cluster may have hundreds. */
const AT_ONCE = 8;

/** Every group that has offsets of this topic or members that read it, by name. */
export async function readGroups(cluster: Cluster): Promise<GroupLag[]> {
  const { kafka } = cluster;
  const topic = cluster.names.tickets;
  const found = await describeGroups(kafka, await listGroups(kafka));
  const log = await lookAtLog(cluster);
  const lags: GroupLag[] = [];
  for (let at = 0; at < found.length; at += AT_ONCE) {
    const some = found.slice(at, at + AT_ONCE);
    const offsets = await Promise.all(some.map(({ group }) => readCommitted(kafka, group, topic)));
    for (const [index, committed] of offsets.entries()) {
      const each = some[index];
      if (each === undefined) continue;
      const reads = each.members.some(({ assigned }) => assigned.has(topic));
      if (committed.size > 0 || reads) lags.push(await lagOf(cluster, each, committed, log));
    }
  }
  return lags;
}

/** @returns undefined where there is no such group */
export async function readGroup(cluster: Cluster, group: string): Promise<GroupLag | undefined> {
  const [found] = await describeGroups(cluster.kafka, [group]);
  if (found === undefined) return undefined;
  const log = await lookAtLog(cluster);
  return lagOf(cluster, found, await readCommitted(cluster.kafka, group, cluster.names.tickets), log);
}

/**
 * Before the committed offsets are read: a group that reads on meanwhile has no lag, rather than one that it never
 * had.
 */
async function lookAtLog({ reader, names }: Cluster): Promise<LogNow> {
  const topic = names.tickets;
  const [starts, ends] = await Promise.all([reader.startOffsets(topic), reader.stableEndOffsets(topic)]);
  return { topic, starts, ends, newestMs: await newestPublishedMs(reader, topic, starts, ends) };
}

async function lagOf(
  { reader }: Cluster,
  { group, state, members }: ConsumerGroup,
  committed: ReadonlyMap<number, CommittedOffset>,
  log: LogNow,
): Promise<GroupLag> {
  const unread = new Map<number, bigint>();
  for (const [partition, { offset }] of committed) {
    const start = log.starts.get(partition) ?? 0n;
    if (offset < (log.ends.get(partition) ?? 0n)) unread.set(partition, offset < start ? start : offset);
  }
  const firstMs = await firstPublishedMs(reader, log.topic, unread, log.ends);
  const beyond = await beyondLog(reader, log, committed);
  const partitions = [...log.ends]
    .sort(([a], [b]) => a - b)
    .map(([partition, end]): PartitionLag => {
      const found = committed.get(partition);
      const next = unread.get(partition);
      const isKnown = found !== undefined && !beyond.has(partition);
      return {
        partition,
        committed: found?.offset,
        end,
        lag: !isKnown ? undefined : next === undefined ? 0n : end - next,
        lagSeconds: isKnown ? secondsBehind(firstMs.get(partition), log.newestMs) : undefined,
        until: parseGroupBound(found?.metadata ?? null),
      };
    });
  const seconds = partitions.flatMap(({ lagSeconds }) => lagSeconds ?? []);
  return {
    group,
    state,
    members: members.map(({ clientId, clientHost, memberId, assigned }) => ({
      clientId,
      clientHost,
      memberId,
      partitions: [...(assigned.get(log.topic) ?? [])].sort((a, b) => a - b),
    })),
    partitions,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0n), 0n),
    lagSeconds: seconds.length === 0 || beyond.size > 0 ? undefined : Math.max(...seconds),
  };
}

/**
 * Partitions where a group would go on at an offset that the log does not have. Looked at again, and by high watermark:
 * a group may have read on since, and its readers may be some that take what is not committed yet.
 */
async function beyondLog(
  reader: Cluster['reader'],
  { topic, ends }: LogNow,
  committed: ReadonlyMap<number, CommittedOffset>,
): Promise<ReadonlySet<number>> {
  const ahead = [...committed].filter(([partition, { offset }]) => offset > (ends.get(partition) ?? 0n));
  if (ahead.length === 0) return new Set();
  const now = await reader.highWatermarks(topic);
  return new Set(
    ahead.filter(([each, { offset }]) => offset > (now.get(each) ?? 0n)).map(([partition]) => partition),
  );
}

/** Nothing unread is no lag; two clocks of producers may differ, and lag is never negative. */
function secondsBehind(firstUnreadMs: number | undefined, newestMs: number | undefined): number | undefined {
  if (firstUnreadMs === undefined) return 0;
  return newestMs === undefined ? undefined : Math.max(0, (newestMs - firstUnreadMs) / 1000);
}
