import { randomBytes } from 'node:crypto';
import { consoleConsume, ownKafka } from '@ticket-stream/dev-stack/testing';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { batchesOnDisk } from '../testing/record-batches.ts';
import { openTestPublisher, ticket } from '../testing/test-publisher.ts';
import { openTestLog, readAll } from '../testing/ticket-log.ts';

// kafkajs brings gzip alone; zstd is node:zlib's (kafka-connection.ts).
let broker: Awaited<ReturnType<typeof ownKafka>>;
beforeAll(async () => {
  broker = await ownKafka();
});
afterAll(() => broker.stop());

it('a page lies in the log as zstd, and Kafka’s own consumer reads it byte for byte', async () => {
  const log = await openTestLog('zstd', { brokers: broker.brokers });
  const publisher = await openTestPublisher(log);
  const page = [
    ticket(1, 100, 'x'.repeat(100_000)),
    { event: ticket(2, 100).event, value: randomBytes(100_000) },
  ];
  await publisher.publishPage(page);
  const batches = batchesOnDisk(broker.dataDir, log.names.tickets).filter(({ control }) => !control);
  expect(batches.map(({ codec }) => codec)).toEqual(['zstd']);
  const shown: (Buffer | null)[] = [];
  for await (const { value } of consoleConsume({ brokers: broker.brokers, topic: log.names.tickets })) {
    shown.push(value);
  }
  expect(shown.map((value, n) => value?.equals(page[n]?.value ?? Buffer.alloc(0)))).toEqual([true, true]);
  await publisher.close();
  await log.close();
});

it('records of other writers are read in gzip, zstd and uncompressed', async () => {
  const log = await openTestLog('codecs', { brokers: broker.brokers });
  const producer = log.kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  const { GZIP, ZSTD, None } = kafkajs.CompressionTypes;
  for (const compression of [GZIP, ZSTD, None]) {
    const messages = [{ key: String(compression), value: 'x'.repeat(10_000) }];
    await producer.send({ topic: log.names.tickets, compression, messages });
  }
  await producer.disconnect();
  const batches = batchesOnDisk(broker.dataDir, log.names.tickets);
  expect(batches.map(({ codec }) => codec)).toEqual(['gzip', 'zstd', 'none']);
  const values = (await readAll(log.reader, log.names.tickets)).map(({ value }) => String(value));
  expect(values).toEqual(Array.from({ length: 3 }, () => 'x'.repeat(10_000)));
  await log.close();
});
