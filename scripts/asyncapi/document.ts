import { topicNames, type WantedTopic, wantedTopics } from '../../packages/kafka/src/wanted-topics.ts';
import { exampleRecord, headersSchema, keySchema } from '../../packages/ticket/src/schema/event-headers.ts';
import { ticketJsonSchemaDraft7 } from '../../packages/ticket/src/schema/ticket-json-schema.ts';
import { TICKET_SCHEMA_VERSION } from '../../packages/ticket/src/ticket-event.ts';
import { checkpointMessage } from './checkpoint-message.ts';
import { deadLetterMessages } from './dead-letter-messages.ts';
import { BINDING_VERSION, keyBinding } from './kafka-bindings.ts';

const names = topicNames('tickets');
const topics = new Map(wantedTopics(names).map((topic) => [topic.topic, topic]));

/** The topics as AsyncAPI 3, put together from what the code publishes, reads and creates. */
export function asyncApiDocument(): object {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'ticket-stream',
      version: `${TICKET_SCHEMA_VERSION}.0.0`,
      description:
        'Every change to every ticket of a Zendesk account, on Kafka. Read it with isolation.level=read_committed. What is promised, and how to consume correctly, stands in docs/topic.md. Names follow TICKETS_TOPIC, here `tickets`.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    servers: {
      cluster: {
        host: '{brokers}',
        protocol: 'kafka',
        description: 'The cluster of KAFKA_BROKERS.',
        variables: { brokers: { default: '127.0.0.1:9092', description: 'host:port' } },
      },
    },
    channels: {
      tickets: channel(
        names.tickets,
        'Versions of tickets, keyed by ticket id, in the order of the export.',
        {
          ticketChanged: '#/components/messages/ticketChanged',
          ticketDeleted: '#/components/messages/ticketDeleted',
        },
      ),
      checkpoints: channel(names.checkpoints, 'How far the export is; the newest record counts.', {
        checkpoint: '#/components/messages/checkpoint',
      }),
      deadLetters: channel(
        names.deadLetters,
        'What can never work, set aside with its cause.',
        Object.fromEntries(
          Object.keys(deadLetterMessages).map((name) => [name, `#/components/messages/${name}`]),
        ),
      ),
    },
    operations: {
      publishTickets: send('tickets', 'Every version that Zendesk shows, a page a transaction.', [
        'ticketChanged',
        'ticketDeleted',
      ]),
      saveCheckpoint: send('checkpoints', 'In the transaction of the page that it closes.', ['checkpoint']),
      setAside: send('deadLetters', 'By the producer and by consumers.', Object.keys(deadLetterMessages)),
    },
    components: {
      schemas: {
        ticket: {
          schemaFormat: 'application/schema+json;version=draft-07',
          schema: ticketJsonSchemaDraft7(),
        },
      },
      messages: {
        ticketChanged: ticketMessage('changed', 'A ticket was made or changed'),
        ticketDeleted: ticketMessage('deleted', 'A ticket was deleted, or scrubbed after that'),
        checkpoint: checkpointMessage,
        ...deadLetterMessages,
      },
    },
  };
}

function channel(topic: string, description: string, messages: Readonly<Record<string, string>>) {
  const wanted = topics.get(topic);
  if (wanted === undefined) throw new Error(`${topic} is no topic of ours`);
  return {
    address: topic,
    description,
    messages: Object.fromEntries(Object.entries(messages).map(([name, $ref]) => [name, { $ref }])),
    bindings: {
      kafka: {
        topic,
        partitions: wanted.partitions,
        topicConfiguration: topicConfiguration(wanted),
        bindingVersion: BINDING_VERSION,
      },
    },
  };
}

/** Policies are lists there, and what is a number is one. */
function topicConfiguration({ settings }: WantedTopic) {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name,
      name === 'cleanup.policy' ? value.split(',') : Number(value),
    ]),
  );
}

function send(channelName: string, description: string, messages: readonly string[]) {
  return {
    action: 'send',
    channel: { $ref: `#/channels/${channelName}` },
    description,
    messages: messages.map((name) => ({ $ref: `#/channels/${channelName}/messages/${name}` })),
  };
}

function ticketMessage(kind: 'changed' | 'deleted', title: string) {
  const { headers, value } = exampleRecord(kind);
  return {
    name: kind === 'changed' ? 'ticketChanged' : 'ticketDeleted',
    title,
    contentType: 'application/json',
    bindings: keyBinding(keySchema),
    headers: headersSchema(kind),
    payload: { $ref: '#/components/schemas/ticket' },
    examples: [{ name: kind, headers, payload: JSON.parse(value) as object }],
  };
}
