/**
 * The topics by which a dead letter goes through the normal path again: one for each consumer group, read by its
 * members beside the tickets topic, and one for the producer. Made with the first retry, not before.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { Kafka } from 'kafkajs';
import { asKafkaError } from './kafka-errors.ts';
import { existingTopics } from './topic-lookup.ts';
import { createTopics } from './topic-settings.ts';
import { TICKET_BYTES_MAX } from './wanted-topics.ts';

/** A ticket of the largest size with its headers, and those of its retry. */
const MESSAGE_BYTES_MAX = TICKET_BYTES_MAX + 64 * 1024;
const RETENTION_MS = 30 * 24 * 60 * 60 * 1000;
const settings = {
  'cleanup.policy': 'delete',
  'retention.ms': String(RETENTION_MS),
  'max.message.bytes': String(MESSAGE_BYTES_MAX),
};
const TOPIC_NAME = /^[A-Za-z0-9._-]{1,249}$/;
const PRODUCER = 'producer';

/**
 * `tickets.retry.search.1` of the group `tickets.search.1`.
 * @throws config.invalid  the group's name makes no name of a topic, or the producer's
 */
export function retryTopic(tickets: string, group: string): string {
  const short = group.startsWith(`${tickets}.`) ? group.slice(tickets.length + 1) : group;
  const topic = `${tickets}.retry.${short}`;
  if (short === PRODUCER || !TOPIC_NAME.test(topic)) {
    throw new TicketStreamError('config.invalid', `the group ${group} can have no topic for its retries`, {
      context: { group, topic },
      remedy: `A topic's name has at most 249 of A-Z a-z 0-9 . _ - and "${PRODUCER}" is taken by the producer; retry by a replay of the group instead.`,
    });
  }
  return topic;
}

export function producerRetryTopic(tickets: string): string {
  return `${tickets}.retry.${PRODUCER}`;
}

/** Headers of a record in a group's retry topic, beside the original's own. */
export const retryHeaders = {
  partition: 'retry-partition',
  offset: 'retry-offset',
  letter: 'retry-letter',
} as const;

/**
 * Makes the topic where it is missing; one that is there is used as it is.
 * @param partitions  as many as the records' own topic: partition p of it is read by whoever reads p there
 * @throws kafka.topic_missing   this user may not make it: with the command to run
 * @throws kafka.topic_settings  it is there and has fewer partitions
 */
export async function ensureRetryTopic(kafka: Kafka, topic: string, partitions: number): Promise<void> {
  const wanted = { topic, partitions, settings };
  const admin = kafka.admin();
  try {
    await admin.connect();
    if (!(await existingTopics(kafka, [topic])).has(topic)) {
      await createTopics(admin, [wanted]);
      return;
    }
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const real = topics[0]?.partitions.length ?? 0;
    if (real >= partitions) return;
    throw new TicketStreamError('kafka.topic_settings', `${topic} has ${real} of ${partitions} partitions`, {
      context: { topic, partitions: real },
      remedy: `kafka-topics.sh --alter --topic ${topic} --partitions ${partitions}; nothing was changed.`,
    });
  } catch (error) {
    throw asKafkaError(error, `preparing ${topic}`);
  } finally {
    await admin.disconnect().catch(() => {});
  }
}
