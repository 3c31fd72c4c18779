import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { keyPartitioner } from '@ticket-stream/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLetterLog } from '../letters/letter-log.ts';
import { program, runCommand } from '../support/command.ts';
import { until } from '../support/condition.ts';

const ticket = (id: number, status: string, extra = '') =>
  Buffer.from(`{"id":${id},"status":"${status}","priority":"urgent","subject":"ticket ${id}"${extra}}`);
const BIG = 9007199254740993n;

let log: Awaited<ReturnType<typeof createLetterLog>>;
let places: Map<string, { partition: number; offset: bigint }>;

beforeAll(async () => {
  log = await createLetterLog('tail');
  const first = new Map([1, 2, 3, 4, 5].map((id) => [String(id), ticket(id, 'new')]));
  first.set(String(BIG), Buffer.from(`{"id":${BIG},"status":"hold","n":123456789012345678901}`));
  places = await log.publish(first);
  const createdAt = new Date(Date.now() + 60_000).toISOString();
  const second = new Map([1, 2].map((id) => [String(id), ticket(id, 'open', ',"tags":["vip"]')]));
  second.set('6', ticket(6, 'new', `,"created_at":"${createdAt}"`));
  await log.publish(second);
});
afterAll(() => log[Symbol.asyncDispose]());

const tail = (...args: string[]) => runCommand(['tail', ...args], log.env);
const all = ['--from', 'earliest', '--until', 'now'];

