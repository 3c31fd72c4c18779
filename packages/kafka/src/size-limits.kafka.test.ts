import { randomBytes } from 'node:crypto';
import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import type { LogRecord } from './log-record.ts';
import { isRefusedAsTooLarge } from './refused-records.ts';
import { thrownBy } from './testing/caught-error.ts';
import { createTopic } from './testing/create-topic.ts';
import { committedKeys, testKafka } from './testing/test-kafka.ts';
import { type TestPublisher, type TestTicket, ticket } from './testing/test-publisher.ts';
import { keysOf, readAll, type TestLog } from './testing/ticket-log.ts';
import { topicNames } from './topics.ts';

const kafka = testKafka();

async function setLimit(log: TestLog, topic: string, maxMessageBytes: number): Promise<void> {
  const admin = log.kafka.admin();
  await admin.connect();
  await admin.alterConfigs({
    validateOnly: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configEntries: [
          { name: 'cleanup.policy', value: topic === log.names.tickets ? 'compact' : 'delete' },
          { name: 'max.message.bytes', value: String(maxMessageBytes) },
        ],
      },
    ],
  });
  await admin.disconnect();
  await expect.poll(() => isRefused(log, topic, maxMessageBytes + 1), { timeout: 20_000 }).toBe(true);
}

/** The broker answers that it has a limit, and keeps to it a moment later. Asked in a transaction, of which nothing stays. */
async function isRefused(log: TestLog, topic: string, bytes: number): Promise<boolean> {
  const producer = log.kafka.producer({
    ...{ transactionalId: `${topic}.limit`, idempotent: true, maxInFlightRequests: 1 },
  });
  await producer.connect();
  const transaction = await producer.transaction();
  const refused = await transaction
    .send({ topic, acks: -1, messages: [{ partition: 0, value: randomBytes(bytes) }] })
    .then(
      () => false,
      (error: unknown) => isRefusedAsTooLarge(error),
    );
  await transaction.abort();
  await producer.disconnect();
  return refused;
}

/** As the export loop does a page: after a doubt it asks the checkpoint and does the page again. */
async function publishThroughDoubts(
  publisher: TestPublisher,
  tickets: readonly TestTicket[],
): Promise<number> {
  for (let doubts = 0; ; doubts++) {
    const failed = await publisher.publishPage(tickets).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failed === undefined) return doubts;
    expect(failed).toMatchObject({ code: 'kafka.doubtful_transaction' });
    await publisher.recover();
  }
}

/** zstd cannot make it smaller. */
const incompressible = (id: number, bytes: number): TestTicket => ({
  event: ticket(id, 100).event,
  value: randomBytes(bytes),
});
const byNumber = (a: string, b: string) => Number(a) - Number(b);
/** Waited for: right after a commit the last stable offset of their topic may still be behind. */
async function deadLetters(log: TestLog, count: number): Promise<LogRecord[]> {
  const read = () => readAll(log.reader, log.names.deadLetters);
  await expect.poll(async () => (await read()).length).toBe(count);
  return read();
}

describe('a limit of the topic lowered while the producer runs', () => {
  it('is kept to: the page is done again in smaller batches', async () => {
    const log = await kafka.log('lowered');
    const publisher = await kafka.publisher(log);
    await setLimit(log, log.names.tickets, 200_000);
    const page = Array.from({ length: 10 }, (_, n) => incompressible(n + 1, 60_000));
    expect(await publishThroughDoubts(publisher, page)).toBe(1);
    expect(publisher.ticketBytesMax).toBe(200_000 - 16 * 1024);
    await committedKeys(log).toBe(page.map((_, n) => String(n + 1)));
    expect(await deadLetters(log, 0)).toEqual([]);
  });

  it('below a ticket: that one is a dead letter with all its bytes, the rest of the page is in the log in order', async () => {
    const log = await kafka.log('lowered-below');
    const publisher = await kafka.publisher(log);
    await publisher.publishPage([incompressible(1, 300_000)]);
    await setLimit(log, log.names.tickets, 200_000);
    const page = [1, 2, 3, 4].map((id) => incompressible(id, id === 3 ? 300_000 : 50_000));
    expect(await publishThroughDoubts(publisher, page)).toBe(1);
    await committedKeys(log).toBe(['1', '1', '2', '4']);
    const letters = await deadLetters(log, 1);
    expect(keysOf(letters)).toEqual(['3']);
    expect(letters[0]?.value?.equals(page[2]?.value ?? Buffer.alloc(0))).toBe(true);
    expect(String(letters[0]?.headers?.['dlq-code'])).toBe('ticket.too_large');
  });

  it('of the dead letters: a letter above it keeps the head that fits, the length and the digest', async () => {
    const log = await kafka.log('lowered-letters');
    const publisher = await kafka.publisher(log);
    await setLimit(log, log.names.deadLetters, 50_000);
    const tooLarge = incompressible(1, publisher.ticketBytesMax + 1);
    expect(await publishThroughDoubts(publisher, [tooLarge, ticket(2, 100)])).toBe(1);
    await committedKeys(log).toBe(['2']);
    const [letter] = await deadLetters(log, 1);
    expect(letter?.value?.equals(tooLarge.value.subarray(0, 50_000 - 16 * 1024))).toBe(true);
    expect(String(letter?.headers?.['dlq-bytes'])).toBe(String(tooLarge.value.byteLength));
  });
});

