import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { text } from 'node:stream/consumers';
import { openLetterDesk } from '@ticket-stream/kafka';
import { createTopic } from '@ticket-stream/kafka/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { program, runCommand } from '../support/command.ts';
import { until } from '../support/condition.ts';
import { createLetterLog, letterAbout } from './letter-log.ts';
import { startRetryingMember, type Verdict } from './retrying-member.ts';

const values = new Map([
  ['11', Buffer.from('{"id":11,"big":9007199254740993,"subject":"eleven"}')],
  ['12', Buffer.from('{"id":12,"subject":"twelve \u202e"')],
  ['13', Buffer.from(`{"id":13,"description":"${'x'.repeat(5_000)}"}`)],
  ['14', Buffer.from('{"id":14}')],
]);
const value = (id: string): Buffer => values.get(id) ?? Buffer.alloc(0);

let log: Awaited<ReturnType<typeof createLetterLog>>;
let member: Awaited<ReturnType<typeof startRetryingMember>>;
const verdicts = new Map<string, Verdict>();
const ids = new Map<string, string>();

type Json = { id: string; state: string; times: number; ticketId: string | null; [key: string]: unknown };

async function dlq(...args: string[]) {
  return runCommand(['dlq', ...args], log.env);
}

async function listed(...args: string[]): Promise<Json[]> {
  const { stdout, stderr, exitCode } = await dlq('list', '--json', ...args);
  expect([exitCode, stderr]).toEqual([0, '']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Json);
}

const idOf = (ticketId: string): string => ids.get(ticketId) ?? '';

beforeAll(async () => {
  log = await createLetterLog('dlq');
  const places = await log.publish(values);
  const place = (id: string) => places.get(id) ?? { partition: 0, offset: 0n };
  const sha256 = createHash('sha256').update(value('13')).digest('hex');
  await log.writer.write([
    letterAbout(log, '11', place('11'), value('11')),
    letterAbout(log, '12', place('12'), value('12')),
    letterAbout(log, '13', place('13'), value('13').subarray(0, 64), { byteLength: 5_026, sha256 }),
    letterAbout(log, '14', { partition: 3, offset: 900n }, value('14').subarray(0, 4), {
      byteLength: 9,
      sha256,
    }),
    letterAbout(log, '12', place('12'), value('12')),
  ]);
  const page = await log.publisher.beginPage();
  const origin = { kind: 'export', source: 'test:dlq', startTime: 1_700_000_000 } as const;
  await page.deadLetter({ code: 'ticket.no_id', cause: 'no id', origin, bytes: Buffer.from('[1]') });
  await page.deadLetter({
    ...{ code: 'ticket.no_version', cause: 'no time', origin, ticketId: '99' },
    bytes: Buffer.from('{"id":99}'),
  });
  await page.commit({ page: 99 });
  const { brokers, tickets, group } = log;
  member = await startRetryingMember({
    ...{ brokers, tickets, group },
    verdictOf: ({ key }) => verdicts.get(String(key)) ?? 'applied',
  });
  await until('every letter to be readable', async () => (await listed()).length === 6);
  for (const { id, ticketId } of await listed()) ids.set(ticketId ?? 'none', id);
});
afterAll(async () => {
  await member[Symbol.asyncDispose]();
  await log[Symbol.asyncDispose]();
});

describe('dlq list', () => {
  it('shows one row a letter, repeats counted, the newest last', async () => {
    const { stdout } = await dlq('list');
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^ID +LAST WRITTEN \(UTC\) +STATE +CODE +FROM +TICKET +TIMES +CAUSE$/);
    expect(lines.find((line) => line.startsWith(idOf('12')))).toMatch(
      /open +record\.invalid_value +\S+ \d+@\d+ +12 +2 +its value is no JSON/,
    );
    expect(lines.at(-1)).toBe('6 letters: 6 open.');
  });

  it.each([
    [['--code', 'ticket.no_id,ticket.no_version'], 2],
    [['--origin', 'record'], 4],
    [['--group', 'search'], 4],
    [['--group', 'alerting'], 0],
    [['--until', '2026-01-01'], 0],
    [['--state', 'dropped'], 0],
    [['--state', 'all', '--since', '1h'], 6],
  ])('%j finds %d', async (filters, found) => {
    expect(await listed(...filters)).toHaveLength(found);
  });

  it.each([
    ['--state', 'gone', 'There are open'],
    ['--since', 'yesterday', 'It must be a date'],
    ['--origin', 'x', 'Allowed choices'],
  ])('%s %s is refused, with what there is', async (flag, given, words) => {
    const { exitCode, stderr } = await dlq('list', flag, given);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
  });
});

