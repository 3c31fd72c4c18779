import { randomBytes } from 'node:crypto';
import { ownKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import type { Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connectKafka } from '../kafka-connection.ts';
import { type LogReader, openLogReader } from '../log-reader.ts';
import { openRecordStream } from '../record-stream.ts';
import { createTopic } from '../testing/create-topic.ts';
import { eagerCompaction, writeRounds } from '../testing/emptied-batches.ts';
import { batchesOnDisk } from '../testing/record-batches.ts';
import { silentLogger } from '../testing/test-publisher.ts';
import { keysOf, readAll } from '../testing/ticket-log.ts';

/**
 * kafkajs was reported to stand still for ever at record batches that compaction emptied (tulios/kafkajs#562, #1072).
 * A broker of its own, whose cleaner looks five times a second instead of four times a minute.
 */
let broker: Awaited<ReturnType<typeof ownKafka>>;
let kafka: Kafka;
let reader: LogReader;
let topic = '';
const ROUNDS = 10;
const KEYS = 200;
const LOGS_MAX = 6;
/** The smallest that Kafka takes. */
const SEGMENT_BYTES = 1_048_576;
/**
 * The cleaner joins neighbouring segments while they fit into one. Two batches of 200 values of this length make
 * 5,174 + 400 × 2,608 = 1,048,374 bytes: no room for the 20 emptied batches (61 bytes each) before them.
 */
const FINAL_VALUE_BYTES = 2_608;

beforeAll(async () => {
  broker = await ownKafka({ properties: { 'log.cleaner.backoff.ms': 200 } });
  kafka = connectKafka({ brokers: [broker.brokers] }, silentLogger);
  reader = await openLogReader(kafka);
  // Whether an emptied batch ends a segment depends on when the cleaner looked: another log, until one has it.
  for (let left = LOGS_MAX; ; left--) {
    topic = `${topicPrefix('compaction')}log`;
    await createTopic(kafka, topic, 1, { ...eagerCompaction, 'segment.bytes': String(SEGMENT_BYTES) });
    await fillLog();
    try {
      await compacted();
      return;
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}, 120_000);

afterAll(async () => {
  await reader.close();
  await broker.stop();
});

async function fillLog(): Promise<void> {
  const timestamp = String(
    await writeRounds(kafka, topic, ROUNDS, (round, end) =>
      Array.from({ length: KEYS }, (_, key) => ({ key: String(key), value: `${end} ${round}` })),
    ),
  );
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  for (const prefix of ['', 'x']) {
    await producer.send({
      topic,
      acks: -1,
      messages: Array.from({ length: KEYS }, (_, key) => ({
        key: `${prefix}${key}`,
        value: randomBytes(FINAL_VALUE_BYTES),
        timestamp,
      })),
    });
  }
  await producer.send({ topic, acks: -1, messages: [{ key: 'last', value: 'of the active segment' }] });
  await producer.disconnect();
}

/** Until the cleaner has left one record a key, and an emptied batch ends a segment. */
async function compacted(): Promise<void> {
  await vi.waitFor(
    () => {
      const batches = batchesOnDisk(broker.dataDir, topic).filter(({ control }) => !control);
      expect({
        records: batches.reduce((sum, { records }) => sum + records, 0),
        emptied: batches.some(({ records }) => records === 0),
        emptiedLastOfSegment: batches.some(({ records, lastOfSegment }) => records === 0 && lastOfSegment),
      }).toEqual({ records: 2 * KEYS + 1, emptied: true, emptiedLastOfSegment: true });
    },
    { timeout: 12_000, interval: 250 },
  );
}

const numbered = (prefix: string) => Array.from({ length: KEYS }, (_, key) => `${prefix}${key}`);
const expectedKeys = [...numbered(''), ...numbered('x'), 'last'];

describe('a compacted log with emptied batches, the last of a segment among them', () => {
  it('is read to its end without a group', async () => {
    expect(keysOf(await readAll(reader, topic))).toEqual(expectedKeys);
  });

  it('is read to its end from the middle of each emptied batch', async () => {
    const emptied = batchesOnDisk(broker.dataDir, topic).filter(({ records }) => records === 0);
    expect(emptied.length).toBeGreaterThan(0);
    for (const { baseOffset, lastOffset } of emptied) {
      for (const from of [baseOffset, (baseOffset + lastOffset) / 2n, lastOffset]) {
        expect(keysOf(await readAll(reader, topic, new Map([[0, from]]))).at(-1)).toBe('last');
      }
    }
  });

  it('is read to its end by a group, whose position then is the log’s end', async () => {
    const end = (await reader.stableEndOffsets(topic)).get(0);
    const seen: string[] = [];
    const stream = openRecordStream({
      kafka,
      reader,
      topic,
      groupId: `${topic}.group`,
      logger: silentLogger,
      resolveStart: async (partitions) => new Map(partitions.map((partition) => [partition, 0n])),
      handle: async ({ records }) => {
        seen.push(...keysOf(records));
      },
    });
    try {
      await expect.poll(() => stream.positions().get(0), { timeout: 20_000 }).toBe(end);
    } finally {
      await stream.stop();
    }
    expect(seen).toEqual(expectedKeys);
  });
});
