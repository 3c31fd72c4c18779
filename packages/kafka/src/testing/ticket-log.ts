import { randomUUID } from 'node:crypto';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { ticketDigest } from '@ticket-stream/ticket';
import type { Kafka } from 'kafkajs';
import { connectKafka, type Logger } from '../kafka-connection.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import type { LogRecord } from '../log-record.ts';
import { openPagePublisher, type PagePublisher } from '../page-publisher.ts';
import { ensureTopics, type TopicNames, topicNames } from '../topics.ts';

/** What was logged at warn and error, for tests that expect one, or none. */
export function listeningLogger(): Logger & { readonly said: string[] } {
  const said: string[] = [];
  const say = (_context: object, message: string) => {
    said.push(message);
  };
  return { said, debug() {}, info() {}, warn: say, error: say };
}

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** What a test's exporter keeps in the checkpoint. */
export interface TestState {
  readonly page: number;
  readonly digests?: Readonly<Record<string, string>>;
}

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

export async function createTopic(
  kafka: Kafka,
  topic: string,
  partitions: number,
  settings: Record<string, string> = {},
): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic,
        numPartitions: partitions,
        configEntries: Object.entries({ 'max.message.bytes': '8404992', ...settings }).map(
          ([configName, value]) => ({ name: configName, value }),
        ),
      },
    ],
  });
  await admin.disconnect();
}

export interface TestPublisher extends PagePublisher<TestState> {
  /** One whole page: its tickets, then the checkpoint. */
  publishPage(tickets: readonly TestTicket[], state?: TestState): Promise<void>;
}

export async function openTestPublisher(
  log: Pick<TestLog, 'kafka' | 'names' | 'reader'>,
  options: {
    source?: string;
    logger?: Logger;
    onWaiting?: (reason: string | undefined) => void;
    signal?: AbortSignal;
  } = {},
): Promise<TestPublisher> {
  const { kafka, names, reader } = log;
  const logger = options.logger ?? silentLogger;
  const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger });
  const publisher = await openPagePublisher<TestState>({
    kafka,
    reader,
    names,
    topics,
    source: options.source ?? 'https://acme.zendesk.com',
    initialState: () => ({ page: 0 }),
    parseState: (value) => value as TestState,
    logger,
    signal: options.signal ?? new AbortController().signal,
    ...(options.onWaiting === undefined ? {} : { onWaiting: options.onWaiting }),
  });
  return Object.assign(publisher, {
    async publishPage(tickets: readonly TestTicket[], state?: TestState) {
      const next = state ?? { page: publisher.checkpoint.exportState.page + 1 };
      const page = await publisher.beginPage();
      for (const { event, value } of tickets) await page.publish(event, value);
      await page.commit(next);
    },
  });
}

type PublishedEvent = Parameters<Awaited<ReturnType<PagePublisher<TestState>['beginPage']>>['publish']>[0];
export interface TestTicket {
  readonly event: PublishedEvent;
  readonly value: Buffer;
}

export function ticket(id: number, stamp: number, content: string = randomUUID()): TestTicket {
  const value = Buffer.from(JSON.stringify({ id, subject: content }));
  return {
    value,
    event: { ticketId: String(id), kind: 'changed', stamp, digest: ticketDigest(value) },
  };
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