describe('a ticket that the broker refuses although the topic’s limit allows it', () => {
  // A segment must hold a batch: with the smallest segment that Kafka takes, 1 MiB, a batch of 2 MB is refused,
  // while max.message.bytes says 8 MB. The publisher sees only the refusal.
  const settings = { 'segment.bytes': '1048576' };

  it('is a dead letter, found among the others; these are in the log once and in order, and the next page too', async () => {
    const log = await kafka.log('refused', { partitions: 3, settings });
    const publisher = await kafka.publisher(log);
    const page = Array.from({ length: 30 }, (_, n) =>
      incompressible(n + 1, n === 7 || n === 21 ? 2_000_000 : 20_000),
    );
    await publishThroughDoubts(publisher, page);
    const wanted = page.map((_, n) => String(n + 1)).filter((key) => key !== '8' && key !== '22');
    await expect
      .poll(async () => keysOf(await readAll(log.reader, log.names.tickets)).toSorted(byNumber))
      .toEqual(wanted);
    const byPartition = Map.groupBy(
      await readAll(log.reader, log.names.tickets),
      ({ partition }) => partition,
    );
    for (const records of byPartition.values()) {
      expect(keysOf(records)).toEqual(keysOf(records).toSorted(byNumber));
    }
    expect(keysOf(await deadLetters(log, 2))).toEqual(['8', '22']);
    // What was set aside is forgotten with its page: a smaller version of it is published.
    expect(await publishThroughDoubts(publisher, [ticket(8, 200), ticket(22, 200)])).toBe(0);
    await expect
      .poll(async () => (await readAll(log.reader, log.names.tickets)).length)
      .toBe(wanted.length + 2);
  });

  it('does not make a second producer’s work ours while it is looked for', async () => {
    const log = await kafka.log('refused-fenced', { settings });
    const first = await kafka.publisher(log);
    expect((await thrownBy(first.publishPage([incompressible(1, 2_000_000)]))).code).toBe(
      'kafka.doubtful_transaction',
    );
    const second = await kafka.publisher(log);
    await second.publishPage([ticket(2, 100)], { page: 50 });
    expect(await thrownBy(first.recover())).toMatchObject({ code: 'kafka.fenced', exitCode: 4 });
    await second.recover();
    expect(second.checkpoint.exportState).toEqual({ page: 50 });
    await committedKeys(log).toBe(['2']);
  });

  it('and the dead letters refuse too: stops with exit code 2, and nothing of the page is in the log', async () => {
    const log = await kafka.log('refused-twice', { settings });
    const admin = log.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [log.names.deadLetters] });
    await expect.poll(async () => (await admin.listTopics()).includes(log.names.deadLetters)).toBe(false);
    await admin.createTopics({
      topics: [
        {
          topic: log.names.deadLetters,
          numPartitions: 1,
          configEntries: [
            { name: 'segment.bytes', value: '1048576' },
            { name: 'max.message.bytes', value: '8404992' },
          ],
        },
      ],
    });
    await admin.disconnect();
    const publisher = await kafka.publisher(log);
    const page = publishThroughDoubts(publisher, [incompressible(1, 2_000_000), ticket(2, 100)]);
    expect(await thrownBy(page)).toMatchObject({ code: 'kafka.topic_settings', exitCode: 2 });
    expect(publisher.checkpoint.exportState).toEqual({ page: 0 });
    expect(await readAll(log.reader, log.names.tickets)).toEqual([]);
  });
});

describe('a checkpoint that its topic refuses', () => {
  it.each([
    ['its limit', {}, 200_000],
    ['its segment, which must hold a batch', { 'segment.bytes': '1048576' }, 150_000],
  ])('by %s, stops with exit code 2 and the setting to raise', async (by, settings, digestCount) => {
    const { kafka: client, reader, names } = await kafka.log('checkpoint-refused');
    const log = { kafka: client, reader, names: topicNames(`${names.tickets}.${digestCount}`) };
    await createTopic(client, log.names.checkpoints, 1, {
      ...{ 'cleanup.policy': 'compact', 'max.message.bytes': '2097152' },
      ...settings,
    });
    const publisher = await kafka.publisher(log);
    const digests = Object.fromEntries(
      Array.from({ length: digestCount }, (_, n) => [String(n), randomBytes(8).toString('hex')]),
    );
    const error = await thrownBy(publisher.publishPage([ticket(1, 100)], { page: 1, digests }));
    expect(error).toMatchObject({ code: 'kafka.topic_settings', exitCode: 2 });
    expect(error.remedy).toContain(by === 'its limit' ? 'max.message.bytes' : 'segment.bytes');
  });
});
