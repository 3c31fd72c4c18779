import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Consumer, ConsumerGroupJoinEvent, Kafka } from 'kafkajs';
import kafkajsErrors from 'kafkajs/src/protocol/error.js';
import { afterAll, describe, expect, it } from 'vitest';
import { readGroupOffsets } from './group-offsets.ts';
import { connectKafka } from './kafka-connection.ts';
import { createCluster } from './kafkajs-cluster.ts';
import { openRecordStream } from './record-stream.ts';
import type { RecordStream, RecordStreamOptions } from './record-stream-interface.ts';
import { openTestPublisher, silentLogger, ticket } from './testing/test-publisher.ts';
import { openTestLog, type TestLog } from './testing/ticket-log.ts';

const toClose: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of toClose.reverse()) await close();
});

async function logOf(name: string, partitions: number): Promise<TestLog> {
  const log = await openTestLog(name, { partitions });
  toClose.push(log.close);
  const publisher = await openTestPublisher(log);
  toClose.push(() => publisher.close());
  await publisher.publishPage(Array.from({ length: 20 }, (_, n) => ticket(n + 1, 100)));
  return log;
}

function open(log: TestLog, options: Partial<RecordStreamOptions>): RecordStream {
  const stream = openRecordStream({
    kafka: log.kafka,
    reader: log.reader,
    topic: log.names.tickets,
    groupId: `${log.names.tickets}.group`,
    logger: silentLogger,
    resolveStart: async (partitions) => new Map(partitions.map((partition) => [partition, 0n])),
    handle: async () => {},
    ...options,
  });
  toClose.push(() => stream.stop());
  return stream;
}

