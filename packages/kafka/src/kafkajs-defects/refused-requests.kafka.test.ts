import { type AccessRight, type SecureKafka, secureKafka } from '@ticket-stream/dev-stack/testing';
import type { Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectKafka, type KafkaConnection } from '../kafka-connection.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import { openRecordStream } from '../record-stream.ts';
import { createTopic } from '../testing/create-topic.ts';
import { silentLogger } from '../testing/test-publisher.ts';

const users = { stranger: 'stranger-has-a-secret', reader: 'reader-has-a-secret' };
const TOPIC = 'guarded';
const mayRead: AccessRight = { operation: 'Read', resource: 'topic', name: TOPIC, prefixed: false };

let kafka: SecureKafka;
const readers: LogReader[] = [];
beforeAll(async () => {
  kafka = await secureKafka({ users });
  await createTopic(connectKafka({ brokers: [kafka.doors.plaintext] }, silentLogger), TOPIC, 1);
  await kafka.allow('reader', [mayRead]);
});
afterAll(async () => {
  for (const reader of readers) await reader.close();
  await kafka.stop();
});

async function as(username: keyof typeof users): Promise<{ client: Kafka; reader: LogReader }> {
  const connection: KafkaConnection = {
    brokers: [kafka.doors.saslPlaintext],
    sasl: { mechanism: 'scram-sha-512', username, password: users[username] },
  };
  const client = connectKafka(connection, silentLogger);
  const reader = await openLogReader(client);
  readers.push(reader);
  return { client, reader };
}

// request-rights.ts: kafkajs says of each of these only that something is not authorized, or not even that.
describe('what the cluster refuses is named with who asked, what for, and the line that allows it', () => {
  it('a topic', async () => {
    const { reader } = await as('stranger');
    await expect(reader.stableEndOffsets(TOPIC)).rejects.toMatchObject({
      code: 'kafka.not_allowed',
      message: expect.stringContaining(`User:stranger may not Describe topic ${TOPIC}`),
      remedy: expect.stringContaining(
        `--allow-principal 'User:stranger' --operation Describe --topic ${TOPIC}`,
      ),
    });
  });

  it('a group, of whose coordinator kafkajs says that there is none, and looks for it for ever', async () => {
    const { client, reader } = await as('reader');
    const stream = openRecordStream({
      kafka: client,
      reader,
      topic: TOPIC,
      groupId: 'not-mine',
      logger: silentLogger,
      resolveStart: async (partitions) => new Map(partitions.map((partition) => [partition, 0n])),
      handle: async () => {},
    });
    await expect(stream.done).rejects.toMatchObject({
      code: 'kafka.not_allowed',
      message: expect.stringContaining('User:reader may not Describe group not-mine'),
    });
  });
});
