import { TicketStreamError } from '@ticket-stream/errors';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import type { Logger } from './kafka-connection.ts';
import { asKafkaError, kafkaErrorType } from './kafka-errors.ts';

const { ConfigResourceTypes } = kafkajs;

/** The set of topics of one Zendesk account; every name follows TICKETS_TOPIC. */
export interface TopicNames {
  readonly tickets: string;
  readonly checkpoints: string;
  readonly deadLetters: string;
}

export function topicNames(tickets: string): TopicNames {
  return { tickets, checkpoints: `${tickets}.checkpoints`, deadLetters: `${tickets}.dlq` };
}

const DAY_MS = 24 * 60 * 60 * 1000;
const TICKET_PARTITIONS = 12;
/** Zendesk's largest tickets are a few MB; see `ticketBytesLimit`. */
export const TICKET_BYTES_MAX = 8 * 1024 * 1024;
/** What a record batch adds to one ticket: batch header, key, headers. Measured below 1 KiB; generous. */
const BATCH_OVERHEAD_BYTES = 16 * 1024;

export interface WantedTopic {
  readonly topic: string;
  readonly partitions: number;
  readonly settings: Readonly<Record<string, string>>;
}

export function wantedTopics(names: TopicNames): readonly WantedTopic[] {
  const largeBatch = String(TICKET_BYTES_MAX + BATCH_OVERHEAD_BYTES);
  return [
    {
      topic: names.tickets,
      partitions: TICKET_PARTITIONS,
      settings: {
        // Full history for a week, the latest version of every ticket for ever, and a superseded (unscrubbed)
        // version gone within about a month.
        'cleanup.policy': 'compact',
        'min.compaction.lag.ms': String(7 * DAY_MS),
        'max.compaction.lag.ms': String(30 * DAY_MS),
        'max.message.bytes': largeBatch,
      },
    },
    {
      topic: names.checkpoints,
      partitions: 1,
      // Small segments and an eager cleaner, so that a boot reads little.
      settings: {
        'cleanup.policy': 'compact',
        'segment.bytes': String(4 * 1024 * 1024),
        'segment.ms': String(10 * 60 * 1000),
        'min.cleanable.dirty.ratio': '0.01',
        'max.message.bytes': String(2 * 1024 * 1024),
      },
    },
    {
      topic: names.deadLetters,
      partitions: 1,
      settings: {
        'cleanup.policy': 'delete',
        'retention.ms': String(30 * DAY_MS),
        'max.message.bytes': largeBatch,
      },
    },
  ];
}

export interface EnsuredTopics {
  readonly partitions: number;
  /** Largest ticket in bytes that the topic takes; anything above is a dead letter. */
  readonly ticketBytesMax: number;
  readonly deadLetterBytesMax: number;
}

/**
 * Creates the topics that are missing, and uses those that are there as they are: one warning a differing setting.
 * @throws kafka.topic_missing   missing, and the user may not create topics: with the commands to run
 * @throws kafka.topic_settings  an existing tickets topic that is not compacted would forget tickets; pass
 *                               `acceptSettings` to use it all the same
 */
export async function ensureTopics(
  kafka: Kafka,
  names: TopicNames,
  options: { readonly acceptSettings: boolean; readonly logger: Logger },
): Promise<EnsuredTopics> {
  const { logger } = options;
  const admin = kafka.admin();
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    const wanted = wantedTopics(names);
    const missing = wanted.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) await create(admin, missing, logger);
    const settings = await readSettings(admin, wanted);
    for (const { topic, settings: wantedSettings } of wanted) {
      if (!existing.has(topic)) continue;
      for (const [name, value] of Object.entries(wantedSettings)) {
        const real = settings.get(topic)?.get(name);
        if (real !== value) {
          logger.warn({ topic, setting: name, wanted: value, real }, 'an existing topic has another setting');
        }
      }
    }
    const policy = settings.get(names.tickets)?.get('cleanup.policy') ?? '';
    if (!policy.includes('compact') && !options.acceptSettings) {
      throw new TicketStreamError(
        'kafka.topic_settings',
        `topic ${names.tickets} has cleanup.policy=${policy}: it would forget tickets`,
        { context: { topic: names.tickets } },
      );
    }
    const metadata = await admin.fetchTopicMetadata({ topics: [names.tickets] });
    return {
      partitions: metadata.topics[0]?.partitions.length ?? 0,
      ticketBytesMax: largestRecord(settings.get(names.tickets)),
      deadLetterBytesMax: largestRecord(settings.get(names.deadLetters)),
    };
  } catch (error) {
    throw asKafkaError(error, 'preparing the topics');
  } finally {
    await admin.disconnect();
  }
}

/** The smaller of 8 MB and the topic's real `max.message.bytes`, less what a batch adds. */
function largestRecord(settings: ReadonlyMap<string, string> | undefined): number {
  const real = Number(settings?.get('max.message.bytes') ?? 0);
  return Math.min(TICKET_BYTES_MAX, Math.max(0, real - BATCH_OVERHEAD_BYTES));
}

async function create(admin: Admin, missing: readonly WantedTopic[], logger: Logger): Promise<void> {
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: missing.map(({ topic, partitions, settings }) => ({
        topic,
        numPartitions: partitions,
        replicationFactor: -1,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      })),
    });
    logger.info({ topics: missing.map(({ topic }) => topic) }, 'topics created');
  } catch (error) {
    const type = kafkaErrorType(error);
    if (type !== 'TOPIC_AUTHORIZATION_FAILED' && type !== 'CLUSTER_AUTHORIZATION_FAILED') throw error;
    const commands = missing.map(
      ({ topic, partitions, settings }) =>
        `kafka-topics.sh --bootstrap-server … --create --topic ${topic} --partitions ${partitions}${Object.entries(
          settings,
        )
          .map(([name, value]) => ` --config ${name}=${value}`)
          .join('')}`,
    );
    throw new TicketStreamError(
      'kafka.topic_missing',
      `topics are missing and this user may not create them:\n  ${commands.join('\n  ')}`,
      { cause: error },
    );
  }
}

async function readSettings(
  admin: Admin,
  wanted: readonly WantedTopic[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
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
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}
