import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import type { Kafka } from 'kafkajs';
import { connectKafka } from '../kafka-connection.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import type { LogRecord } from '../log-record.ts';
import { ensureTopics, type TopicNames, topicNames } from '../topics.ts';
import { createTopic } from './create-topic.ts';
import { silentLogger } from './test-publisher.ts';

export interface TestLog {
  readonly kafka: Kafka;
  readonly names: TopicNames;
  readonly reader: LogReader;
  close(): Promise<void>;
}

/** A client, a reader and topics of a test's own; the tickets topic has `partitions` partitions. */
export async function openTestLog(
  name: string,
  options: { brokers?: string; partitions?: number; settings?: Record<string, string> } = {},
): Promise<TestLog> {
  const { brokers = sharedKafka().brokers, partitions = 1, settings = {} } = options;
  const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
  const names = topicNames(`${topicPrefix(name)}tickets`);
  await createTopic(kafka, names.tickets, partitions, { 'cleanup.policy': 'compact', ...settings });
  await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
  const reader = await openLogReader(kafka);
  return { kafka, names, reader, close: () => reader.close() };
}

/** Every committed record of a topic from `from` (default: its start) to its stable end as of now. */
export async function readAll(
  reader: LogReader,
  topic: string,
  from?: ReadonlyMap<number, bigint>,
): Promise<LogRecord[]> {
  const [starts, to] = await Promise.all([reader.startOffsets(topic), reader.stableEndOffsets(topic)]);
  const found: LogRecord[] = [];
  for await (const records of reader.read(topic, { from: from ?? starts, to })) {
    for (const record of records) found.push(record); // a spread of a large batch overflows the stack
  }
  return found;
}

export const keysOf = (records: readonly LogRecord[]): string[] =>
  records.map(({ key }) => key?.toString() ?? '');
