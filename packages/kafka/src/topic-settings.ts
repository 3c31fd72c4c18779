/** A cluster's topics made and set as wanted. */
import { TicketStreamError } from '@ticket-stream/errors';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { allowLine, asKafkaError, kafkaErrorType, refusalOf } from './kafka-errors.ts';
import { createCluster } from './kafkajs-cluster.ts';
import { setTopicSettings } from './kafkajs-requests.ts';
import { alterCommand, createCommand, type WantedTopic } from './wanted-topics.ts';
import { whileTopicIsNew } from './while-moving.ts';

const { ConfigResourceTypes } = kafkajs;

export interface TopicSetting {
  readonly value: string;
  /** Set for this topic, rather than the broker's default. */
  readonly isOwn: boolean;
}

/** By topic and setting: of each topic the settings that are wanted of it. */
export async function readTopicSettings(
  admin: Admin,
  wanted: readonly WantedTopic[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, TopicSetting>>> {
  if (wanted.length === 0) return new Map(); // kafkajs refuses to ask for nothing
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: wanted.map(({ topic, settings }) => ({
      type: ConfigResourceTypes.TOPIC,
      name: topic,
      configNames: Object.keys(settings),
    })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(
        configEntries.map(({ configName, configValue, configSource }) => [
          configName,
          { value: configValue, isOwn: Number(configSource) === TOPIC_CONFIG },
        ]),
      ),
    ]),
  );
}

/** Of KIP-226's sources; kafkajs types it, and does not export it. */
const TOPIC_CONFIG = 1;

/**
 * On return they can be written.
 * @throws kafka.topic_missing   the user may not create: with the commands to run
 * @throws kafka.topic_settings  the cluster does not take a value, or has a policy against it
 */
export async function createTopics(admin: Admin, missing: readonly WantedTopic[]): Promise<void> {
  try {
    await admin.createTopics({
      waitForLeaders: false,
      topics: missing.map(({ topic, partitions, settings }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: -1,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      })),
    });
    await untilServed(
      admin,
      missing.map(({ topic }) => topic),
    );
  } catch (error) {
    if (!isRefusal(error)) throw refusedCreation(error, missing);
    const refused = failedTopics(error)
      .filter(isRefusal)
      .map(({ topic }) => topic);
    // Where some were refused, the others are there now.
    const left = missing.filter(({ topic }) => refused.length === 0 || refused.includes(topic));
    throw new TicketStreamError(
      'kafka.topic_missing',
      `topics are missing and this user may not create them:\n  ${left.map(createCommand).join('\n  ')}`,
      { cause: error },
    );
  }
}

/** A broker may not know yet of a topic just made; kafkajs's own wait for leaders takes that for an error. */
async function untilServed(admin: Admin, topics: string[]): Promise<void> {
  await whileTopicIsNew(async () => {
    const known = await admin.fetchTopicMetadata({ topics });
    const isLed = known.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
    if (!isLed) throw Object.assign(new Error('no leader yet'), { type: 'LEADER_NOT_AVAILABLE' });
    // Named as leaders, brokers still refuse for a moment; a producer that is not idempotent repeats its send then, also
    // to the partitions that took it.
    for (const topic of topics) await admin.fetchTopicOffsets(topic);
  });
}

/** kafkajs gathers what became of each topic under one error. */
function failedTopics(error: unknown): readonly (Error & { readonly topic: string })[] {
  return (error as { readonly errors?: readonly (Error & { readonly topic: string })[] }).errors ?? [];
}

/** Too few brokers for the replicas is none of them: others may still be starting. */
const REFUSED_SETTINGS: ReadonlySet<string | undefined> = new Set([
  'INVALID_CONFIG',
  'POLICY_VIOLATION',
  'INVALID_PARTITIONS',
]);

function refusedCreation(error: unknown, missing: readonly WantedTopic[]): unknown {
  const failed = failedTopics(error);
  if (failed.length === 0) return error;
  const reasons = failed.map(({ topic, message }) => `${topic}: ${message}`).join('; ');
  const refused = failed.find((each) => REFUSED_SETTINGS.has(kafkaErrorType(each)));
  const wanted = missing.find(({ topic }) => topic === refused?.topic);
  if (refused === undefined || wanted === undefined) return new Error(reasons, { cause: error });
  return new TicketStreamError('kafka.topic_settings', `the cluster refuses to make topics: ${reasons}`, {
    cause: error,
    context: { topic: refused.topic, type: kafkaErrorType(refused) },
    remedy: `Ask who runs the cluster, or make the topic otherwise; ours would be:\n  ${createCommand(wanted)}`,
  });
}

/**
 * Makes the topics that are missing, then gives others these settings and leaves their other ones as they are. Each
 * topic is durable by itself: what stands before a refused one is done.
 * @throws kafka.topic_missing   the user may not create topics: with the commands to run
 * @throws kafka.not_allowed     the user may not change settings: with the command to run
 * @throws kafka.topic_settings  the cluster does not take a value, or has a policy against it
 */
export async function applyTopics(
  kafka: Kafka,
  changes: {
    readonly create: readonly WantedTopic[];
    readonly alter: ReadonlyMap<string, ReadonlyMap<string, string>>;
  },
): Promise<void> {
  const admin = kafka.admin();
  const cluster = createCluster(kafka);
  try {
    if (changes.create.length > 0) {
      await admin.connect();
      await createTopics(admin, changes.create);
    }
    if (changes.alter.size === 0) return;
    await cluster.connect();
    await cluster.refreshMetadata(); // kafkajs knows no controller before
    const controller = await cluster.findControllerBroker();
    for (const [topic, settings] of changes.alter) {
      try {
        await setTopicSettings(controller, topic, settings);
      } catch (error) {
        throw refusedSettings(error, topic, settings);
      }
    }
  } catch (error) {
    throw asKafkaError(error, 'applying the topics');
  } finally {
    await Promise.all([admin.disconnect(), cluster.disconnect()]);
  }
}

function refusedSettings(error: unknown, topic: string, settings: ReadonlyMap<string, string>): unknown {
  const command = alterCommand(topic, settings);
  if (isRefusal(error)) {
    return new TicketStreamError('kafka.not_allowed', `this user may not change the settings of ${topic}`, {
      cause: error,
      context: { topic },
      remedy: `Have somebody run who may:\n  ${command}\nor let an administrator allow it:\n  ${allowLine('this user', 'AlterConfigs', 'Topic', [topic])}`,
    });
  }
  const type = kafkaErrorType(error);
  if (!REFUSED_SETTINGS.has(type)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return new TicketStreamError('kafka.topic_settings', `the cluster refuses a setting of ${topic}: ${why}`, {
    cause: error,
    context: { topic },
    remedy: `Ask who runs the cluster; the change was:\n  ${command}`,
  });
}

/** Of several topics: one of them is. */
function isRefusal(error: unknown): boolean {
  return refusalOf(error, '')?.code === 'kafka.not_allowed';
}
