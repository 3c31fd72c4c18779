/**
 * Moves a group's committed offsets from outside, as `kafka-consumer-groups --reset-offsets` does: one commit to the
 * group's coordinator by nobody (generation −1, no member id), which it takes only while the group has no members. So
 * a consumer that joins in the same moment wins, and is never moved under its feet.
 *
 * kafkajs's own `setOffsets` joins the group, waits for its rebalance and leaves a member behind when it is killed.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { Kafka } from 'kafkajs';
import { asKafkaError, kafkaErrorType } from './kafka-errors.ts';
import { createCluster } from './kafkajs-cluster.ts';
import { whileCoordinatorMoves } from './while-moving.ts';

export interface OffsetToCommit {
  readonly offset: bigint;
  /** Read by whoever reads the offset: the bound of a side replay, say. */
  readonly metadata?: string | undefined;
}

const NOBODY = { groupGenerationId: -1, memberId: '' };
/** The coordinator's answers where members are in the group, of the older and the newer group protocol. */
const ACTIVE = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'STALE_MEMBER_EPOCH',
]);

/**
 * Durable on return, all partitions or none but where the broker itself fails between them. Makes the group where it
 * is not there.
 * @throws kafka.group_active  it has members; nothing was moved
 * @throws kafka.unavailable   where its remedy says so, the offsets may have been moved
 */
export async function commitGroupOffsets(
  kafka: Kafka,
  group: string,
  topic: string,
  offsets: ReadonlyMap<number, OffsetToCommit>,
): Promise<void> {
  const cluster = createCluster(kafka);
  let isAsked = false;
  try {
    await cluster.connect();
    const partitions = [...offsets].map(([partition, { offset, metadata }]) => ({
      partition,
      offset: String(offset),
      metadata: metadata ?? null,
    }));
    await whileCoordinatorMoves(async () => {
      isAsked = false;
      const coordinator = await cluster.findGroupCoordinator({ groupId: group });
      isAsked = true;
      await coordinator.offsetCommit({ ...NOBODY, groupId: group, topics: [{ topic, partitions }] });
    });
  } catch (error) {
    if (ACTIVE.has(kafkaErrorType(error) ?? '')) {
      throw new TicketStreamError('kafka.group_active', `consumer group ${group} has members`, {
        cause: error,
        context: { group, topic },
      });
    }
    const known = asKafkaError(error, `committing offsets of ${group}`, { group, topic });
    if (known.code !== 'kafka.unavailable' || !isAsked || isRefusal(error)) throw known;
    throw new TicketStreamError(known.code, known.message, {
      cause: error,
      context: known.context,
      remedy: `Nobody knows whether they were committed: see "ticket-stream groups show ${group}" before you do it again.`,
    });
  } finally {
    await cluster.disconnect();
  }
}

/** The coordinator answered, and did not do it. */
function isRefusal(error: unknown): boolean {
  const type = kafkaErrorType(error);
  return type !== undefined && type !== 'REQUEST_TIMED_OUT';
}
