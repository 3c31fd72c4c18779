import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ownKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { memoryVersionStore, subscribe } from '@ticket-stream/subscriber';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { changeFlow } from '../support/change-flow.ts';
import { until } from '../support/condition.ts';
import { pythonWith } from '../support/python-packages.ts';
import { openTicketsLog, type TicketsLog } from '../support/tickets-log.ts';
import { COMPACTED_TICKETS, writeCompactedTickets } from './compacted-tickets.ts';
import {
  byConfluentKafka,
  byConsoleConsumer,
  byKcat,
  byLogReader,
  bySubscriber,
  type ReadTopic,
} from './topic-readers.ts';

/**
 * Kafka's console consumer, kcat and confluent-kafka for Python know nothing of us. What they see of a tickets topic
 * is what our subscriber sees: the same records by partition and offset, with key, headers and the value's bytes, and
 * none of a transaction that did not commit.
 */
let broker: Awaited<ReturnType<typeof ownKafka>>;
let python: string;
const logs: TicketsLog[] = [];
/** More than one send holds, so that the log has some of them before the transaction ends. */
const UNCOMMITTED = 1_500;

beforeAll(async () => {
  // Its cleaner looks five times a second, and so does what ends expired transactions.
  broker = await ownKafka({
    properties: {
      'log.cleaner.backoff.ms': 200,
      'transaction.abort.timed.out.transaction.cleanup.interval.ms': 200,
    },
  });
  python = await pythonWith(join(import.meta.dirname, 'confluent-requirements.txt'));
  expect(execFileSync('kcat', ['-V'], { encoding: 'utf8' })).toContain('kcat');
}, 300_000);

afterAll(async () => {
  for (const log of logs) await log.close();
  await broker.stop();
});

async function openLog(name: string, transactionTimeoutMs = 60_000): Promise<TicketsLog> {
  const log = await openTicketsLog(broker.brokers, `${topicPrefix(name)}tickets`, { transactionTimeoutMs });
  logs.push(log);
  return log;
}

const flow = () => changeFlow({ seed: 5, tickets: 300, firstStamp: 1_700_000_000 });

/** @returns what all of them saw */
async function expectAllToSeeTheSame(log: TicketsLog, ends: ReadonlyMap<number, bigint>): Promise<string[]> {
  const topic: ReadTopic = { brokers: log.brokers, topic: log.topic, ends };
  const ours = await bySubscriber(topic, log);
  expect(await byLogReader(topic, log.reader)).toEqual(ours);
  expect(await byConsoleConsumer(topic)).toEqual(ours);
  expect(await byKcat(topic)).toEqual(ours);
  expect(await byConfluentKafka(python, topic)).toEqual(ours);

  const subscription = await subscribe({
    brokers: log.brokers.split(','),
    topic: log.topic,
    group: `${log.topic}.whole`,
    from: 'earliest',
    until: 'end',
    versions: memoryVersionStore(),
    handle: () => {},
  });
  await subscription.done;
  expect(subscription.books().consumed).toBe(ours.length);
  return ours;
}

describe('three foreign readers and our subscriber see the same records', () => {
  it('of a log with pages that were given up', async () => {
    const log = await openLog('given-up');
    const { next } = flow();
    let committed = 0;
    for (let page = 0; page < 4; page++) {
      await log.abort(next(UNCOMMITTED));
      await log.publish(next(200 + page));
      committed += 200 + page;
    }
    await log.abort(next(UNCOMMITTED));
    const ends = await log.ends();
    expect((await expectAllToSeeTheSame(log, ends)).length).toBe(committed);
    // Otherwise nothing of the aborted pages was in the log.
    expect(sum(ends)).toBeGreaterThan(committed + 2 * UNCOMMITTED);
  });

  it('of a log with transactions that the broker ended, their time being up', async () => {
    const log = await openLog('expired', 1_000);
    const { next } = flow();
    await log.publish(next(300));
    for (let round = 0; round < 2; round++) {
      const before = sum(await log.ends());
      await log.leaveOpen(next(UNCOMMITTED));
      // On a busy machine its second may be over before anybody sees readers held back by it.
      await until(
        'some of it is in the log',
        async () => sum(await log.reader.highWatermarks(log.topic)) >= before + 1_000,
      );
      await until('the broker has ended it', async () => (await log.reader.heldBack(log.topic)).size === 0);
      await log.recover();
      await log.publish(next(300));
    }
    const ends = await log.ends();
    expect((await expectAllToSeeTheSame(log, ends)).length).toBe(900);
    expect(sum(ends)).toBeGreaterThan(900 + 2 * 1_000);
  });

  it('of a log whose last transaction is still open: nothing of it, nor what lies behind its beginning', async () => {
    const log = await openLog('open');
    const { next } = flow();
    await log.publish(next(300));
    await log.ends();
    await log.leaveOpen(next(UNCOMMITTED));
    await until('readers are held back', async () => (await log.reader.heldBack(log.topic)).size > 0);
    const ends = await log.reader.stableEndOffsets(log.topic);
    expect(sum(await log.reader.highWatermarks(log.topic))).toBeGreaterThan(sum(ends));
    expect((await expectAllToSeeTheSame(log, ends)).length).toBe(300);
  });

  it('of a log that was compacted, with batches emptied', async ({ annotate }) => {
    const { log, emptied } = await writeCompactedTickets(broker, `${topicPrefix('compacted')}tickets`);
    logs.push(log);
    const ours = await expectAllToSeeTheSame(log, await log.ends());
    await annotate(`${emptied} emptied batches, ${ours.length} records left`);
    expect(ours.length).toBe(COMPACTED_TICKETS);
  });
});

function sum(offsets: ReadonlyMap<number, bigint>): number {
  return Number([...offsets.values()].reduce((total, offset) => total + offset, 0n));
}
