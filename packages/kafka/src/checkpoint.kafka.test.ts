import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { encodeCheckpoint } from './checkpoint.ts';
import { readNewestCheckpoint } from './checkpoint-reader.ts';
import type { LogReader } from './log-reader.ts';
import { checkpointOf, testKafka } from './testing/test-kafka.ts';
import { type TestState, ticket } from './testing/test-publisher.ts';
import type { TestLog } from './testing/ticket-log.ts';

const kafka = testKafka();
/** Of topics.ts; the checkpoints topic's max.message.bytes. */
const TOPIC_LIMIT_BYTES = 2 * 1024 * 1024;

/** As long as they get: keys are digests (tickets without an id), entries carry a second. */
const digests = Object.fromEntries(
  Array.from({ length: 20_000 }, () => [
    randomBytes(16).toString('hex'),
    `${randomBytes(8).toString('hex')}@1700000000`,
  ]),
);

/** Reads the newest checkpoint and says how many offsets were asked for. */
async function readCounted(log: TestLog) {
  let offsets = 0n;
  const reader: LogReader = {
    ...log.reader,
    read(topic, range) {
      for (const [partition, end] of range.to) offsets += end - (range.from.get(partition) ?? 0n);
      return log.reader.read(topic, range);
    },
  };
  const found = await readNewestCheckpoint(reader, log.names.checkpoints, (state) => state as TestState);
  return { found, offsets };
}

describe('a checkpoint with 20,000 boundary digests of the longest kind', () => {
  it('fits the topic even uncompressed, with a quarter of it left', async () => {
    const log = await kafka.log('checkpoint-large');
    const publisher = await kafka.publisher(log);
    await publisher.publishPage([ticket(1, 100)], { page: 1, digests });
    expect(Buffer.byteLength(encodeCheckpoint(publisher.checkpoint))).toBeLessThan(TOPIC_LIMIT_BYTES * 0.75);
    await publisher.close();
    const next = await kafka.publisher(log);
    expect(next.checkpoint.exportState.digests).toEqual(digests);
  });

  it('is read alone, however many lie before it', async () => {
    const log = await kafka.log('checkpoint-many');
    const publisher = await kafka.publisher(log);
    for (let page = 1; page <= 20; page++) await publisher.publishPage([], { page, digests });
    await expect.poll(async () => (await checkpointOf(log))?.exportState.page).toBe(20);
    const { found, offsets } = await readCounted(log);
    expect(found?.exportState.page).toBe(20);
    expect(offsets).toBeLessThanOrEqual(4n);
  });
});

describe('the newest checkpoint', () => {
  it('is found behind aborted ones', async () => {
    const log = await kafka.log('checkpoint-aborted');
    const publisher = await kafka.publisher(log);
    await publisher.publishPage([ticket(1, 100)]);
    await publisher.close();
    // A producer that dies at every commit leaves a checkpoint each time that never counted.
    const producer = log.kafka.producer({
      transactionalId: `${log.names.tickets}-aborting`,
      idempotent: true,
      maxInFlightRequests: 1,
    });
    await producer.connect();
    for (let n = 0; n < 60; n++) {
      const transaction = await producer.transaction();
      const messages = [{ key: 'export', value: '{"never":"committed"}', partition: 0 }];
      await transaction.send({ topic: log.names.checkpoints, messages });
      await transaction.abort();
    }
    await producer.disconnect();
    await expect.poll(async () => (await checkpointOf(log))?.exportState).toEqual({ page: 1 });
    const { offsets } = await readCounted(log);
    expect(offsets).toBeGreaterThan(100n);
  });

  it('is none where none was committed', async () => {
    const log = await kafka.log('checkpoint-none');
    expect(await checkpointOf(log)).toBeUndefined();
  });
});
