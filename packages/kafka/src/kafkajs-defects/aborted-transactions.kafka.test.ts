import { consoleConsume, sharedKafka } from '@ticket-stream/dev-stack/testing';
import { describe, expect, it } from 'vitest';
import { openRecordStream } from '../record-stream.ts';
import { testKafka } from '../testing/test-kafka.ts';
import { silentLogger, ticket } from '../testing/test-publisher.ts';
import { keysOf, readAll, type TestLog } from '../testing/ticket-log.ts';
import { startTransactionalProducer } from '../transactional-producer.ts';

const test = testKafka();

/** What the three readers of this project's tests see: without a group, with one, and Kafka's own console consumer. */
async function seenByAll(log: TestLog): Promise<{ alone: string[]; inGroup: string[]; console: string[] }> {
  const { tickets: topic } = log.names;
  await expect.poll(() => log.reader.heldBack(topic)).toEqual(new Map());
  const alone = keysOf(await readAll(log.reader, topic));
  const end = (await log.reader.stableEndOffsets(topic)).get(0);
  const inGroup: string[] = [];
  const stream = openRecordStream({
    kafka: log.kafka,
    reader: log.reader,
    topic,
    groupId: `${topic}.group`,
    logger: silentLogger,
    resolveStart: async (partitions) => new Map(partitions.map((partition) => [partition, 0n])),
    handle: async ({ records }) => {
      inGroup.push(...keysOf(records));
    },
  });
  try {
    await expect.poll(() => stream.positions().get(0), { timeout: 20_000 }).toBe(end);
  } finally {
    await stream.stop();
  }
  const shown: string[] = [];
  for await (const { key } of consoleConsume({ brokers: sharedKafka().brokers, topic })) {
    shown.push(String(key));
  }
  return { alone, inGroup, console: shown };
}

describe('records of aborted transactions', () => {
  it('of our one producer reach no read_committed reader', async () => {
    const log = await test.log('aborted-pages');
    const publisher = await test.publisher(log);
    for (let page = 1; page <= 4; page++) {
      const givenUp = await publisher.beginPage();
      for (let n = 1; n <= 1_200; n++) {
        const { event, value } = ticket(page * 10_000 + n, 100);
        await givenUp.publish(event, value);
      }
      await givenUp.abort();
      await publisher.publishPage([ticket(page, 100)]);
    }
    const wanted = ['1', '2', '3', '4'];
    expect(await seenByAll(log)).toEqual({ alone: wanted, inGroup: wanted, console: wanted });
  });

  it('of two producers interleaved reach none either, from whatever offset it reads (patched)', async () => {
    const log = await test.log('interleaved');
    const { tickets: topic } = log.names;
    const [a, b, c] = await Promise.all(
      ['a', 'b', 'c'].map((name) =>
        startTransactionalProducer(log.kafka, {
          transactionalId: `${topic}-${name}`,
          transactionTimeoutMs: 60_000,
          logger: silentLogger,
        }),
      ),
    );
    if (a === undefined || b === undefined || c === undefined) throw new Error('three were started');
    const [ofA, ofB, ofC] = await Promise.all([a.begin(), b.begin(), c.begin()]);
    const send = (transaction: typeof ofA, key: string) =>
      transaction.send({ topic, messages: [{ key, value: 'x' }] });
    // A begins first and ends last: brokers list B before it. A key of four zero bytes looks like an abort marker's.
    await send(ofA, 'a1');
    await send(ofB, 'b1');
    await send(ofC, 'c1');
    await send(ofA, '\0\0\0\0');
    await send(ofB, 'b2');
    await ofB.abort();
    await send(ofA, 'a2');
    await send(ofC, 'c2');
    await ofA.abort();
    await ofC.commit();
    expect(await seenByAll(log)).toEqual({
      alone: ['c1', 'c2'],
      inGroup: ['c1', 'c2'],
      console: ['c1', 'c2'],
    });
    for (let from = 0n; from < 8n; from++) {
      const keys = keysOf(await readAll(log.reader, topic, new Map([[0, from]])));
      expect([from, keys]).toEqual([from, from <= 2n ? ['c1', 'c2'] : from <= 7n ? ['c2'] : []]);
    }
    for (const producer of [a, b, c]) await producer.discard();
  });
});