describe('dlq show', () => {
  it('tells everything, with the bytes digit for digit', async () => {
    const { stdout } = await dlq('show', idOf('11').slice(0, 6));
    expect(stdout).toContain(`consumer group ${log.group}, at offset`);
    expect(stdout).toContain('→ Look at the dead letter: its value is not the JSON of a ticket.');
    expect(stdout).toContain('"big": 9007199254740993');
  });

  it('moves no cursor and turns no text around', async () => {
    const { stdout } = await dlq('show', idOf('12'));
    expect(stdout).toContain('twelve \\u202e');
    expect(stdout).not.toContain('\u202e');
  });

  it('--raw is the bytes alone; --json has them as base64', async () => {
    expect((await dlq('show', idOf('12'), '--raw')).stdout).toBe(value('12').toString());
    const { stdout } = await dlq('show', idOf('12'), '--json');
    const { value: base64, times } = JSON.parse(stdout) as { value: string; times: number };
    expect(Buffer.from(base64, 'base64').equals(value('12'))).toBe(true);
    expect(times).toBe(2);
  });

  it('--raw of one whose bytes are gone says so', async () => {
    const desk = await openLetterDesk(log.kafka, log.names.deadLetters);
    await desk.setState({ key: '77', state: 'skipped' }, { 'dlq-code': 'ticket.too_deep' });
    await desk.close();
    const { stdout, stderr, exitCode } = await dlq('show', '77', '--raw');
    expect([stdout, exitCode]).toEqual(['', 2]);
    expect(stderr).toContain('the topic no longer has its bytes');
    expect((await dlq('show', '77')).stdout).toContain('The topic no longer has its bytes.');
  });

  it('says of a cut one how much there was', async () => {
    expect((await dlq('show', idOf('13'))).stdout).toMatch(
      /the first 64 bytes of 5,026, SHA-256 [0-9a-f]{64}/,
    );
  });

  it.each([
    ['ffff', 'there is no letter ffff'],
    ['no-id', 'there is no letter no-id'],
  ])('%s is refused', async (name, words) => {
    const { exitCode, stderr } = await dlq('show', name);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(words);
  });
});

