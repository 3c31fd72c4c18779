/** The topics of an account as this project wants them: names, partitions, settings. Nothing is asked of a cluster. */

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
/** Zendesk's largest tickets are a few MB. A topic may take less: `ensureTopics` says how much. */
export const TICKET_BYTES_MAX = 8 * 1024 * 1024;
/** Common tickets are some KB: a topic that takes less makes a dead letter of most. */
export const TICKET_BYTES_MIN = 16 * 1024;
/** What a record batch adds to one ticket: batch header, key, headers. Measured below 1 KiB; generous. */
export const BATCH_OVERHEAD_BYTES = 16 * 1024;

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

/** What a person runs who may do it. */
export function createCommand({ topic, partitions, settings }: WantedTopic): string {
  const configs = Object.entries(settings).map(([name, value]) => ` --config ${name}=${value}`);
  return `kafka-topics.sh --bootstrap-server … --create --topic ${topic} --partitions ${partitions}${configs.join('')}`;
}

export function alterCommand(topic: string, settings: ReadonlyMap<string, string>): string {
  const configs = [...settings].map(([name, value]) => `${name}=${value}`);
  return `kafka-configs.sh --bootstrap-server … --alter --entity-type topics --entity-name ${topic} --add-config ${configs.join(',')}`;
}