async function jsonOf(...args: string[]): Promise<Record<string, unknown>[]> {
  const { stdout, stderr, exitCode } = await tail(...args, '--json');
  expect([exitCode, stderr]).toEqual([0, '']);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

const idsOf = (lines: readonly Record<string, unknown>[]) => lines.map(({ ticketId }) => ticketId);

describe('a stretch of the topic', () => {
  it('is every record of it, a ticket in the order of the log, with what changed', async () => {
    const { stdout } = await tail(...all);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(9);
    const ofOne = lines.filter((line) => / 1 {2}changed/.test(line));
    expect(ofOne).toEqual([
      expect.stringMatching(/new +urgent +ticket 1$/),
      expect.stringMatching(/open +urgent +ticket 1 {2}\[status, tags\]$/),
    ]);
  });

  it('goes through as it is: every digit', async () => {
    const { stdout } = await tail(...all, '--json', '--key', String(BIG));
    expect(stdout).toContain(`"ticket":{"id":${BIG},"status":"hold","n":123456789012345678901}}\n`);
  });

  it('of one ticket reads its partition alone', async () => {
    expect(idsOf(await jsonOf(...all, '--key', '2'))).toEqual(['2', '2']);
    const { partition } = places.get('2') ?? { partition: -1 };
    const other = await tail(...all, '--key', '2', '--partition', String((partition + 1) % 12));
    expect(other.exitCode).toBe(2);
    expect(other.stderr).toContain(`It is in partition ${partition}.`);
  });

  it('begins at an offset, and ends at one', async () => {
    const { partition, offset } = places.get('2') ?? { partition: -1, offset: 0n };
    const at = ['--partition', String(partition), '--from', String(offset), '--until', String(offset + 1n)];
    expect(idsOf(await jsonOf(...at))).toEqual(['2']);
  });

  it('begins at a time, or so long ago', async () => {
    expect(await jsonOf('--from', '1h', '--until', 'now')).toHaveLength(9);
    expect(await jsonOf('--from', '2020-01-01', '--until', '2021-01-01')).toHaveLength(0);
    expect(await jsonOf('--from', 'latest', '--until', 'now')).toHaveLength(0);
  });

  it('ends after the limit', async () => {
    expect(await jsonOf('--from', 'earliest', '--limit', '3')).toHaveLength(3);
  });

  it.each([
    ["ticket.status == 'open'", ['1', '2']],
    ["'vip' in ticket.tags && ticket.id == 2", ['2']],
    ["previous.status == 'new' && ticket.status == 'open'", ['1', '2']],
    ["'tags' in changed", ['1', '2']],
    // Seen for the first time: what they were like before is not known.
    ['changed.size() > 0 || previous.id == null', ['1', '2', '6']],
    ["ticket.status == 'gone'", []],
  ])('--where %s finds %j', async (where, found) => {
    expect(idsOf(await jsonOf(...all, '--where', where)).toSorted()).toEqual(found);
  });

  it('--fields shows these alone', async () => {
    const [line] = await jsonOf(...all, '--key', '1', '--limit', '1', '--fields', 'status,via.channel');
    expect(line?.['fields']).toEqual({ status: 'new', 'via.channel': null });
    expect(line).not.toHaveProperty('ticket');
  });
});

describe('what cannot be followed is refused', () => {
  it.each([
    [['--where', 'ticket.status = 1'], 'did not expect'],
    [['--where', 'nobody.status == 1'], "there is no variable 'nobody'"],
    [['--from', '7'], 'Name the partition with --partition'],
    [['--from', '999', '--partition', '0'], 'It holds 0 to '],
    [['--from', 'yesterday'], 'It is earliest, latest, an offset'],
    [['--until', '2999-01-01'], 'Leave it out to follow the topic'],
    [['--from', '2999-01-01'], 'Leave it out to begin with what comes next'],
    [['--partition', '99'], 'Its partitions are 0 to 11'],
    [['--key', 'abc'], "a ticket's id"],
  ])('%j', async (args, words) => {
    const { exitCode, stderr, stdout } = await tail(...args);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(words);
  });

  it('a topic that is not there', async () => {
    const { exitCode, stderr } = await runCommand(['tail'], { ...log.env, TICKETS_TOPIC: 'never-made' });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('there is no topic never-made');
  });
});

describe('following', () => {
  const start = (args: string[], command = process.execPath) =>
    spawn(command, args, {
      cwd: tmpdir(),
      env: { PATH: process.env['PATH'], ...log.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('goes on until Ctrl-C, then tells what it saw: of one ticket, its partition alone', async () => {
    const partitionOf = keyPartitioner(12);
    const inPartitionOf5 = (id: number | bigint) => partitionOf(String(id)) === partitionOf('5');
    let neighbour = 100;
    while (!inPartitionOf5(neighbour)) neighbour++;
    await log.publish(new Map([[String(neighbour), ticket(neighbour, 'new')]]));
    // Of beforeAll; then the neighbour, and the 5 once more.
    const read = [1, 2, 3, 4, 5, BIG, 1, 2, 6].filter(inPartitionOf5).length + 2;
    const child = start([program, 'tail', '--from', '1h', '--key', '5']);
    const stderr = text(child.stderr);
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      seen += chunk;
    });
    await until('the line from before', () => seen.includes('ticket 5'));
    await log.publish(new Map([['5', ticket(5, 'solved')]]));
    await until('the line as it came', () => seen.includes('[status]'));
    child.kill('SIGINT');
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    expect(exitCode).toBe(0);
    expect(await stderr).toMatch(new RegExp(`^2 of ${read} records shown; the last of 20\\S+Z\\.\\n$`));
  });

  it('ends in silence when the reader of its pipe goes away', async () => {
    const line = `"${process.execPath}" "${program}" tail --from earliest --json; echo "exit $?" >&2`;
    const child = start(['-c', `{ ${line}; } | head -n 1`], '/bin/sh');
    const stderr = text(child.stderr);
    let seen = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      seen += chunk;
    });
    await until('the first line', () => seen.includes('\n'));
    // It notices with a line that nobody takes.
    const exited = once(child, 'exit');
    for (let n = 0; child.exitCode === null; n++) {
      await log.publish(new Map([['4', ticket(4, `solved ${n}`)]]));
      await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 200))]);
    }
    expect(seen.split('\n')).toHaveLength(2);
    expect(await stderr).toBe('exit 0\n');
  });
});