describe('dlq retry', () => {
  it('of a letter goes through the group again, and says what became of it', async () => {
    verdicts.set('11', 'applied');
    const { stdout, stderr, exitCode } = await dlq('retry', idOf('11'));
    expect([stdout.split('\n').at(-2), exitCode]).toEqual(['1 applied.', 0]);
    // A busy machine may take so long that it says what it waits for.
    expect(stderr.replaceAll(/^\d of 1 sent.* s\)\n/gm, '')).toBe('');
    expect(member.received.at(-1)).toMatchObject({ key: Buffer.from('11'), value: value('11') });
    expect(await listed('--state', 'applied')).toMatchObject([{ ticketId: '11', times: 1 }]);
  });

  it('of one that was cut takes the record from the topic, header for header', async () => {
    verdicts.set('13', 'stale');
    const { stdout, exitCode } = await dlq('retry', idOf('13'));
    expect(stdout).toMatch(/^[0-9a-f]{8} {2}stale +ticket 13/);
    expect(exitCode).toBe(0);
    const record = member.received.at(-1);
    expect(record?.value?.equals(value('13'))).toBe(true);
    expect(String(record?.headers?.['ce_subject'])).toBe('13');
  });

  it('of one that fails again is a repeat of the letter, open, and exit code 5', async () => {
    verdicts.set('12', 'fails');
    const { stdout, exitCode } = await dlq('retry', idOf('12'));
    expect(stdout).toMatch(/failed again +ticket 12, .*: record\.invalid_value/);
    expect(exitCode).toBe(5);
    expect((await listed()).find(({ ticketId }) => ticketId === '12')).toMatchObject({
      state: 'open',
      times: 3,
      cause: 'still no JSON',
    });
  });

  it('of one whose record is gone, without an id, or settled already is refused, and nothing is sent', async () => {
    const before = member.received.length;
    const { stdout, exitCode } = await dlq('retry', idOf('14'), idOf('none'), idOf('11'));
    expect(stdout).toContain('only its head was kept');
    expect(stdout).toContain('it has no id by which the ticket could be fetched again');
    expect(stdout).toContain('an earlier retry of it was applied');
    expect(stdout).toContain('3 not retried.');
    expect(exitCode).toBe(5);
    expect(member.received).toHaveLength(before);
  });

  it('of a cut one is refused where another record lies in its place now', async () => {
    const [place] = (await log.publish(new Map([['16', Buffer.from('{"id":16}')]]))).values();
    const whole = { byteLength: 9, sha256: createHash('sha256').update('{"id":61}').digest('hex') };
    if (place === undefined) throw new Error('16 was not published');
    await log.writer.write([letterAbout(log, '16', place, Buffer.from('{"id'), whole)]);
    const before = member.received.length;
    const found = (await listed()).find(({ ticketId }) => ticketId === '16');
    const { stdout, exitCode } = await dlq('retry', found?.id ?? '');
    expect(stdout).toContain(`another record lies at offset ${place.offset} of ${log.tickets} now`);
    expect(exitCode).toBe(5);
    expect(member.received).toHaveLength(before);
  });

  it("of the producer's letter asks for the ticket by its id", async () => {
    const { stdout, exitCode } = await dlq('retry', '--code', 'ticket.no_version', '--no-wait');
    expect(stdout).toMatch(/on the way +ticket 99, export\n1 on the way\.\n$/);
    expect(exitCode).toBe(0);
    const topic = `${log.tickets}.retry.producer`;
    const to = await log.reader.stableEndOffsets(topic);
    const [requests] = await Array.fromAsync(log.reader.read(topic, { from: new Map(), to }));
    expect(requests).toMatchObject([
      { key: Buffer.from('99'), headers: { 'retry-letter': Buffer.from('99') } },
    ]);
    expect(await listed('--state', 'retrying')).toMatchObject([
      { ticketId: '99', by: expect.stringContaining('@') },
    ]);
  });

  it('says into a log whom it waits for; Ctrl-C ends the waiting', async () => {
    const args = ['dlq', 'retry', '--code', 'ticket.no_version', '--state', 'retrying'];
    const child = spawn(process.execPath, [program, ...args], {
      cwd: tmpdir(),
      env: { PATH: process.env['PATH'], ...log.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const closed = once(child, 'close');
    const stdout = text(child.stdout);
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
      // On a busy machine it may be late already while it sends.
      if (stderr.includes('waiting for the producer')) child.kill('SIGINT');
    });
    const [exitCode] = await closed;
    expect(stderr).toMatch(/^1 of 1 sent, waiting for the producer \(1\) \(\d+ s\)\n/m);
    expect([(await stdout).split('\n').at(-2), exitCode]).toEqual(['1 on the way.', 0]);
  });

  it('of a group that nobody runs says so, and does not wait', async () => {
    const group = `${log.tickets}.nobody`;
    await log.writer.write([letterAbout({ ...log, group }, '21', { partition: 1, offset: 5n }, value('14'))]);
    const { stdout, stderr, exitCode } = await dlq('retry', '--group', 'nobody');
    expect(stderr).toContain(`No member of ${group} runs now`);
    expect([stdout.split('\n').at(-2), exitCode]).toEqual(['1 on the way.', 0]);
  });

  it('of letters that cannot go says why of each, and sends the others', async () => {
    const { tickets, group } = log;
    const few = `${tickets}.few`;
    await createTopic(log.kafka, `${tickets}.retry.few`, 1);
    const letters = [
      letterAbout(
        { tickets, group: 'billing/eu\u001b[2J\u202e' },
        '51',
        { partition: 0, offset: 1n },
        value('14'),
      ),
      letterAbout({ tickets, group: few }, '52', { partition: 3, offset: 1n }, value('14')),
      letterAbout({ tickets, group: few }, '53', { partition: 4, offset: 1n }, value('14')),
      letterAbout({ tickets: `${tickets}-gone`, group }, '54', { partition: 0, offset: 1n }, value('14')),
      letterAbout({ tickets, group }, '55', { partition: 99, offset: 1n }, value('14')),
      letterAbout({ tickets, group }, '56', { partition: 1, offset: 1n }, value('14')),
    ];
    await log.writer.write(letters);
    const found = (await listed()).filter(({ ticketId }) => ticketId !== null && /^5\d$/.test(ticketId));
    expect(found).toHaveLength(letters.length);
    const { stdout, stderr, exitCode } = await dlq('retry', ...found.map(({ id }) => id));
    const lineOf = (ticketId: string) =>
      stdout.split('\n').find((line) => line.includes(` ticket ${ticketId}, `)) ?? '';
    expect(lineOf('51')).toMatch(/not retried +ticket 51, .*can have no topic for its retries.*by a replay/);
    for (const id of ['52', '53']) expect(lineOf(id)).toContain('.retry.few has 1 of 12 partitions');
    expect(lineOf('54')).toContain(`there is no topic ${tickets}-gone`);
    expect(lineOf('55')).toContain(`${tickets} has no partition 99`);
    expect(lineOf('56')).toContain('applied');
    expect(stdout.split('\n').at(-2)).toBe('5 not retried, 1 applied.');
    // The group of a letter is what its writer calls it.
    expect(stdout).toMatch(/^[ -~\n]*$/);
    // What somebody has to do about a topic is told once, not with each of its letters.
    expect(stderr.split('kafka-topics.sh --alter')).toHaveLength(2);
    expect(exitCode).toBe(2);
    const states = new Map((await listed('--state', 'all')).map(({ ticketId, state }) => [ticketId, state]));
    expect(['51', '52', '53', '54', '55'].map((id) => states.get(id))).toEqual(Array(5).fill('open'));
  });

  it('needs to know of which letters', async () => {
    for (const args of [[], [idOf('12'), '--all']]) {
      const { exitCode, stderr } = await dlq('retry', ...args);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('Nothing was sent.');
    }
  });
});

