/**
 * `ticket-stream replay` gives the offsets that Kafka's own kafka-consumer-groups gives. Each row: two groups in the same
 * state, the same flags, the real tool on one and ours on the other; then what the coordinator has for both.
 *
 * Both are started for each row, as a person does; the tool's Java VM from an archive of its loaded classes, which halves
 * its start (1.1 to 0.6 s of processor).
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runKafkaTool, sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { commitGroupOffsets, connectKafka, silentLogger } from '@ticket-stream/kafka';
import { createTopic } from '@ticket-stream/kafka/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommand, withoutProgress } from '../testing/run-command.ts';

const { brokers } = sharedKafka();
const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
const admin = kafka.admin();
const prefix = topicPrefix('replay-parity');
const topic = `${prefix}tickets`;
const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-replay-'));
const environment = { KAFKA_BROKERS: brokers, TICKETS_TOPIC: topic, DATA_DIR: folder };
const TOOL = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
const toolClasses = join(folder, 'tool.jsa');
const producer = kafka.producer({
  transactionalId: `${prefix}writer`,
  maxInFlightRequests: 1,
  idempotent: true,
  transactionTimeout: 900_000,
});

const HOUR_MS = 3_600_000;
/** Of the first record; one every two hours. So far apart that no clock of either tool stands between two of them. */
const firstMs = Math.floor(Date.now() / 1000) * 1000 - 24 * HOUR_MS;
const moment = (hours: number): string => new Date(firstMs + hours * HOUR_MS).toISOString().replace('Z', '');

/** Partition 0: 0 to 10. 1: 3 to 10, cut. 2: empty. 3: 0 to 8: records, a marker, and two in an open transaction. */
beforeAll(async () => {
  await admin.connect();
  await createTopic(kafka, topic, 4);
  await producer.connect();
  const records = (count: number, firstHour = 0) =>
    Array.from({ length: count }, (_, at) => ({
      value: 'record',
      timestamp: String(firstMs + (firstHour + 2 * at) * HOUR_MS),
    }));
  const plain = kafka.producer();
  await plain.connect();
  for (const partition of [0, 1]) {
    for (const each of records(10)) await plain.send({ topic, messages: [{ ...each, partition }] });
  }
  await plain.disconnect();
  await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '3' }] });
  const whole = await producer.transaction();
  await whole.send({ topic, messages: records(5).map((each) => ({ ...each, partition: 3 })) });
  await whole.commit();
  const open = await producer.transaction();
  await open.send({ topic, messages: records(2, 10).map((each) => ({ ...each, partition: 3 })) });
  await runKafkaTool(
    TOOL,
    [
      ...['--bootstrap-server', brokers, '--group', `${prefix}nobody`, '--reset-offsets', '--dry-run'],
      ...['--topic', topic, '--to-earliest'],
    ],
    { jvm: [`-XX:ArchiveClassesAtExit=${toolClasses}`] },
  );
});

afterAll(async () => {
  await producer.disconnect();
  await admin.disconnect();
  rmSync(folder, { recursive: true, force: true });
});

type State = Readonly<Record<number, bigint>>;
const states = {
  whole: { 0: 5n, 1: 7n, 2: 0n, 3: 2n },
  partly: { 0: 5n },
  /** Partition 1 stands where its records are gone; 0 beyond its end. */
  outside: { 0: 50n, 1: 1n, 2: 0n, 3: 2n },
  nothing: {},
} as const satisfies Record<string, State>;

interface Row {
  readonly flags: readonly string[];
  readonly state?: keyof typeof states;
  readonly partitions?: string;
  /** Written to a file, which takes the place of FILE in the flags; GROUP is either group. */
  readonly file?: string;
}

