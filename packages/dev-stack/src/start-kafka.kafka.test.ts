import { Kafka, logLevel } from 'kafkajs';
import { expect, test } from 'vitest';
import { sharedKafka, topicPrefix } from './testing/index.ts';

test('the shared broker takes a topic and a record', async () => {
  const topic = `${topicPrefix('shared broker')}records`;
  const kafka = new Kafka({ brokers: [sharedKafka().brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ key: '1', value: 'one' }] });
  expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ partition: 0, high: '1' }]);
  await producer.disconnect();
  await admin.disconnect();
});
