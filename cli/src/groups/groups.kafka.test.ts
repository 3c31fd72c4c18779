import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { commitGroupOffsets, connectKafka, openLogReader, silentLogger } from '@ticket-stream/kafka';
import { createTopic, readableEnds } from '@ticket-stream/kafka/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startReading } from '../testing/reading-group.ts';
import { runCommand } from '../testing/run-command.ts';

const { brokers } = sharedKafka();
const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'a-reader' }, silentLogger);
const admin = kafka.admin();
const prefix = topicPrefix('groups');
const topic = `${prefix}tickets`;
const environment = { KAFKA_BROKERS: brokers, TICKETS_TOPIC: topic, DATA_DIR: '/tmp' };
const firstMs = Date.now() - 3_600_000;
const producer = kafka.producer({
  transactionalId: `${prefix}writer`,
  maxInFlightRequests: 1,
  idempotent: true,
});

/** Partition 0: ten records, one a minute, then an aborted one. 1: one record. Each transaction with its marker. */
beforeAll(async () => {
  await Promise.all([admin.connect(), producer.connect()]);
  await createTopic(kafka, topic, 2);
  await send(
    'commit',
    0,
    Array.from({ length: 10 }, (_, at) => firstMs + at * 60_000),
  );
  await send('commit', 1, [firstMs + 20 * 60_000]);
  await send('abort', 0, [firstMs + 50 * 60_000]);
  const reader = await openLogReader(kafka);
  await readableEnds(reader, topic);
  await reader.close();
});

afterAll(() => Promise.all([admin.disconnect(), producer.disconnect()]));

async function send(end: 'commit' | 'abort', partition: number, times: readonly number[]): Promise<void> {
  const transaction = await producer.transaction();
  for (const ms of times) {
    await transaction.send({ topic, messages: [{ partition, value: '{}', timestamp: String(ms) }] });
  }
  await transaction[end]();
}

const groups = (...args: readonly string[]) => runCommand(['groups', ...args], environment);
const commit = (group: string, offsets: Record<number, bigint>, metadata?: string) =>
  commitGroupOffsets(
    kafka,
    group,
    topic,
    new Map(Object.entries(offsets).map(([partition, offset]) => [Number(partition), { offset, metadata }])),
  );

describe('groups', () => {
  it('lists who reads this topic, with lag in records and in the time of the log', async () => {
    await commit(`${prefix}behind`, { 0: 4n, 1: 2n });
    await commit(`${prefix}only-markers`, { 0: 10n, 1: 2n });
    await commit(`${prefix}partly`, { 1: 0n });
    const other = `${prefix}other`;
    await createTopic(kafka, other, 1);
    await commitGroupOffsets(kafka, `${prefix}stranger`, other, new Map([[0, { offset: 0n }]]));

    const { code, stdout } = await groups('--json');
    expect(code).toBe(0);
    const found = JSON.parse(stdout) as { groups: { group: string; lag: string; lagSeconds: number }[] };
    expect(
      found.groups.map(({ group, lag, lagSeconds }) => [group.slice(prefix.length), lag, lagSeconds]),
    ).toEqual([
      // Ten records, a marker, an aborted record, its marker: 13 offsets; the newest record of the topic is of minute
      // 20.
      ['behind', '9', 16 * 60],
      ['only-markers', '3', 0],
      ['partly', '2', 0],
    ]);
    const text = (await groups()).stdout;
    expect(text).toMatch(/^GROUP +STATE +MEMBERS +LAG +BEHIND/);
    expect(text).toMatch(/behind +Empty +0 +9 +16 min/);
    expect(text).toMatch(/partly .* 1 partition without an offset/);
    expect(text).not.toContain('stranger');
  });

  it('shows one: its members and each partition', async () => {
    const group = `${topic}.alerting`;
    const reading = await startReading(kafka, group, topic);
    onTestFinished(() => reading.stop());
    const { code, stdout } = await groups('show', 'alerting');
    expect(code).toBe(0);
    expect(stdout).toContain(`Group ${group} on ${topic}: Stable, 1 member`);
    expect(stdout).toMatch(/ {2}a-reader at .*, partitions 0-1, member id a-reader-/);
    expect(stdout).toContain('What alerting has stored is not visible from here');
    expect(stdout).toMatch(/^ +0 +.* +13 +.* +a-reader$/m);
  });

  it('knows no lag of a group whose offset the log does not have, as of a topic made again', async () => {
    await commit(`${prefix}beyond`, { 0: 99n, 1: 2n });
    const { stdout } = await groups('show', `${prefix}beyond`, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      lagSeconds: null,
      partitions: [
        { partition: 0, committed: '99', lag: null, lagSeconds: null },
        { partition: 1, lag: '0', lagSeconds: 0 },
      ],
    });
    expect((await groups('show', `${prefix}beyond`)).stdout).toContain('the topic was made again, or cut');
    expect((await groups('list')).stdout).toMatch(
      new RegExp(`^${prefix}beyond .* 1 partition beyond the log$`, 'm'),
    );
  });

  it('shows the end of a side replay', async () => {
    await commit(`${prefix}side`, { 0: 4n, 1: 2n }, 'ticket-stream until=9');
    expect((await groups('show', `${prefix}side`)).stdout).toMatch(/UNTIL[\s\S]* 9[\s\S]*A side replay/);
  });

  it.each([
    ['a group that is not there', ['show', 'no-such-group'], 'no-such-group'],
    ['--watch without a terminal', ['--watch'], '--watch redraws a terminal, and this is none'],
    [
      '--watch for a program',
      ['--watch', '--json'],
      '--watch redraws a terminal, and --json is for programs',
    ],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await groups(...args);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  });
});
