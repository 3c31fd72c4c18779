/**
 * What a consumer group has committed for a topic, and how far it may go.
 *
 * A side replay ends by itself: the bound of each partition stands beside the committed offset, in its metadata, as
 * `ticket-stream until=<offset>` (the first offset not read). So it needs no file and no option of the service that
 * reads, shows in every tool that prints metadata, and goes with the group when that is deleted. Who commits for such a
 * group carries the metadata along, or a restart would read on without end.
 */
import type { Kafka } from 'kafkajs';
import { asKafkaError } from './kafka-errors.ts';
import { whileCoordinatorMoves } from './while-moving.ts';

/** The offsets a consumer group has committed for a topic; partitions without one are absent. */
export async function readGroupOffsets(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, bigint>> {
  const committed = await readCommitted(kafka, groupId, topic);
  return new Map([...committed].map(([partition, { offset }]) => [partition, offset]));
}

/** The first offset that a group must not read, by partition; empty for a group without an end of its own. */
export async function readGroupBounds(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, bigint>> {
  const committed = await readCommitted(kafka, groupId, topic);
  return new Map(
    [...committed].flatMap(([partition, { metadata }]) => {
      const bound = parseGroupBound(metadata);
      return bound === undefined ? [] : [[partition, bound] as const];
    }),
  );
}

/** The metadata to commit with every offset of a group that ends before `until`. */
export function groupBoundMetadata(until: bigint): string {
  return `ticket-stream until=${until}`;
}

/** undefined for the metadata of anybody else. */
export function parseGroupBound(metadata: string | null): bigint | undefined {
  const digits = /^ticket-stream until=(\d{1,19})$/.exec(metadata ?? '')?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

export interface CommittedOffset {
  /** The next to read. */
  readonly offset: bigint;
  readonly metadata: string | null;
}

/** Offsets with what stands beside them; partitions without one are absent. */
export async function readCommitted(
  kafka: Kafka,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, CommittedOffset>> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const [answer] = await whileCoordinatorMoves(() => admin.fetchOffsets({ groupId, topics: [topic] }));
    return new Map(
      (answer?.partitions ?? [])
        .map(({ partition, offset, metadata }) => [partition, { offset: BigInt(offset), metadata }] as const)
        .filter(([, { offset }]) => offset >= 0n),
    );
  } catch (error) {
    throw asKafkaError(error, `reading the offsets of group ${groupId}`);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
