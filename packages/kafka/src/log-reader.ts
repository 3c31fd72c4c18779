import type { Kafka } from 'kafkajs';
import kafkajsBatch from 'kafkajs/src/consumer/batch.js';
import { asKafkaError } from './kafka-errors.ts';
import {
  createCluster,
  type FetchedPartitionData,
  type KafkaCluster,
  READ_COMMITTED,
  READ_UNCOMMITTED,
} from './kafkajs-cluster.ts';
import { type LogRecord, logRecord } from './log-record.ts';
import { isTopicThere } from './topic-lookup.ts';
import { whileLeadersMove } from './while-moving.ts';

/**
 * Reads a topic without a consumer group: no rebalance delay, no groups left behind. Serves the checkpoint, counts
 * and lag. Always read_committed; positions move over commit markers, aborted records and emptied batches alike.
 */
export interface LogReader {
  /** @throws kafka.unavailable  also when the topic is not there */
  partitions(topic: string): Promise<readonly number[]>;
  topicExists(topic: string): Promise<boolean>;
  /** The first offset still in each partition. */
  startOffsets(topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** The last stable offset of each partition: where read_committed reading ends. */
  stableEndOffsets(topic: string): Promise<ReadonlyMap<number, bigint>>;
  /** The high watermark of each partition: open transactions included. */
  highWatermarks(topic: string): Promise<ReadonlyMap<number, bigint>>;
  /**
   * The partitions in which an open transaction holds read_committed readers back: their two ends, of one moment.
   * Empty where every reader may read to the end.
   */
  heldBack(topic: string): Promise<ReadonlyMap<number, HeldBack>>;
  /**
   * The first offset published at or after that time; partitions without one are at their end: the last stable offset,
   * or the high watermark where records of open transactions count too.
   */
  offsetsAt(
    topic: string,
    epochMs: number,
    records?: 'committed' | 'all',
  ): Promise<ReadonlyMap<number, bigint>>;
  /**
   * Committed records from `from` (inclusive) up to position `to`, in the order of each partition.
   * `partitionBytes`: how much of a partition one fetch brings, of more than one record batch; 1 MiB where not given.
   */
  read(
    topic: string,
    range: {
      readonly from: ReadonlyMap<number, bigint>;
      readonly to: ReadonlyMap<number, bigint>;
      readonly partitionBytes?: number;
    },
  ): AsyncGenerator<readonly LogRecord[], void>;
  /**
   * As `read`, and goes on with what is published next: ends when every partition has reached its `to`, never where one
   * has none, or when aborted. Holds one fetch. Its records come together, by the time of their publication and in the
   * order of their partition; from one fetch to the next that order holds within a partition only.
   * @returns also empty fetches, at least four a second, with where to go on
   */
  follow(
    topic: string,
    range: {
      /** The partitions that are followed, and from where. */
      readonly from: ReadonlyMap<number, bigint>;
      readonly to?: ReadonlyMap<number, bigint>;
      readonly signal?: AbortSignal;
    },
  ): AsyncGenerator<FollowedRecords, void>;
  close(): Promise<void>;
}

interface FollowedRecords {
  readonly records: readonly LogRecord[];
  /** The next offset of each partition still followed. */
  readonly positions: ReadonlyMap<number, bigint>;
}

interface HeldBack {
  /** Where readers stop: the first record of the oldest open transaction. */
  readonly stableEnd: bigint;
  readonly highWatermark: bigint;
  /** When that record was published, epoch milliseconds: since then readers stand; undefined where it is gone again. */
  readonly sinceMs: number | undefined;
}

const FETCH_BYTES = 4 * 1024 * 1024;
const PARTITION_FETCH_BYTES = 1024 * 1024;
const FETCH_WAIT_MS = 250;
const EARLIEST = '-2';
const LATEST = '-1';

export async function openLogReader(kafka: Kafka): Promise<LogReader> {
  const cluster = createCluster(kafka);
  const watermarkCluster = createCluster(kafka, READ_UNCOMMITTED);
  const inUse = new Set<KafkaCluster>();
  try {
    await connected(cluster);
  } catch (error) {
    throw asKafkaError(error, 'connecting to Kafka');
  }

  async function connected(one: KafkaCluster): Promise<KafkaCluster> {
    if (inUse.has(one)) return one;
    try {
      await one.connect();
      // kafkajs takes a connection for ready whose first request was not answered, and then sends no other.
      if (one.brokerPool.versions === null) throw new Error('the broker did not answer');
    } catch (error) {
      await one.disconnect().catch(() => {});
      throw error;
    }
    inUse.add(one);
    return one;
  }

  async function partitionsOf(on: KafkaCluster, topic: string): Promise<number[]> {
    await on.addTargetTopic(topic);
    await on.refreshMetadataIfNecessary();
    return on.findTopicPartitionMetadata(topic).map(({ partitionId }) => partitionId);
  }

  async function offsets(on: KafkaCluster, topic: string, timestamp: string): Promise<Map<number, bigint>> {
    const partitions = await partitionsOf(on, topic);
    const [answer] = await on.fetchTopicsOffset([
      { topic, partitions: partitions.map((partition) => ({ partition })), fromTimestamp: timestamp },
    ]);
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  /** When these records were published, committed or not, epoch milliseconds. */
  async function publishedAt(
    topic: string,
    at: ReadonlyMap<number, bigint>,
  ): Promise<ReadonlyMap<number, number>> {
    if (at.size === 0) return new Map();
    const answers = await fetchFrom(await connected(watermarkCluster), topic, at, {
      waitMs: 0,
      isolation: READ_UNCOMMITTED,
    });
    return new Map(
      answers.flatMap(({ partition, messages }) => {
        const first = messages.find(({ offset }) => BigInt(offset) === at.get(partition));
        return first === undefined ? [] : [[partition, Number(first.timestamp)] as const];
      }),
    );
  }

  /** kafkajs keeps connections that died; a refreshed look at the cluster mends them, once, before an error is one. */
  async function robustly<T>(doing: string, step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch {
      try {
        return await whileLeadersMove(async () => {
          for (const one of inUse) await one.refreshMetadata();
          return step();
        });
      } catch (error) {
        throw asKafkaError(error, doing);
      }
    }
  }

  return {
    partitions: (topic) => robustly(`looking at ${topic}`, () => partitionsOf(cluster, topic)),

    topicExists: (topic) => robustly(`looking for ${topic}`, () => isTopicThere(cluster, topic)),

    startOffsets: (topic) => robustly(`looking at ${topic}`, () => offsets(cluster, topic, EARLIEST)),
    stableEndOffsets: (topic) => robustly(`looking at ${topic}`, () => offsets(cluster, topic, LATEST)),
    highWatermarks: (topic) =>
      robustly(`looking at ${topic}`, async () => offsets(await connected(watermarkCluster), topic, LATEST)),

    heldBack: (topic) =>
      robustly(`looking at ${topic}`, async () => {
        const stableEnds = await offsets(cluster, topic, LATEST);
        // A fetch names both ends of the same moment; asked for one after the other, a commit in between would look
        // like an open transaction.
        const answers = await fetchFrom(cluster, topic, stableEnds, { waitMs: 0 });
        const held = answers
          .map(({ partition, lastStableOffset, highWatermark }) => ({
            partition,
            stableEnd: BigInt(lastStableOffset),
            highWatermark: BigInt(highWatermark),
          }))
          .filter(({ stableEnd, highWatermark }) => stableEnd < highWatermark);
        const openSince = await publishedAt(
          topic,
          new Map(held.map((each) => [each.partition, each.stableEnd])),
        );
        return new Map(
          held.map(({ partition, ...ends }) => [partition, { ...ends, sinceMs: openSince.get(partition) }]),
        );
      }),

    offsetsAt: (topic, epochMs, records = 'committed') =>
      robustly(`looking at ${topic}`, async () => {
        const on = records === 'committed' ? cluster : await connected(watermarkCluster);
        const [found, ends] = await Promise.all([
          offsets(on, topic, String(epochMs)),
          offsets(on, topic, LATEST),
        ]);
        return new Map([...ends].map(([partition, end]) => [partition, later(found.get(partition), end)]));
      }),

    async *read(topic, { from, to, partitionBytes }) {
      const positions = new Map<number, bigint>();
      for (const [partition, end] of to) {
        const start = from.get(partition) ?? 0n;
        if (start < end) positions.set(partition, start);
      }
      while (positions.size > 0) {
        const fetched = await robustly(`reading ${topic}`, () =>
          fetchOnce(cluster, topic, positions, partitionBytes),
        );
        for (const { partition, records, nextOffset } of fetched) {
          const end = to.get(partition) ?? 0n;
          if (nextOffset >= end) positions.delete(partition);
          else positions.set(partition, nextOffset);
          const wanted = records.filter(({ offset }) => offset < end);
          if (wanted.length > 0) yield wanted;
        }
      }
    },

    async *follow(topic, { from, to, signal }) {
      const ended = (partition: number, position: bigint): boolean => {
        const end = to?.get(partition);
        return end !== undefined && position >= end;
      };
      const positions = new Map([...from].filter(([partition, start]) => !ended(partition, start)));
      while (positions.size > 0 && signal?.aborted !== true) {
        const fetched = await robustly(`reading ${topic}`, () => fetchOnce(cluster, topic, positions));
        const together: LogRecord[] = [];
        for (const { partition, records, nextOffset } of fetched) {
          const end = to?.get(partition);
          for (const record of records) if (end === undefined || record.offset < end) together.push(record);
          if (ended(partition, nextOffset)) positions.delete(partition);
          else positions.set(partition, nextOffset);
        }
        if (fetched.length > 1) mergeByTime(together);
        yield { records: together, positions };
      }
    },

    async close() {
      await Promise.all([cluster.disconnect(), watermarkCluster.disconnect()]);
    },
  };
}

/**
 * In place, by time across partitions; within one its order stays, whatever its times say, since each record counts as
 * no earlier than those before it.
 */
function mergeByTime(records: LogRecord[]): void {
  const latest = new Map<number, number>();
  const countsAs = new Map<LogRecord, number>();
  for (const record of records) {
    const at = Math.max(record.publishedAtMs, latest.get(record.partition) ?? 0);
    latest.set(record.partition, at);
    countsAs.set(record, at);
  }
  records.sort((a, b) => (countsAs.get(a) ?? 0) - (countsAs.get(b) ?? 0));
}

/** Offset −1 means "no record that young": then the partition's end. */
function later(found: bigint | undefined, end: bigint): bigint {
  return found === undefined || found < 0n ? end : found;
}

interface FetchedPartition {
  readonly partition: number;
  readonly records: readonly LogRecord[];
  readonly nextOffset: bigint;
}

async function fetchOnce(
  cluster: KafkaCluster,
  topic: string,
  positions: ReadonlyMap<number, bigint>,
  partitionBytes = PARTITION_FETCH_BYTES,
): Promise<FetchedPartition[]> {
  const answers = await fetchFrom(cluster, topic, positions, { waitMs: FETCH_WAIT_MS, partitionBytes });
  return answers.map((data) => {
    const position = positions.get(data.partition) ?? 0n;
    const batch = new kafkajsBatch(topic, String(position), data);
    return {
      partition: data.partition,
      records: batch.messages.map((message) => logRecord(data.partition, message)),
      nextOffset: batch.nextOffset === null ? position : BigInt(batch.nextOffset),
    };
  });
}

/** @param how.waitMs  how long a leader may wait for records where there are none yet */
async function fetchFrom(
  cluster: KafkaCluster,
  topic: string,
  positions: ReadonlyMap<number, bigint>,
  {
    waitMs,
    isolation = READ_COMMITTED,
    partitionBytes = PARTITION_FETCH_BYTES,
  }: { readonly waitMs: number; readonly isolation?: number; readonly partitionBytes?: number },
): Promise<FetchedPartitionData[]> {
  await cluster.addTargetTopic(topic);
  await cluster.refreshMetadataIfNecessary();
  const byLeader = cluster.findLeaderForPartitions(topic, [...positions.keys()]);
  const answers = await Promise.all(
    Object.entries(byLeader).map(async ([nodeId, partitions]) => {
      const broker = await cluster.findBroker({ nodeId });
      const { responses } = await broker.fetch({
        maxWaitTime: waitMs,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        isolationLevel: isolation,
        topics: [
          {
            topic,
            partitions: partitions.map((partition) => ({
              partition: Number(partition),
              fetchOffset: String(positions.get(Number(partition))),
              maxBytes: partitionBytes,
            })),
          },
        ],
      });
      return responses.flatMap(({ partitions: data }) => data);
    }),
  );
  return answers.flat();
}
