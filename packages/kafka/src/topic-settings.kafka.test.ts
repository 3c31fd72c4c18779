import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { expect, it } from 'vitest';
import { connectKafka, silentLogger } from './kafka-connection.ts';
import { thrownBy } from './testing/caught-error.ts';
import { createTopic } from './testing/create-topic.ts';
import { ensureTopics, topicNames } from './topics.ts';

// A producer that is not idempotent repeats a refused send, also to the partitions that took it: records twice.
it('a topic just made takes a record in each partition, at the first try', async () => {
  const kafka = connectKafka({ brokers: sharedKafka().brokers.split(',') }, silentLogger);
  const producer = kafka.producer({ retry: { retries: 0 } });
  await producer.connect();
  for (let n = 0; n < 10; n++) {
    const topic = `${topicPrefix('just-made')}${n}`;
    await createTopic(kafka, topic, 30);
    const messages = Array.from({ length: 30 }, (_, partition) => ({ partition, value: 'x' }));
    expect(await producer.send({ topic, messages, acks: -1 })).toHaveLength(30);
  }
  await producer.disconnect();
});

it.each([
  ['INVALID_CONFIG', 1, { 'cleanup.policy': 'nonsense' }],
  ['INVALID_PARTITIONS', -5, {}],
])(
  'a topic that the cluster refuses to make stops with its reason: %s',
  async (type, partitions, settings) => {
    const kafka = connectKafka({ brokers: sharedKafka().brokers.split(',') }, silentLogger);
    const topic = `${topicPrefix('refused')}log`;
    const error = await thrownBy(createTopic(kafka, topic, partitions, settings));
    expect(error).toMatchObject({ code: 'kafka.topic_settings', exitCode: 2, context: { topic, type } });
    expect(error.message).toContain(topic);
  },
);

it('a tickets topic that takes no ticket stops with its setting, also where its settings are accepted', async () => {
  const kafka = connectKafka({ brokers: sharedKafka().brokers.split(',') }, silentLogger);
  const names = topicNames(`${topicPrefix('takes-none')}tickets`);
  await createTopic(kafka, names.tickets, 1, { 'cleanup.policy': 'compact', 'max.message.bytes': '16384' });
  const error = await thrownBy(ensureTopics(kafka, names, { acceptSettings: true, logger: silentLogger }));
  expect(error).toMatchObject({ code: 'kafka.topic_settings', exitCode: 2 });
  expect(error.message).toContain('max.message.bytes=16384');
});
