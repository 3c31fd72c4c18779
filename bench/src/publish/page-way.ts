/**
 * One way from export pages to committed records, in a process of its own:
 *
 *   node page-way.ts page|raw|patched <brokers> <tickets topic> <page server> <pages to warm up> <pages to time>
 *
 * `page`: HTTP, page stream, version, digest, boundary, headers, page publisher, checkpoint. `raw`: kafkajs as it is
 * published, as one would call it who has the same records ready in memory: values as Buffers, the retry time and the
 * zstd of ours, as many transactions, one send each. `patched`: the same with our patched kafkajs. Prints the seconds,
 * and the processor seconds of this process.
 */
import { randomUUID } from 'node:crypto';
import { constants, zstdCompressSync } from 'node:zlib';
import {
  connectKafka,
  ensureTopics,
  openLogReader,
  openPagePublisher,
  topicNames,
} from '@ticket-stream/kafka';
import { encodeEventHeaders, identifyTicket, ticketDigest } from '@ticket-stream/ticket';
import { BoundaryFilter, createExportClient, streamPage } from '@ticket-stream/zendesk-export';
import patchedKafkajs from 'kafkajs';
import publishedKafkajs from 'kafkajs-published';

const [way, brokers = '', tickets = '', url = '', warmUp = '', timed = ''] = process.argv.slice(2);
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const kafka = connectKafka({ brokers: brokers.split(',') }, silent);
const names = topicNames(tickets);
const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger: silent });
const client = createExportClient({ url, credentials: { email: 'a@example.com', apiToken: 'none' } });
const limits = { ticketBytesMax: 8e6, pageBytesMax: 4e9, depthMax: 512 };

const { publishPage, close } = await (way === 'page'
  ? wholeWay()
  : rawWay(way === 'raw' ? publishedKafkajs : patchedKafkajs));
for (let page = 0; page < Number(warmUp); page++) await publishPage(page);
const startedAtMs = performance.now();
const before = process.cpuUsage();
for (let page = 0; page < Number(timed); page++) await publishPage(page);
const { user, system } = process.cpuUsage(before);
process.stdout.write(`${(performance.now() - startedAtMs) / 1_000} ${(user + system) / 1_000_000}\n`);
await close();
await client.close();

async function wholeWay() {
  const reader = await openLogReader(kafka);
  const publisher = await openPagePublisher<{ page: number }>({
    kafka,
    reader,
    names,
    topics,
    source: 'bench:publish',
    initialState: () => ({ page: 0 }),
    parseState: (value) => value as { page: number },
    logger: silent,
    signal: new AbortController().signal,
  });
  return {
    async publishPage(page: number): Promise<void> {
      const { body } = await client.openPage({ next: { mode: 'time', startTime: page }, perPage: 1_000 });
      const transaction = await publisher.beginPage();
      const boundary = new BoundaryFilter({ second: page, digests: {}, overflowed: false });
      for await (const slices of streamPage(body, limits, 'time')) {
        for (const slice of slices) {
          if (slice.kind !== 'ticket') throw new Error('a ticket was not read');
          const digest = ticketDigest(slice.bytes);
          const { id, stamp, deleted, generatedSecond } = identifyTicket(slice.bytes, slice.parsed);
          if (boundary.isRepeat(id, digest)) throw new Error('a ticket came twice');
          boundary.note(id, digest, generatedSecond);
          const kind = deleted ? 'deleted' : 'changed';
          await transaction.publish({ ticketId: id, kind, stamp, digest }, slice.bytes);
        }
      }
      await transaction.commit({ page });
    },
    async close(): Promise<void> {
      await publisher.close();
      await reader.close();
    },
  };
}

async function rawWay(kafkajs: typeof publishedKafkajs) {
  const { body } = await client.openPage({ next: { mode: 'time', startTime: 0 }, perPage: 1_000 });
  const messages: { key: string; value: Buffer; partition: number; headers: Record<string, string> }[] = [];
  for await (const slices of streamPage(body, limits, 'time')) {
    for (const slice of slices) {
      if (slice.kind !== 'ticket') throw new Error('a ticket was not read');
      const { id, stamp } = identifyTicket(slice.bytes, slice.parsed);
      const event = { ticketId: id, kind: 'changed', stamp, digest: ticketDigest(slice.bytes) } as const;
      messages.push({
        key: id,
        value: Buffer.from(slice.bytes),
        partition: Number(id) % topics.partitions,
        headers: encodeEventHeaders({ ...event, source: 'bench:publish', logId: randomUUID() }),
      });
    }
  }
  const { ZSTD: compression } = kafkajs.CompressionTypes;
  kafkajs.CompressionCodecs[compression] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) =>
      zstdCompressSync(buffer, { params: { [constants.ZSTD_c_compressionLevel]: 1 } }),
  });
  const rawKafka = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const producer = rawKafka.producer({
    transactionalId: tickets,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: { initialRetryTime: 15, maxRetryTime: 1_000, retries: 8 },
  });
  await producer.connect();
  return {
    async publishPage(page: number): Promise<void> {
      const transaction = await producer.transaction();
      await transaction.send({ topic: names.tickets, acks: -1, compression, messages });
      const checkpoint = { key: 'export', value: JSON.stringify({ page }), partition: 0 };
      await transaction.send({ topic: names.checkpoints, acks: -1, compression, messages: [checkpoint] });
      await transaction.commit();
    },
    close: () => producer.disconnect(),
  };
}
