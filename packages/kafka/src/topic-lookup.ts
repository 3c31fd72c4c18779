import type { Kafka } from 'kafkajs';
import { kafkaErrorType } from './kafka-errors.ts';
import { createCluster, type KafkaCluster } from './kafkajs-cluster.ts';

/**
 * Whether a topic is there. It is asked for by its name: in the list of all topics one that this user may not see is
 * missing like one that nobody made, and would be waited for for ever, or made.
 * @throws a refusal where the user may not see it, also where it is not there
 */
export async function isTopicThere(cluster: KafkaCluster, topic: string): Promise<boolean> {
  try {
    // kafkajs answers null where the topic it knew is gone, or no broker answers; the second look decides.
    if ((await cluster.metadata({ topics: [topic] })) !== null) return true;
    await cluster.refreshMetadata();
    return (await cluster.metadata({ topics: [topic] })) !== null;
  } catch (error) {
    if (kafkaErrorType(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return false;
    throw error;
  }
}

/** Those of the topics that are there. @throws as above */
export async function existingTopics(kafka: Kafka, topics: readonly string[]): Promise<ReadonlySet<string>> {
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    const existing = new Set<string>();
    for (const topic of topics) if (await isTopicThere(cluster, topic)) existing.add(topic);
    return existing;
  } finally {
    await cluster.disconnect().catch(() => {});
  }
}
