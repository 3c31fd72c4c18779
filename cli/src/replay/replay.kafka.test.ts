import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedKafka, spawnKafkaTool, topicPrefix } from '@ticket-stream/dev-stack/testing';
import {
  commitGroupOffsets,
  connectKafka,
  describeGroups,
  readCommitted,
  readGroupBounds,
  silentLogger,
} from '@ticket-stream/kafka';
import { createTopic } from '@ticket-stream/kafka/testing';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startReading } from '../testing/reading-group.ts';
import { runCommand, withoutProgress } from '../testing/run-command.ts';
import { startOnTerminal } from '../testing/terminal-command.ts';

const { brokers } = sharedKafka();
const kafka = connectKafka({ brokers: brokers.split(','), clientId: 'billing-at-work' }, silentLogger);
const admin = kafka.admin();
const producer = kafka.producer();
const prefix = topicPrefix('replay');
const topic = `${prefix}tickets`;
const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-replay-'));
const environment = { KAFKA_BROKERS: brokers, TICKETS_TOPIC: topic, DATA_DIR: folder };
const PARTITIONS = [0, 1];
const RECORDS = 20n;
const ERASED_LINE = '\u001b[2K';

beforeAll(async () => {
  await Promise.all([admin.connect(), producer.connect()]);
  await createTopic(kafka, topic, PARTITIONS.length);
  await write(Number(RECORDS));
});

afterAll(async () => {
  await Promise.all([admin.disconnect(), producer.disconnect()]);
  rmSync(folder, { recursive: true, force: true });
});

/** So many records in each partition. */
async function write(records: number): Promise<void> {
  const messages = PARTITIONS.flatMap((partition) =>
    Array.from({ length: records }, (_, at) => ({ partition, key: String(at), value: '{}' })),
  );
  await producer.send({ topic, messages });
}

let groups = 0;
const newGroup = (): string => `${prefix}group-${groups++}`;

async function groupAt(offset: bigint, group = newGroup(), metadata?: string): Promise<string> {
  await commitGroupOffsets(
    kafka,
    group,
    topic,
    new Map(PARTITIONS.map((each) => [each, { offset, metadata }])),
  );
  return group;
}

const offsetsOf = async (group: string): Promise<Record<number, bigint>> =>
  Object.fromEntries(
    [...(await readCommitted(kafka, group, topic))].map(([partition, { offset }]) => [partition, offset]),
  );

const replay = (...args: readonly string[]) => runCommand(['replay', ...args], environment);