describe('dlq drop', () => {
  it('asks, and where nobody can be asked changes nothing', async () => {
    const { exitCode, stderr } = await dlq('drop', idOf('14'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--yes');
    expect((await listed()).some(({ ticketId }) => ticketId === '14')).toBe(true);
  });

  it('is on record with who and why, and leaves the bytes', async () => {
    const { exitCode, stdout } = await dlq('drop', idOf('14'), '--yes', '--reason', 'a test ticket');
    expect([exitCode, stdout.split('\n').at(-2)]).toEqual([0, '1 letter dropped.']);
    expect(await listed('--state', 'dropped')).toMatchObject([{ ticketId: '14', reason: 'a test ticket' }]);
    expect((await listed()).some(({ ticketId }) => ticketId === '14')).toBe(false);
    expect((await dlq('show', idOf('14'), '--raw')).stdout).toBe(value('14').subarray(0, 4).toString());
    expect((await dlq('show', idOf('14'))).stdout).toMatch(/dropped since .*, by .+@.+: a test ticket/);
    // The topic may forget the letter before the decision, which then says alone what it is about.
    const to = await log.reader.stableEndOffsets(log.names.deadLetters);
    const records = await Array.fromAsync(log.reader.read(log.names.deadLetters, { from: new Map(), to }));
    expect(records.flat().at(-1)?.headers).toMatchObject({
      'dlq-state': Buffer.from('dropped'),
      'dlq-code': Buffer.from('record.invalid_value'),
      'dlq-offset': Buffer.from('900'),
    });
  });
});

describe('a reader of the pipe that goes away is no failure', () => {
  async function intoPipe(args: string, reader: string): Promise<string> {
    const command = `"${process.execPath}" "${program}" dlq ${args}; echo "exit $?" >&2`;
    const shell = spawn('/bin/sh', ['-c', `{ ${command}; } | ${reader}`], {
      cwd: tmpdir(),
      env: { PATH: process.env['PATH'], ...log.env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return text(shell.stderr);
  }

  it('of a list', async () => {
    expect(await intoPipe('list --state all --json', 'true')).toBe('exit 0\n');
  });

  it("of a letter's bytes, more than the pipe holds", async () => {
    const large = letterAbout(log, '31', { partition: 0, offset: 700n }, Buffer.alloc(300_000, 'x'));
    await log.writer.write([large]);
    const found = (await listed()).find(({ ticketId }) => ticketId === '31');
    expect(await intoPipe(`show ${found?.id} --raw`, 'head -c 5')).toBe('exit 0\n');
  });
});

it('a topic that has no letters yet is no error', async () => {
  const { exitCode, stdout } = await runCommand(['dlq', 'list'], { ...log.env, TICKETS_TOPIC: 'never-made' });
  expect([exitCode, stdout]).toEqual([0, 'No dead letters.\n']);
});
