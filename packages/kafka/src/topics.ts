import { TicketStreamError } from '@ticket-stream/errors';
import type { Kafka } from 'kafkajs';
import type { Logger } from './kafka-connection.ts';
import { asKafkaError } from './kafka-errors.ts';
import { existingTopics } from './topic-lookup.ts';
import { createTopics, readTopicSettings, type TopicSetting } from './topic-settings.ts';
import {
  BATCH_OVERHEAD_BYTES,
  TICKET_BYTES_MAX,
  TICKET_BYTES_MIN,
  type TopicNames,
  wantedTopics,
} from './wanted-topics.ts';

export { TICKET_BYTES_MAX, type TopicNames, topicNames } from './wanted-topics.ts';

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
 *                               `acceptSettings` to use it all the same. One that takes no common ticket is never used
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
    const wanted = wantedTopics(names);
    const existing = await existingTopics(
      kafka,
      wanted.map(({ topic }) => topic),
    );
    const missing = wanted.filter(({ topic }) => !existing.has(topic));
    if (missing.length > 0) {
      await createTopics(admin, missing);
      logger.info({ topics: missing.map(({ topic }) => topic) }, 'topics created');
    }
    const settings = await readTopicSettings(admin, wanted);
    for (const { topic, settings: wantedSettings } of wanted) {
      if (!existing.has(topic)) continue;
      for (const [name, value] of Object.entries(wantedSettings)) {
        const real = settings.get(topic)?.get(name)?.value;
        if (real !== value) {
          logger.warn({ topic, setting: name, wanted: value, real }, 'an existing topic has another setting');
        }
      }
    }
    const policy = settings.get(names.tickets)?.get('cleanup.policy')?.value ?? '';
    if (!policy.includes('compact') && !options.acceptSettings) {
      throw new TicketStreamError(
        'kafka.topic_settings',
        `topic ${names.tickets} has cleanup.policy=${policy}: it would forget tickets`,
        { context: { topic: names.tickets } },
      );
    }
    const ticketBytesMax = largestRecord(settings.get(names.tickets));
    if (ticketBytesMax < TICKET_BYTES_MIN) {
      const limit = settings.get(names.tickets)?.get('max.message.bytes')?.value;
      throw new TicketStreamError(
        'kafka.topic_settings',
        `topic ${names.tickets} has max.message.bytes=${limit}: most tickets would be dead letters`,
        {
          context: { topic: names.tickets },
          remedy: `Set max.message.bytes of ${names.tickets} to ${TICKET_BYTES_MAX + BATCH_OVERHEAD_BYTES}, or at least ${TICKET_BYTES_MIN + BATCH_OVERHEAD_BYTES}; nothing was read or written.`,
        },
      );
    }
    const metadata = await admin.fetchTopicMetadata({ topics: [names.tickets] });
    return {
      partitions: metadata.topics[0]?.partitions.length ?? 0,
      ticketBytesMax,
      deadLetterBytesMax: largestRecord(settings.get(names.deadLetters)),
    };
  } catch (error) {
    throw asKafkaError(error, 'preparing the topics');
  } finally {
    await admin.disconnect();
  }
}

/** The smaller of 8 MB and the topic's real `max.message.bytes`, less what a batch adds. */
function largestRecord(settings: ReadonlyMap<string, TopicSetting> | undefined): number {
  const real = Number(settings?.get('max.message.bytes')?.value ?? 0);
  return Math.min(TICKET_BYTES_MAX, Math.max(0, real - BATCH_OVERHEAD_BYTES));
}