describe('a plan', () => {
  it('is shown and changes nothing', async () => {
    const group = await groupAt(15n);
    const { code, stdout, stderr } = await replay(group, '--to-earliest');
    expect({ code, stderr: withoutProgress(stderr) }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('30 records to be read again');
    expect(stdout).toContain('Nothing was changed: this is the plan.');
    expect(await offsetsOf(group)).toEqual({ 0: 15n, 1: 15n });
  });

  it('is one object with --json', async () => {
    const group = await groupAt(15n);
    const { stdout } = await replay(group, '--to-offset', '99', '--partition', '1', '--json');
    expect(JSON.parse(stdout)).toEqual({
      topic,
      group,
      state: 'Empty',
      members: [],
      executed: false,
      partitions: [{ partition: 1, from: '15', to: '20', clampedFrom: '99' }],
    });
  });

  it.each([
    ['a group that is not there', ['no-such-group', '--to-earliest'], 'no-such-group'],
    ['search, which has not read yet', ['search', '--to-earliest'], 'no search has read'],
    ['no group', ['--to-earliest'], "missing required argument 'group'"],
  ])('is refused for %s', async (_what, args, message) => {
    const { code, stderr } = await replay(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  it('is refused for a topic that is not there', async () => {
    const { code, stderr } = await runCommand(['replay', 'alerting', '--to-earliest'], {
      ...environment,
      TICKETS_TOPIC: `${prefix}nothing`,
    });
    expect(code).toBe(2);
    expect(stderr).toContain('there is no topic');
  });

  it('finds the one group of search; of two it names both', async () => {
    const first = await groupAt(9n, `${topic}.search.one`);
    const { stdout } = await replay('search', '--to-earliest');
    expect(stdout).toContain(`Group ${first} on ${topic}`);
    expect(stdout).toContain('Back: Search reads these records again and changes nothing by them');
    const second = await groupAt(9n, `${topic}.search.two`);
    const { code, stderr } = await replay('search', '--to-earliest', '--execute');
    expect(code).toBe(2);
    expect(stderr).toContain(`${first}, ${second}`);
  });
});

describe('a group with members', () => {
  it('is refused and its members are named; the plan alone is shown, with a word', async () => {
    const group = await groupAt(3n);
    const reading = await startReading(kafka, group, topic);
    onTestFinished(() => reading.stop());
    const [member] = (await describeGroups(kafka, [group]))[0]?.members ?? [];
    await expect.poll(() => offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });

    const executed = await replay(group, '--to-earliest', '--execute');
    expect(executed.code).toBe(4);
    expect(executed.stderr).toContain('billing-at-work at ');
    expect(executed.stderr).toContain(`member id ${member?.memberId}`);
    expect(executed.stderr).toContain('--wait');
    expect((await replay(group, '--to-earliest', '--export')).code).toBe(4);
    const planned = await replay(group, '--to-earliest');
    expect(planned.code).toBe(4);
    expect(planned.stdout).toContain('40 records to be read again');
    expect(planned.stderr).toContain(`member id ${member?.memberId}`);
    expect(await offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });
  });

  it('refuses a commit that comes too late, and is not moved by it', async () => {
    const group = await groupAt(3n);
    const reading = await startReading(kafka, group, topic);
    onTestFinished(() => reading.stop());
    await expect.poll(() => offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });
    await expect(groupAt(1n, group)).rejects.toMatchObject({ code: 'kafka.group_active' });
    expect(await offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });
    expect(reading.joins).toHaveLength(1);
  });

  it('whose member was killed is active until its session ends; --wait waits for that', async () => {
    const group = await groupAt(3n);
    await killMember(group);
    // At once: on a busy machine the session could end between the two.
    const [refused, waited] = await Promise.all([
      replay(group, '--to-offset', '5', '--execute'),
      replay(group, '--to-offset', '5', '--execute', '--wait'),
    ]);
    expect(refused.code).toBe(4);
    expect(refused.stderr).toContain('to-be-killed at ');
    expect(waited.stderr).toContain(`waiting for ${group} to be without members: to-be-killed at`);
    expect(waited.code).toBe(0);
    expect(await offsetsOf(group)).toEqual({ 0: 5n, 1: 5n });
  });

  it('is waited for on a terminal, which then shows what was done in place of what was waited for', async () => {
    const group = await groupAt(3n);
    const reading = await startReading(kafka, group, topic);
    const waited = startOnTerminal(['replay', group, '--to-earliest', '--execute', '--wait'], environment);
    await expect.poll(waited.seen).toContain('waiting for');
    await reading.stop();
    expect(await waited.code).toBe(0);
    const [, done] = waited.seen().split('Done: 2 partitions');
    expect(done).toContain(`of ${group} committed.`);
    // It would be a line of the answer.
    expect(done).not.toContain(ERASED_LINE);
  });

  it('is waited for only so long', async () => {
    const group = await groupAt(3n);
    const reading = await startReading(kafka, group, topic);
    onTestFinished(() => reading.stop());
    const { code, stderr } = await replay(group, '--to-earliest', '--execute', '--wait', '1');
    expect(code).toBe(4);
    expect(stderr).toContain('billing-at-work at ');
  });

  it('is not waited for after Ctrl-C, which is no defect and changes nothing', async () => {
    const group = await groupAt(3n);
    const reading = await startReading(kafka, group, topic);
    onTestFinished(() => reading.stop());
    await expect.poll(() => offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });
    const program = fileURLToPath(new URL('../../bin/ticket-stream.js', import.meta.url));
    const child = spawn(
      process.execPath,
      [program, 'replay', group, '--to-earliest', '--execute', '--wait'],
      {
        cwd: tmpdir(),
        env: { PATH: process.env['PATH'], ...environment },
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let said = '';
    let isStopped = false;
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
      // Before that a slow look may be shown, which Ctrl-C ends as it ends any process.
      if (isStopped || !said.includes('waiting for')) return;
      isStopped = true;
      child.kill('SIGINT');
    });
    const [code] = (await once(child, 'close')) as [number | null];
    expect({ code, said }).toEqual({
      code: 130,
      said: expect.stringMatching(
        /waiting for \S+ to be without members: .+\nticket-stream: stopped by SIGINT\n$/,
      ),
    });
    expect(await offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });
  });

  it('of the newer group protocol cannot be seen into, and is not moved either', async () => {
    const group = newGroup();
    const child = await spawnKafkaTool(
      'org.apache.kafka.tools.consumer.ConsoleConsumer',
      [
        ...['--bootstrap-server', brokers, '--topic', topic, '--group', group, '--from-beginning'],
        ...[
          '--command-property',
          'group.protocol=consumer',
          '--command-property',
          'auto.commit.interval.ms=100',
        ],
      ],
      50_000,
    );
    child.stdin.end();
    onTestFinished(async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    });
    await once(child.stdout, 'data');
    await expect.poll(() => offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });
    expect(await describeGroups(kafka, [group])).toMatchObject([{ state: 'NewProtocol', members: [] }]);
    const { code, stderr } = await replay(group, '--to-earliest', '--execute');
    expect({ code, stderr }).toMatchObject({ code: 4, stderr: expect.stringContaining('has members') });
    expect(await offsetsOf(group)).toEqual({ 0: RECORDS, 1: RECORDS });
  });
});

