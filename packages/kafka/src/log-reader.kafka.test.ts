import { randomBytes } from 'node:crypto';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import kafkajs, { type Kafka, type Message } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectKafka } from './kafka-connection.ts';
import { type LogReader, openLogReader } from './log-reader.ts';
import { createTopic } from './testing/create-topic.ts';
import { silentLogger } from './testing/test-publisher.ts';
import { keysOf, readAll } from './testing/ticket-log.ts';

const { CompressionTypes } = kafkajs;
let kafka: Kafka;
let reader: LogReader;

beforeAll(async () => {
  kafka = connectKafka({ brokers: sharedKafka().brokers.split(',') }, silentLogger);
  reader = await openLogReader(kafka);
});
afterAll(() => reader.close());

async function newTopic(name: string, partitions = 1): Promise<string> {
  const topic = `${topicPrefix(name)}log`;
  await createTopic(kafka, topic, partitions);
  return topic;
}

async function write(
  topic: string,
  messages: Message[],
  compression: number = CompressionTypes.None,
): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  await producer.send({ topic, messages, acks: -1, compression });
  await producer.disconnect();
}

/** Transactions one after the other; 'open' is left open by a producer that goes away. */
async function transact(
  topic: string,
  transactions: { keys: string[]; end: 'commit' | 'abort' | 'open' }[],
): Promise<void> {
  const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
  await producer.connect();
  for (const { keys, end } of transactions) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, acks: -1, messages: keys.map((key) => ({ key, value: key })) });
    if (end !== 'open') await transaction[end]();
  }
  await producer.disconnect();
}

/** Right after a commit the last stable offset may still be behind. */
async function stableEnd(topic: string, end: bigint): Promise<void> {
  await expect.poll(async () => (await reader.stableEndOffsets(topic)).get(0), { timeout: 10_000 }).toBe(end);
}

