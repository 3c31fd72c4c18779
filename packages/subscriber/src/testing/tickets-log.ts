import {
  connectKafka,
  ensureTopics,
  type Logger,
  openLogReader,
  openPagePublisher,
  topicNames,
} from '@ticket-stream/kafka';
import { encodeEventHeaders, type RawHeaders, ticketDigest } from '@ticket-stream/ticket';

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const SOURCE = 'https://acme.zendesk.com';

export type TicketsLog = Awaited<ReturnType<typeof openTicketsLog>>;

/** A tickets topic with its checkpoints and dead letters, and the producer that writes it. */
export async function openTicketsLog(brokers: string, topic: string, partitions = 1) {
  const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
  const names = topicNames(topic);
  await createTopic();
  const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
  const reader = await openLogReader(kafka);
  const publisher = await openPagePublisher<null>({
    kafka,
    reader,
    names,
    topics,
    source: SOURCE,
    initialState: () => null,
    parseState: () => null,
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  const raw = kafka.producer({ allowAutoTopicCreation: false });
  await raw.connect();

  async function createTopic(): Promise<void> {
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [
        { topic, numPartitions: partitions, configEntries: [{ name: 'cleanup.policy', value: 'compact' }] },
      ],
    });
    await admin.disconnect();
  }

  async function fill(tickets: readonly TestTicket[], end: 'commit' | 'abort'): Promise<void> {
    const page = await publisher.beginPage();
    for (const { id, stamp, value } of tickets) {
      await page.publish(
        { ticketId: String(id), kind: 'changed', stamp, digest: ticketDigest(value) },
        value,
      );
    }
    await (end === 'commit' ? page.commit(null) : page.abort());
  }

  return {
    brokers,
    kafka,
    topic,
    names,
    reader,
    logId: publisher.checkpoint.logId,
    createTopic,
    publish: (tickets: readonly TestTicket[]) => fill(tickets, 'commit'),
    /** 1,100 records, more than one send holds, so that the log has some of them, in an aborted transaction. */
    abort: () =>
      fill(
        Array.from({ length: 1_100 }, (_, n) => ticket(n + 1, 1)),
        'abort',
      ),
    /** Records as something other than the producer would write them. */
    write: (messages: Parameters<typeof raw.send>[0]['messages']) => raw.send({ topic, acks: -1, messages }),
    headersOf: ({ id, stamp, value }: TestTicket) =>
      encodeEventHeaders({
        ticketId: String(id),
        kind: 'changed',
        stamp,
        digest: ticketDigest(value),
        source: SOURCE,
        logId: publisher.checkpoint.logId,
      }),
    async end(): Promise<ReadonlyMap<number, bigint>> {
      return reader.highWatermarks(topic);
    },
    async deadLetters() {
      const to = await reader.stableEndOffsets(names.deadLetters);
      const found: { key: string; code: string; state: string; value: string; headers: RawHeaders }[] = [];
      for await (const records of reader.read(names.deadLetters, { from: new Map(), to })) {
        for (const { key, value, headers } of records) {
          found.push({
            key: key?.toString() ?? '',
            code: headers?.['dlq-code']?.toString() ?? '',
            state: headers?.['dlq-state']?.toString() ?? 'open',
            value: value?.toString() ?? '',
            headers: headers ?? {},
          });
        }
      }
      return found;
    },
    async close() {
      await raw.disconnect();
      await publisher.close();
      await reader.close();
    },
  };
}

export interface TestTicket {
  readonly id: number;
  readonly stamp: number;
  readonly value: Buffer;
}

export function ticket(id: number, stamp: number, content = 'x', fields: object = {}): TestTicket {
  return { id, stamp, value: Buffer.from(JSON.stringify({ id, subject: content, ...fields })) };
}
