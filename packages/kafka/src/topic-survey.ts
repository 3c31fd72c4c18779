/** The topics of an account as they are on the cluster, beside what is wanted of them. Nothing is changed. */
import type { Kafka } from 'kafkajs';
import { asKafkaError, kafkaErrorType } from './kafka-errors.ts';
import { createCluster } from './kafkajs-cluster.ts';
import { readLogSizes } from './kafkajs-requests.ts';
import { existingTopics } from './topic-lookup.ts';
import { readTopicSettings, type TopicSetting } from './topic-settings.ts';
import { type TopicNames, type WantedTopic, wantedTopics } from './wanted-topics.ts';

export interface SurveyedTopic {
  readonly topic: string;
  /** undefined: none of the topics that every account has, but named after them, as those of retries are. */
  readonly wanted: WantedTopic | undefined;
  /** undefined: the topic is missing. */
  readonly real:
    | {
        readonly partitions: readonly number[];
        /** Those that are wanted. */
        readonly settings: ReadonlyMap<string, TopicSetting>;
        /** On disk, of one copy, by partition; undefined where this user may not ask. */
        readonly bytes: ReadonlyMap<number, bigint> | undefined;
      }
    | undefined;
}

/** The wanted topics in their order, then others that are named after the tickets topic. */
export async function surveyTopics(kafka: Kafka, names: TopicNames): Promise<readonly SurveyedTopic[]> {
  const wanted = wantedTopics(names);
  const admin = kafka.admin();
  try {
    await admin.connect();
    const existing = await admin.listTopics();
    // By name: the list leaves out what this user may not see, which must not look like a missing topic.
    const seen = await existingTopics(
      kafka,
      wanted.map(({ topic }) => topic),
    );
    const there = wanted.filter(({ topic }) => seen.has(topic));
    const others = existing
      .filter((name) => name.startsWith(`${names.tickets}.`) && !wanted.some(({ topic }) => topic === name))
      .sort((a, b) => (a < b ? -1 : 1));
    const topics = [...there.map(({ topic }) => topic), ...others];
    const [settings, { topics: metadata }] = await Promise.all([
      readTopicSettings(admin, there),
      topics.length === 0 ? { topics: [] } : admin.fetchTopicMetadata({ topics }),
    ]);
    const partitionsOf = new Map(
      metadata.map(({ name, partitions }) => [
        name,
        partitions.map(({ partitionId }) => partitionId).sort((a, b) => a - b),
      ]),
    );
    const bytes = await readBytes(kafka, partitionsOf);
    const survey = (topic: string, ofWanted: WantedTopic | undefined): SurveyedTopic => {
      const partitions = partitionsOf.get(topic);
      return {
        topic,
        wanted: ofWanted,
        real:
          partitions === undefined
            ? undefined
            : { partitions, settings: settings.get(topic) ?? new Map(), bytes: bytes?.get(topic) },
      };
    };
    return [
      ...wanted.map((each) => survey(each.topic, each)),
      ...others.map((topic) => survey(topic, undefined)),
    ];
  } catch (error) {
    throw asKafkaError(error, 'looking at the topics');
  } finally {
    await admin.disconnect();
  }
}

/** undefined where the user may not ask (Describe on the cluster): sizes are worth no error. */
async function readBytes(
  kafka: Kafka,
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, bigint>> | undefined> {
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    await cluster.refreshMetadata();
    const sizes = new Map<string, Map<number, bigint>>();
    for (const nodeId of Object.keys(cluster.brokerPool.brokers)) {
      const ofBroker = await readLogSizes(await cluster.findBroker({ nodeId }), partitionsOf);
      for (const [topic, ofTopic] of ofBroker) {
        const largest = sizes.get(topic) ?? new Map<number, bigint>();
        sizes.set(topic, largest);
        // Of the copies the largest: one that is catching up holds less.
        for (const [partition, bytes] of ofTopic) {
          if (bytes >= (largest.get(partition) ?? 0n)) largest.set(partition, bytes);
        }
      }
    }
    return sizes;
  } catch (error) {
    if (kafkaErrorType(error) === 'CLUSTER_AUTHORIZATION_FAILED') return undefined;
    throw error;
  } finally {
    await cluster.disconnect();
  }
}