describe('a member that is no longer one', () => {
  it('handles nothing of what it had fetched before it has its partitions anew', async () => {
    const log = await logOf('expelled', 2);
    const groupId = `${log.names.tickets}.group`;
    const happened: string[] = [];
    const work = Promise.withResolvers<void>();
    open(log, {
      resolveStart: async (partitions) => {
        happened.push('assigned');
        return new Map(partitions.map((partition) => [partition, 0n]));
      },
      async handle() {
        happened.push('handled');
        if (happened.filter((what) => what === 'handled').length === 1) await work.promise;
      },
    });
    await expect.poll(() => happened, { timeout: 20_000 }).toEqual(['assigned', 'handled']);
    // The group forgets it, as when its session has ended; the batch of the other partition was fetched with this one.
    const admin = log.kafka.admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([groupId]);
    await admin.disconnect();
    const cluster = createCluster(log.kafka);
    await cluster.connect();
    const coordinator = await cluster.findGroupCoordinator({ groupId });
    await coordinator.leaveGroup({ groupId, memberId: groups[0]?.members[0]?.memberId ?? '' });
    await cluster.disconnect();
    work.resolve();
    await expect.poll(() => happened.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(5);
    expect(happened.slice(0, 5)).toEqual(['assigned', 'handled', 'assigned', 'handled', 'handled']);
  });

  it('commits nothing in the name of an assignment that came while its batch was at work', async () => {
    const log = await logOf('joined-meanwhile', 1);
    // kafkajs joins anew in the middle of a batch when the fetch from another broker finds stale metadata.
    let joined: ((event: ConsumerGroupJoinEvent) => void) | undefined;
    let id = '';
    const kafka: Kafka = Object.create(log.kafka, {
      consumer: {
        value: (config: Parameters<Kafka['consumer']>[0]) => {
          const consumer: Consumer = log.kafka.consumer(config);
          const on = consumer.on.bind(consumer);
          consumer.on = ((name: string, listener: (event: ConsumerGroupJoinEvent) => void) => {
            if (name === consumer.events.GROUP_JOIN) {
              joined = listener;
              on(consumer.events.GROUP_JOIN, ({ payload }) => {
                id = payload.memberId;
              });
            }
            return on(name as never, listener as never);
          }) as typeof consumer.on;
          return consumer;
        },
      },
    });
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    let assigned = 0;
    let batches = 0;
    const stream = open(log, {
      kafka,
      resolveStart: async (partitions) => {
        assigned++;
        return new Map(partitions.map((partition) => [partition, 0n]));
      },
      async handle(batch, { done, postpone }) {
        if (++batches > 1) return postpone(60_000);
        begun.resolve();
        await work.promise;
        await done(batch.nextOffset).finally(ended.resolve);
      },
    });
    await begun.promise;
    joined?.({
      id: '',
      type: 'consumer.group_join',
      timestamp: 0,
      payload: {
        memberId: id,
        memberAssignment: { [log.names.tickets]: [0] },
      } as unknown as ConsumerGroupJoinEvent['payload'],
    });
    await expect.poll(() => assigned).toBe(2);
    work.resolve();
    await ended.promise;
    await stream.stop();
    expect(await readGroupOffsets(log.kafka, `${log.names.tickets}.group`, log.names.tickets)).toEqual(
      new Map(),
    );
  });
});

it('a member that hears only in the middle of its work that it has to join again does so, and reads on', async () => {
  const log = await logOf('beat', 1);
  const NOT_COORDINATOR_FOR_GROUP = 16;
  let beats = 0;
  // The coordinator says once that it is another broker now, and then knows nothing of it any more.
  const kafka: Kafka = Object.create(log.kafka, {
    consumer: {
      value: (config: Parameters<Kafka['consumer']>[0]) => {
        const consumer: Consumer = log.kafka.consumer(config);
        const run = consumer.run.bind(consumer);
        consumer.run = ({ eachBatch, ...rest } = {}) =>
          run({
            ...rest,
            eachBatch: async (payload) => {
              const heartbeat = async () => {
                // The first is that of the batch, before its work.
                if (++beats === 2) throw kafkajsErrors.createErrorFromCode(NOT_COORDINATOR_FOR_GROUP);
                await payload.heartbeat();
              };
              await eachBatch?.({ ...payload, heartbeat });
            },
          });
        return consumer;
      },
    },
  });
  let assigned = 0;
  const stream = open(log, {
    kafka,
    resolveStart: async (partitions) => {
      assigned++;
      return new Map(partitions.map((partition) => [partition, 0n]));
    },
    handle: async () => {
      if (assigned === 1) await expect.poll(() => beats, { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
    },
  });
  await expect.poll(() => assigned, { timeout: 20_000 }).toBe(2);
  const ends = await log.reader.stableEndOffsets(log.names.tickets);
  await expect.poll(() => new Map(stream.positions()), { timeout: 20_000 }).toEqual(ends);
});

describe('work between batches', () => {
  it('is over before the member joins again: nobody else gets the partition meanwhile', async () => {
    const log = await logOf('between', 2);
    const happened: string[] = [];
    const first = open(log, {});
    // At the end of the log: a batch that waits for its turn would hold the join back by itself.
    const ends = await log.reader.stableEndOffsets(log.names.tickets);
    await expect.poll(() => new Map(first.positions()), { timeout: 20_000 }).toEqual(ends);
    const begun = Promise.withResolvers<void>();
    const work = Promise.withResolvers<void>();
    let isMine = () => true;
    const between = first.betweenBatches(0, async ({ check }) => {
      isMine = () => {
        try {
          check();
          return true;
        } catch {
          return false;
        }
      };
      begun.resolve();
      await work.promise;
      happened.push('worked');
    });
    await begun.promise;
    const second = open(log, {
      resolveStart: async (partitions) => {
        happened.push('second assigned');
        return new Map(partitions.map((partition) => [partition, 0n]));
      },
    });
    const admin = log.kafka.admin();
    await admin.connect();
    await expect
      .poll(async () => (await admin.describeGroups([`${log.names.tickets}.group`])).groups[0]?.state, {
        timeout: 20_000,
      })
      .toBe('PreparingRebalance');
    await admin.disconnect();
    // Heard of by the next heartbeat (2 s), and joined at once where nothing holds it back.
    await expect.poll(() => isMine(), { timeout: 10_000 }).toBe(false);
    const heardAtMs = performance.now();
    await expect.poll(() => performance.now() - heardAtMs, { timeout: 10_000 }).toBeGreaterThan(400);
    work.resolve();
    await between;
    await expect.poll(() => second.positions().size, { timeout: 40_000 }).toBeGreaterThan(0);
    expect(happened.slice(0, 2)).toEqual(['worked', 'second assigned']);
  });
});

it('a stream whose topic is not there makes none', async () => {
  const log = await logOf('absent', 1);
  const topic = `${log.names.tickets}.absent`;
  const failed = Promise.withResolvers<void>();
  open(log, { topic, groupId: `${topic}.group`, logger: { ...silentLogger, warn: () => failed.resolve() } });
  await failed.promise;
  expect(await log.reader.topicExists(topic)).toBe(false);
});

describe('a stop', () => {
  const formerMember = () => {
    const file = join(mkdtempSync(join(tmpdir(), 'member-')), 'member');
    writeFileSync(file, 'ticket-stream-3b1b0a5c');
    return file;
  };

  it('ends a stream that is still taking leave of its former member', async () => {
    const log = await logOf('stopped-early', 1);
    const stream = open(log, { memberFile: formerMember() });
    await stream.stop();
    await stream.done;
  });

  it.each([true, false])(
    'does not wait for a broker that says nothing (a former member: %s)',
    async (isRemembered) => {
      const log = await logOf('stopped-silent', 1);
      const silent = createServer(() => {}).listen(0, '127.0.0.1');
      await once(silent, 'listening');
      const asked = once(silent, 'connection');
      const { port } = silent.address() as AddressInfo;
      const stream = open(log, {
        kafka: connectKafka({ brokers: [`127.0.0.1:${port}`] }, silentLogger),
        ...(isRemembered ? { memberFile: formerMember() } : {}),
      });
      await asked;
      const stoppedAtMs = performance.now();
      await stream.stop();
      // A request is given up after 15 s.
      expect(performance.now() - stoppedAtMs).toBeLessThan(10_000);
      silent.close();
    },
  );
});