describe('a side replay', () => {
  it('gives a new group its start and its end, and touches nothing of the live one, which reads on', async () => {
    const live = await groupAt(0n);
    const side = newGroup();
    const reading = await startReading(kafka, live, topic);
    onTestFinished(() => reading.stop());
    await expect.poll(() => offsetsOf(live)).toEqual({ 0: RECORDS, 1: RECORDS });
    const before = {
      committed: await readCommitted(kafka, live, topic),
      groups: await describeGroups(kafka, [live]),
    };

    const planned = await replay(live, '--to-earliest', '--into', side, '--until', 'now');
    expect(planned.code).toBe(0);
    expect(await describeGroups(kafka, [side])).toEqual([]);
    const { code, stdout, stderr } = await replay(
      ...[live, '--to-offset', '4', '--partition', '1', '--into', side, '--until', 'now', '--execute'],
    );
    expect({ code, stderr: withoutProgress(stderr) }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('16 records at most');
    // What is not replayed begins at its end.
    expect(await offsetsOf(side)).toEqual({ 0: RECORDS, 1: 4n });
    expect(Object.fromEntries(await readGroupBounds(kafka, side, topic))).toEqual({ 0: RECORDS, 1: RECORDS });

    expect(await readCommitted(kafka, live, topic)).toEqual(before.committed);
    expect(await describeGroups(kafka, [live])).toEqual(before.groups);
    // A new generation would have been a join.
    expect(reading.joins).toHaveLength(1);
    const readBefore = reading.read();
    await write(1);
    await expect.poll(() => reading.read()).toBe(readBefore + PARTITIONS.length);
    expect(reading.joins).toHaveLength(1);
    expect(Object.fromEntries(await readGroupBounds(kafka, side, topic))).toEqual({ 0: RECORDS, 1: RECORDS });
  });

  it('ends at a moment, or where a file says; a start behind that reads nothing', async () => {
    const live = await groupAt(2n, newGroup(), "a reader's own note");
    const before = await readCommitted(kafka, live, topic);
    const [ended, filed] = [newGroup(), newGroup()];
    await replay(live, '--to-current', '--into', ended, '--until', '2020-01-01', '--execute');
    expect(await offsetsOf(ended)).toEqual({ 0: 0n, 1: 0n });
    expect(Object.fromEntries(await readGroupBounds(kafka, ended, topic))).toEqual({ 0: 0n, 1: 0n });
    const file = join(folder, 'until.csv');
    writeFileSync(file, `${topic},0,7\n${topic},1,8\n`);
    await replay(live, '--to-current', '--into', filed, '--until', file, '--execute');
    expect(await offsetsOf(filed)).toEqual({ 0: 2n, 1: 2n });
    expect(Object.fromEntries(await readGroupBounds(kafka, filed, topic))).toEqual({ 0: 7n, 1: 8n });
    // Nobody is in the live group, so that the coordinator would take any commit.
    expect(await readCommitted(kafka, live, topic)).toEqual(before);
  });

  it('keeps its end when it is replayed itself', async () => {
    const side = await groupAt(9n, newGroup(), 'ticket-stream until=11');
    expect((await replay(side, '--to-earliest', '--execute')).code).toBe(0);
    expect(await offsetsOf(side)).toEqual({ 0: 0n, 1: 0n });
    expect(Object.fromEntries(await readGroupBounds(kafka, side, topic))).toEqual({ 0: 11n, 1: 11n });
  });

  it('says of an offset that the log does not have what it became, in every form', async () => {
    const live = await groupAt(2n);
    const asked = ['--to-offset', '99999', '--partition', '1', '--into', newGroup(), '--until', 'now'];
    expect((await replay(live, ...asked)).stdout).toMatch(/^ +1 .* asked for 99999; the log ends at \d+$/m);
    const { partitions } = JSON.parse((await replay(live, ...asked, '--json')).stdout) as {
      partitions: Record<string, unknown>[];
    };
    expect(partitions).toMatchObject([
      expect.not.objectContaining({ clampedFrom: expect.anything() }),
      { partition: 1, clampedFrom: '99999' },
    ]);
    const exported = await replay(live, ...asked, '--export');
    expect(exported.stderr).toContain('! partition 1: 99999 is outside the log');
  });

  it.each([
    ['alerting', 'alerting'],
    ['alerting, by its full name', `${topic}.alerting`],
    ['a search, by its full name', `${topic}.search.none-yet`],
  ])('is refused into %s, which is one of our own', async (_what, into) => {
    const live = await groupAt(2n);
    const { code, stderr } = await replay(live, '--to-latest', '--into', into, '--until', 'now', '--execute');
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('our own services') });
    expect(await describeGroups(kafka, [into])).toEqual([]);
  });

  it('is refused into a group that is there already, or beyond the log', async () => {
    const live = await groupAt(2n);
    const taken = await groupAt(9n);
    const { code, stderr } = await replay(
      live,
      '--to-earliest',
      '--into',
      taken,
      '--until',
      'now',
      '--execute',
    );
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('is there already') });
    expect(await offsetsOf(taken)).toEqual({ 0: 9n, 1: 9n });
    const file = join(folder, 'beyond.csv');
    writeFileSync(file, `${topic},0,99999\n`);
    const beyond = await replay(live, '--to-earliest', '--into', newGroup(), '--until', file, '--execute');
    expect({ code: beyond.code, stderr: beyond.stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('99999'),
    });
  });
});

async function killMember(group: string): Promise<void> {
  const program = fileURLToPath(new URL('../testing/member-to-kill.ts', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [program, brokers, group, topic], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
}