describe('reading without a group', () => {
  it('passes aborted records and markers, and ends though no record lies at the end', async () => {
    const topic = await newTopic('aborted');
    await transact(topic, [
      { keys: ['a', 'b'], end: 'commit' },
      { keys: ['lost', 'lost'], end: 'abort' },
      { keys: ['c'], end: 'commit' },
      { keys: ['lost'], end: 'abort' },
    ]);
    await stableEnd(topic, 10n);
    const records = await readAll(reader, topic);
    expect(keysOf(records)).toEqual(['a', 'b', 'c']);
    expect(records.map(({ offset }) => offset)).toEqual([0n, 1n, 6n]);
    // From the middle of the aborted records.
    expect(keysOf(await readAll(reader, topic, new Map([[0, 4n]])))).toEqual(['c']);
    // From a marker at the very end.
    expect(await readAll(reader, topic, new Map([[0, 9n]]))).toEqual([]);
  });

  it('stops before an open transaction, whose records the high watermark counts', async () => {
    const topic = await newTopic('open');
    await transact(topic, [
      { keys: ['a'], end: 'commit' },
      { keys: ['b', 'c'], end: 'open' },
    ]);
    await stableEnd(topic, 2n);
    expect(await reader.highWatermarks(topic)).toEqual(new Map([[0, 4n]]));
    expect(keysOf(await readAll(reader, topic))).toEqual(['a']);
  });

  it('tells which partitions an open transaction holds back, and from where', async () => {
    const topic = await newTopic('held-back', 3);
    await write(
      topic,
      [0, 1, 2].map((partition) => ({ partition, key: 'a', value: 'x' })),
    );
    expect(await reader.heldBack(topic)).toEqual(new Map());
    const producer = kafka.producer({ transactionalId: topic, idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    const held = (partition: number, timestamp: string) => ({ partition, key: 'b', value: 'x', timestamp });
    const messages = [held(1, '1700000000000'), held(1, '1700000009000'), held(2, '1700000005000')];
    await transaction.send({ topic, acks: -1, messages });
    expect(await reader.heldBack(topic)).toEqual(
      new Map([
        [1, { stableEnd: 1n, highWatermark: 3n, sinceMs: 1_700_000_000_000 }],
        [2, { stableEnd: 1n, highWatermark: 2n, sinceMs: 1_700_000_005_000 }],
      ]),
    );
    await transaction.commit();
    await expect.poll(() => reader.heldBack(topic)).toEqual(new Map());
    await producer.disconnect();
  });

  it('reads from `from` up to `to` in each partition, and nothing of a partition not asked for', async () => {
    const topic = await newTopic('range', 3);
    const messages = [0, 1, 2].flatMap((partition) =>
      Array.from({ length: 5 }, (_, n) => ({ partition, key: `${partition}-${n}`, value: 'x' })),
    );
    await write(topic, messages);
    const found: string[] = [];
    for await (const records of reader.read(topic, {
      from: new Map([
        [0, 1n],
        [1, 4n],
      ]),
      to: new Map([
        [0, 3n],
        [1, 5n],
      ]),
    })) {
      found.push(...keysOf(records));
    }
    expect(new Set(found)).toEqual(new Set(['0-1', '0-2', '1-4']));
    expect(found.length).toBe(3);
  });

  it('knows where a log starts and ends, and which offset a time has', async () => {
    const topic = await newTopic('times', 2);
    await write(topic, [
      { partition: 0, key: 'a', value: 'x', timestamp: '1000' },
      { partition: 0, key: 'b', value: 'x', timestamp: '2000' },
      { partition: 0, key: 'c', value: 'x', timestamp: '3000' },
    ]);
    expect(await reader.startOffsets(topic)).toEqual(
      new Map([
        [0, 0n],
        [1, 0n],
      ]),
    );
    expect(await reader.stableEndOffsets(topic)).toEqual(
      new Map([
        [0, 3n],
        [1, 0n],
      ]),
    );
    expect(await reader.offsetsAt(topic, 1_500)).toEqual(
      new Map([
        [0, 1n],
        [1, 0n],
      ]),
    );
    expect(await reader.offsetsAt(topic, 2_000)).toEqual(
      new Map([
        [0, 1n],
        [1, 0n],
      ]),
    );
    expect(await reader.offsetsAt(topic, 3_001)).toEqual(
      new Map([
        [0, 3n],
        [1, 0n],
      ]),
    );
    expect(await reader.partitions(topic)).toEqual([0, 1]);
  });

  it('says that a topic is not there without making it, and goes on with others', async () => {
    const missing = `${topicPrefix('missing')}log`;
    const topic = await newTopic('there');
    expect(await reader.topicExists(missing)).toBe(false);
    await expect(reader.stableEndOffsets(missing)).rejects.toMatchObject({ code: 'kafka.unavailable' });
    expect(await reader.topicExists(missing)).toBe(false);
    expect(await reader.topicExists(topic)).toBe(true);
    expect(await reader.stableEndOffsets(topic)).toEqual(new Map([[0, 0n]]));
  });

  it.each([
    ['zstd', CompressionTypes.ZSTD],
    ['gzip', CompressionTypes.GZIP],
    ['no', CompressionTypes.None],
  ])('reads a record of 6 MB with %s compression, and the ones around it', async (_name, compression) => {
    const topic = await newTopic('large');
    const large = randomBytes(6 * 1024 * 1024);
    await write(topic, [{ key: 'before', value: 'x' }], compression);
    await write(topic, [{ key: 'large', value: large }], compression);
    await write(topic, [{ key: 'after', value: 'x' }], compression);
    const records = await readAll(reader, topic);
    expect(keysOf(records)).toEqual(['before', 'large', 'after']);
    expect(records[1]?.value?.equals(large)).toBe(true);
  });

  it('reads 200,000 tiny records of one fetch', async () => {
    const topic = await newTopic('tiny');
    const messages = Array.from({ length: 200_000 }, () => ({ value: '' }));
    await write(topic, messages, CompressionTypes.ZSTD);
    const records = await readAll(reader, topic);
    expect(records.length).toBe(200_000);
    expect(records.at(-1)?.offset).toBe(199_999n);
  });
});

describe('following a topic', () => {
  it('goes on with what is published later, until it is told to stop, and aborted records never show', async () => {
    const topic = await newTopic('follow', 2);
    await write(topic, [{ key: 'a', value: 'a', partition: 0 }]);
    const stop = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      const from = await reader.startOffsets(topic);
      for await (const { records } of reader.follow(topic, { from, signal: stop.signal })) {
        seen.push(...keysOf(records));
        // Two partitions, in any order between them.
        if (seen.includes('last') && seen.includes('b')) stop.abort();
      }
    })();
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['a']);
    await transact(topic, [
      { keys: ['lost'], end: 'abort' },
      { keys: ['b'], end: 'commit' },
    ]);
    await write(topic, [{ key: 'last', value: 'z', partition: 1 }]);
    await following;
    expect(new Set(seen)).toEqual(new Set(['a', 'b', 'last']));
  });

  it('ends where it is told to, and shows the records of a fetch by their time, each partition in its own order', async () => {
    const topic = await newTopic('follow-end', 2);
    const at = (key: string, partition: number, timestamp: number) => ({
      ...{ key, value: key, partition },
      timestamp: String(timestamp),
    });
    await write(topic, [at('p0 1', 0, 1_000), at('p0 2', 0, 4_000), at('p0 3', 0, 2_000)]);
    await write(topic, [at('p1 1', 1, 3_000), at('p1 2', 1, 5_000), at('beyond', 1, 6_000)]);
    const from = await reader.startOffsets(topic);
    const fetches: string[][] = [];
    const to = new Map([
      [0, 3n],
      [1, 2n],
    ]);
    for await (const { records } of reader.follow(topic, { from, to })) fetches.push(keysOf(records));
    // 'p0 3' was noted with an earlier time than the record before it, and stays behind it.
    expect(fetches.flat()).toEqual(['p0 1', 'p1 1', 'p0 2', 'p0 3', 'p1 2']);
  });
});