const rows: readonly Row[] = [
  { flags: ['--to-earliest'] },
  { flags: ['--to-earliest'], state: 'partly' },
  { flags: ['--to-earliest'], state: 'outside' },
  { flags: ['--to-earliest'], state: 'nothing' },
  { flags: ['--to-earliest'], partitions: '1' },
  { flags: ['--to-earliest'], partitions: '0,2' },
  { flags: ['--to-latest'] },
  { flags: ['--to-latest'], state: 'nothing' },
  { flags: ['--to-latest'], partitions: '3' },
  { flags: ['--to-current'] },
  { flags: ['--to-current'], state: 'partly' },
  { flags: ['--to-current'], state: 'outside' },
  { flags: ['--to-current'], state: 'nothing' },
  { flags: ['--to-offset', '0'] },
  { flags: ['--to-offset', '4'] },
  { flags: ['--to-offset', '4'], partitions: '0' },
  { flags: ['--to-offset', '9999'] },
  { flags: ['--to-offset', '-5'] },
  { flags: ['--to-offset', '10'], partitions: '0,1' },
  { flags: ['--shift-by', '2'] },
  { flags: ['--shift-by', '-2'] },
  { flags: ['--shift-by', '0'] },
  { flags: ['--shift-by', '1000'] },
  { flags: ['--shift-by', '-1000'] },
  { flags: ['--shift-by', '-1'], state: 'outside' },
  { flags: ['--shift-by', '1'], state: 'partly', partitions: '0' },
  { flags: ['--to-datetime', moment(-100)] },
  { flags: ['--to-datetime', moment(6)] },
  { flags: ['--to-datetime', moment(7)] },
  { flags: ['--to-datetime', moment(12)], partitions: '3' },
  { flags: ['--to-datetime', moment(500)] },
  { flags: ['--to-datetime', `${moment(7)}Z`] },
  { flags: ['--to-datetime', `${moment(7)}+02:00`] },
  { flags: ['--to-datetime', `${moment(7)}-0300`] },
  { flags: ['--to-datetime', `${moment(7)}+05`] },
  { flags: ['--by-duration', 'PT13H'] },
  { flags: ['--by-duration', 'P1D'] },
  { flags: ['--by-duration', 'P0DT12H60M'] },
  { flags: ['--by-duration', 'pt46800.5s'] },
  { flags: ['--by-duration', 'PT0S'] },
  { flags: ['--by-duration', '-PT1H'] },
  { flags: ['--by-duration', 'P9999D'] },
  { flags: ['--from-file', 'FILE'], file: `${topic},0,3\n${topic},1,8\n${topic},3,6\n` },
  { flags: ['--from-file', 'FILE'], file: `"${topic}",0,3\n"${topic}",2,0\n` },
  { flags: ['--from-file', 'FILE'], file: `${topic},0,9999\n${topic},1,0\n` },
  { flags: ['--from-file', 'FILE'], file: `${topic},0,3\n${topic},0,4` },
  { flags: ['--from-file', 'FILE'], file: `GROUP,${topic},0,3\nanother,${topic},0,9\n` },
];

/** Neither moves anything. */
const refusals: readonly Row[] = [
  { flags: [] },
  { flags: ['--to-earliest', '--to-latest'] },
  { flags: ['--to-offset', 'ten'] },
  { flags: ['--to-offset', '9223372036854775808'] },
  { flags: ['--shift-by', '1'], state: 'partly' },
  { flags: ['--shift-by', '1.5'] },
  { flags: ['--to-datetime', '2026-02-30T00:00:00.000'] },
  { flags: ['--to-datetime', '2026-01-01T24:00:00.000'] },
  { flags: ['--to-datetime', 'yesterday'] },
  { flags: ['--to-datetime', '1969-12-31T00:00:00.000'] },
  { flags: ['--by-duration', 'P1W'] },
  { flags: ['--by-duration', 'PT'] },
  { flags: ['--by-duration', 'P100000D'] },
  { flags: ['--to-earliest'], partitions: '7' },
  { flags: ['--from-file', 'FILE'], file: `another,${topic},0,9\n` },
  { flags: ['--from-file', 'FILE'], file: `${topic},zero,9\n` },
  { flags: ['--from-file', 'FILE'], file: `${topic},0,-9\n` },
  { flags: ['--from-file', join(folder, 'no-such-file')] },
];

let groups = 0;

