import type { TicketStreamError } from '@ticket-stream/errors';
import type { ConsumerConfig } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { connectKafka } from './kafka-connection.ts';
import type { LogReader } from './log-reader.ts';
import { openRecordStream } from './record-stream.ts';
import type { RecordStream, RecordStreamOptions } from './record-stream-interface.ts';
import { cutLog, cuttable } from './testing/cut-log.ts';
import { openTestPublisher, silentLogger, ticket } from './testing/test-publisher.ts';
import { keysOf, openTestLog } from './testing/ticket-log.ts';

const toClose: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of toClose.reverse()) await close();
});

/** A log of five tickets, and a stream that reads it from its beginning. */
async function streamOf(
  name: string,
  options: (reader: LogReader) => Partial<RecordStreamOptions> = () => ({}),
  settings: Record<string, string> = {},
): Promise<{
  log: Awaited<ReturnType<typeof openTestLog>>;
  publish: (id: number) => Promise<void>;
  open: () => RecordStream;
  seen: string[];
  /** Why its lives ended; a broker that has just started ends one by itself. */
  restarts: TicketStreamError[];
}> {
  const log = await openTestLog(name, { settings });
  toClose.push(log.close);
  const publisher = await openTestPublisher(log);
  toClose.push(() => publisher.close());
  await publisher.publishPage([1, 2, 3, 4, 5].map((id) => ticket(id, 100)));
  const seen: string[] = [];
  const restarts: TicketStreamError[] = [];
  return {
    log,
    publish: (id) => publisher.publishPage([ticket(id, 100)]),
    seen,
    restarts,
    open() {
      const stream = openRecordStream({
        kafka: log.kafka,
        reader: log.reader,
        topic: log.names.tickets,
        groupId: `${log.names.tickets}.group`,
        logger: {
          ...silentLogger,
          warn(context) {
            const { err } = context as { err: TicketStreamError };
            if (err.context['type'] !== 'GROUP_LOAD_IN_PROGRESS') restarts.push(err);
          },
        },
        resolveStart: async (partitions) => new Map(partitions.map((partition) => [partition, 0n])),
        handle: async ({ records }) => {
          seen.push(...keysOf(records));
        },
        ...options(log.reader),
      });
      toClose.push(() => stream.stop());
      return stream;
    },
  };
}

describe('the watchdog of a record stream', () => {
  it('begins anew, by name, when reading stands still below the end of the log', async () => {
    // A log that says it goes on where no record ever comes.
    const beyond = (reader: LogReader): Partial<RecordStreamOptions> => ({
      stalledMs: 1_500,
      reader: { ...reader, stableEndOffsets: async () => new Map([[0, 100n]]) },
    });
    const { open, restarts, seen } = await streamOf('stalled', beyond);
    open();
    await expect.poll(() => restarts.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(restarts[0]).toMatchObject({
      code: 'kafka.consumer_stalled',
      context: { position: 6n, end: 100n },
    });
    expect(seen.slice(0, 5)).toEqual(['1', '2', '3', '4', '5']);
  });

  it('takes a quiet time at the end of the log for what it is, when a record has just come after it', async () => {
    let looks = 0;
    const { open, restarts, seen, publish } = await streamOf('quiet', (reader) => ({
      // Below 4 s, and well above the second between two looks.
      stalledMs: 3_000,
      reader: {
        ...reader,
        // At the fourth look, 4 s after the last record, the end is ahead of what was fetched.
        stableEndOffsets: async (topic) => {
          const ends = await reader.stableEndOffsets(topic);
          return ++looks === 4 ? new Map([...ends].map(([partition, end]) => [partition, end + 1n])) : ends;
        },
      },
    }));
    open();
    await expect.poll(() => looks, { timeout: 20_000 }).toBeGreaterThan(4);
    await publish(6);
    await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(restarts).toEqual([]);
  });
});

describe('a record stream whose cluster is away', () => {
  it('says so until it is in the group again, also while it tries', async () => {
    const away = connectKafka({ brokers: ['127.0.0.1:1'] }, silentLogger);
    const reasons: (string | undefined)[] = [];
    let lives = 0;
    const { log, open, seen } = await streamOf('away', () => ({
      kafka: Object.create(away, {
        consumer: { value: (config: ConsumerConfig) => (lives++ < 2 ? away : log.kafka).consumer(config) },
      }),
      onWaiting: (reason) => reasons.push(reason),
    }));
    open();
    await expect.poll(() => seen, { timeout: 20_000 }).toHaveLength(5);
    expect(reasons.slice(0, 2)).toEqual(['Kafka (kafka.unavailable)', 'Kafka (kafka.unavailable)']);
    expect(reasons.at(-1)).toBeUndefined();
  });
});

describe('a partition that is postponed', () => {
  it('stands still for no longer than it was asked to, and the watchdog lets it', async () => {
    const handled: string[][] = [];
    const { open, restarts } = await streamOf('postponed', () => ({
      stalledMs: 1_500,
      async handle({ records }, { postpone }) {
        handled.push(keysOf(records));
        if (handled.length === 1) postpone(4_000);
      },
    }));
    open();
    await expect.poll(() => handled.flat(), { timeout: 20_000 }).toHaveLength(10);
    expect(handled).toEqual([
      ['1', '2', '3', '4', '5'],
      ['1', '2', '3', '4', '5'],
    ]);
    expect(restarts).toEqual([]);
  });
});

describe('a record stream whose offset is gone from the log', () => {
  it('begins anew, by name, and hands over nothing from beyond the gap', async () => {
    const { log, open, restarts, seen } = await streamOf('gone', undefined, cuttable);
    await cutLog(log, 3n);
    expect(await log.reader.startOffsets(log.names.tickets)).toEqual(new Map([[0, 3n]]));
    open();
    await expect.poll(() => restarts.length, { timeout: 20_000 }).toBeGreaterThan(0);
    expect(restarts[0]).toMatchObject({
      code: 'kafka.consumer_stalled',
      context: { type: 'OFFSET_OUT_OF_RANGE' },
    });
    expect(seen).toEqual([]);
  });
});

it('a record stream of records that this client cannot unpack ends, and says of which topic and how', async () => {
  const { log, open } = await streamOf('lz4', undefined, { 'compression.type': 'lz4' });
  await expect(open().done).rejects.toMatchObject({
    ...{ code: 'kafka.topic_settings', exitCode: 2 },
    message: expect.stringMatching(new RegExp(`${log.names.tickets}.*LZ4`)),
  });
});