/** Both tools on groups of their own in the same state, at once: they do not wait for each other. */
async function both({ flags, state = 'whole', partitions, file }: Row) {
  const number = groups++;
  const [tools, ours] = [`${prefix}${number}-tool`, `${prefix}${number}-ours`];
  const committed = new Map(
    Object.entries(states[state]).map(([partition, offset]) => [Number(partition), { offset }]),
  );
  if (committed.size > 0) {
    await commitGroupOffsets(kafka, tools, topic, committed);
    await commitGroupOffsets(kafka, ours, topic, committed);
  }
  const flagsOf = (group: string): string[] => {
    const path = join(folder, `${group}.csv`);
    if (file !== undefined) writeFileSync(path, file.replaceAll('GROUP', group));
    return flags.map((flag) => (flag === 'FILE' ? path : flag));
  };
  const scope = flags.includes('--from-file')
    ? []
    : ['--topic', `${topic}${partitions === undefined ? '' : `:${partitions}`}`];
  const args = [...flagsOf(ours), ...(partitions === undefined ? [] : ['--partition', partitions])];
  const [tool, command] = await Promise.all([
    runKafkaTool(
      TOOL,
      [
        ...['--bootstrap-server', brokers, '--group', tools, '--reset-offsets', '--execute', ...scope],
        ...flagsOf(tools),
      ],
      { jvm: [`-XX:SharedArchiveFile=${toolClasses}`] },
    ),
    runCommand(['replay', ours, '--execute', '--create', ...args], environment),
  ]);
  return { tool, command, offsets: { tools: await offsetsOf(tools), ours: await offsetsOf(ours) } };
}

async function offsetsOf(groupId: string): Promise<Record<number, bigint>> {
  const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return Object.fromEntries(
    (answer?.partitions ?? [])
      .map(({ partition, offset }) => [partition, BigInt(offset)] as const)
      .filter(([, offset]) => offset >= 0n),
  );
}

const titleOf = ({ flags, state = 'whole', partitions, file }: Row): string =>
  [
    flags.join(' ') || 'no flag',
    partitions === undefined ? '' : `of ${partitions}`,
    `with ${state} committed`,
    file === undefined ? '' : JSON.stringify(file.replaceAll(topic, 'TOPIC')),
  ].join(' ');

describe('replay beside kafka-consumer-groups', () => {
  it.each(rows.map((row) => [titleOf(row), row] as const))('%s: the same offsets', async (_title, row) => {
    const { tool, command, offsets } = await both(row);
    expect({ code: command.code, stderr: withoutProgress(command.stderr) }).toEqual({ code: 0, stderr: '' });
    expect(offsets.ours).toEqual(offsets.tools);
    // A tool that did nothing would agree with one that did nothing: what it says it set is what is compared.
    const said = [...tool.stdout.matchAll(/^\S+\s+\S+\s+(\d+)\s+(\d+)\s*$/gm)].map((match) =>
      match.slice(1).map(Number),
    );
    expect(said.length).toBeGreaterThan(0);
    for (const [partition = -1, offset] of said) expect(offsets.tools[partition]).toBe(BigInt(offset ?? -1));
  });

  it.each(refusals.map((row) => [titleOf(row), row] as const))('%s: refused by both', async (_title, row) => {
    const { tool, command, offsets } = await both(row);
    expect(command.code).toBe(2);
    expect(withoutProgress(command.stderr)).toMatch(/^(ticket-stream|error): .+\n/);
    expect(`${tool.stdout}${tool.stderr}`).toMatch(/error|exception|cannot|missing|must|only/i);
    const untouched = states[row.state ?? 'whole'];
    expect(offsets).toEqual({ tools: untouched, ours: untouched });
  });

  it('each reads the file that the other exports', async () => {
    const group = `${prefix}exchange`;
    await commitGroupOffsets(kafka, group, topic, new Map([[0, { offset: 4n }]]));
    const ours = join(folder, 'ours.csv');
    const tools = join(folder, 'tools.csv');
    const exported = await runCommand(['replay', group, '--to-offset', '6', '--export'], environment);
    writeFileSync(ours, exported.stdout);
    const scope = ['--bootstrap-server', brokers, '--group', group, '--reset-offsets'];
    const read = await runKafkaTool(TOOL, [...scope, '--from-file', ours, '--execute', '--export']);
    expect(await offsetsOf(group)).toEqual({ 0: 6n, 1: 6n, 2: 0n, 3: 6n });

    const csv = read.stdout.split('\n').filter((line) => line.split(',').length === 3);
    writeFileSync(tools, csv.join('\n'));
    await runCommand(['replay', group, '--to-earliest', '--execute'], environment);
    expect(await offsetsOf(group)).toEqual({ 0: 0n, 1: 3n, 2: 0n, 3: 0n });
    const back = await runCommand(['replay', group, '--from-file', tools, '--execute'], environment);
    expect(back.code).toBe(0);
    expect(await offsetsOf(group)).toEqual({ 0: 6n, 1: 6n, 2: 0n, 3: 6n });
  });
});
