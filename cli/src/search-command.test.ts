import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { hitTable } from './hit-table.ts';
import { markQuery } from './query-mark.ts';
import { searchCommand } from './search-command.ts';

const rows = [
  { id: '1', status: 'open', priority: 'high', updated: '2026-03-01 10:00:00', subject: 'Refund please' },
  {
    id: '9007199254740993',
    status: 'new',
    priority: '',
    updated: '2026-03-01 10:00:01',
    subject: '返金のお願い '.repeat(8),
  },
  {
    id: '3',
    status: 'hold',
    priority: '',
    updated: '2026-03-01 10:00:02',
    subject: '👩‍👩‍👧‍👦 family plan 👍🏽'.repeat(6),
  },
];

/** How wide a terminal shows it, counted here without the library that the table itself uses. */
function shownWidth(line: string): number {
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(line)) {
    width += /\p{Emoji_Presentation}|[\u3000-\u9fff]/u.test(segment) ? 2 : 1;
  }
  return width;
}

describe('the table of hits', () => {
  it('fits the terminal, whatever the letters', () => {
    for (const width of [80, 100, 133]) {
      for (const line of hitTable(rows, width, false)) expect(shownWidth(line)).toBeLessThanOrEqual(width);
    }
    expect(hitTable(rows, 100, false)).toMatchInlineSnapshot(`
      [
        "ID                STATUS  PRIORITY  UPDATED (UTC)        SUBJECT",
        "1                 open    high      2026-03-01 10:00:00  Refund please",
        "9007199254740993  new               2026-03-01 10:00:01  返金のお願い 返金のお願い 返金のお願い 返…",
        "3                 hold              2026-03-01 10:00:02  👩‍👩‍👧‍👦 family plan 👍🏽👩‍👩‍👧‍👦 family plan 👍🏽👩‍👩‍👧‍👦 famil…",
      ]
    `);
  });

  it('cuts nothing off where it is not a terminal', () => {
    const [, , japanese, family] = hitTable(rows, undefined, false);
    expect(japanese).toContain('返金のお願い '.repeat(8).trim());
    expect(family).toContain('👩‍👩‍👧‍👦 family plan 👍🏽'.repeat(6));
  });

  it('shows text as text: nothing in a subject reaches the terminal as a command', () => {
    const subject = 'a\u001b[2J\u001b]0;title\u0007b\nc\u202ed\u2028e\u009b31m';
    const [, line = ''] = hitTable(
      [{ ...(rows[0] ?? { id: '', status: '', priority: '', updated: '' }), subject }],
      200,
      false,
    );
    expect(line).not.toMatch(/[\p{Cc}\u202e\u2028]/u);
    expect(line).toContain('a [2J ]0;title b c d e 31m');
  });
});

describe('the mark under a wrong query', () => {
  it('stands under the place, also behind wide letters', () => {
    expect(markQuery('返金 stauts:open', 3, 6)).toEqual(['返金 stauts:open', '     ^^^^^^']);
    expect(markQuery('say "x', 4, 1)).toEqual(['say "x', '    ^']);
  });
});

describe('ticket-stream search', () => {
  async function run(args: string[], answer: { status: number; body: string }) {
    const asked: IncomingMessage[] = [];
    const server = createServer((request, response) => {
      asked.push(request);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    onTestFinished(() => void server.close());
    const written = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      vi.spyOn(process[name], 'write').mockImplementation((chunk) => {
        written[name] += String(chunk);
        return true;
      });
    }
    const exitCodeBefore = process.exitCode;
    try {
      await searchCommand().parseAsync(['node', 'search', ...args, '--url', `http://127.0.0.1:${port}`]);
      return { ...written, exitCode: process.exitCode, url: asked[0]?.url };
    } finally {
      process.exitCode = exitCodeBefore;
      vi.restoreAllMocks();
    }
  }

  const body =
    '{"total":1234,"hits":[{"id":9007199254740993,"updated_stamp":"2026-03-01T10:00:00Z","deleted":false,"score":1,' +
    '"ticket":{"id":9007199254740993,"status":"open","subject":"Refund"}}],"next":"abc"}';

  it('asks for what was typed and shows a table, ids with all their digits', async () => {
    const result = await run(['refund', 'status:open', '--limit', '1', '--deleted'], { status: 200, body });
    expect(result.exitCode).toBe(0);
    expect(result.url).toBe('/search?q=refund+status%3Aopen&limit=1&deleted=true');
    expect(result.stdout).toMatchInlineSnapshot(`
      "ID                STATUS  PRIORITY  UPDATED (UTC)        SUBJECT
      9007199254740993  open              2026-03-01 10:00:00  Refund

      1 of 1,234 tickets; go on with --cursor abc
      "
    `);
  });

  it('takes what a query leaves out for a part of the query, not for an option', async () => {
    for (const args of [
      ['refund', '-status:closed', '-VIP'],
      ['-spam', '--limit', '3', '-h4'],
    ]) {
      const result = await run(args, { status: 200, body });
      expect(new URL(result.url ?? '', 'http://x').searchParams.get('q')).toBe(
        args.filter((word) => word !== '--limit' && word !== '3').join(' '),
      );
    }
  });

  it('refuses an option that there is not, and names those there are', async () => {
    const output = { writeErr: vi.fn() };
    const command = searchCommand().configureOutput(output).exitOverride();
    await expect(command.parseAsync(['node', 'search', 'x', '--limt', '3'])).rejects.toThrow(
      "unknown option '--limt'; there are --limit, --cursor, --deleted, --json, --url, --data-dir",
    );
  });

  it('prints the answer as it is with --json', async () => {
    expect((await run(['x', '--json'], { status: 200, body })).stdout).toBe(`${body}\n`);
  });

  it('says that nothing was found, and that is no error', async () => {
    const result = await run(['x'], { status: 200, body: '{"total":0,"hits":[],"next":null}' });
    expect(result).toMatchObject({ exitCode: 0, stdout: 'No ticket matches.\n' });
  });

  it('marks what is wrong with a query and ends with 2', async () => {
    const error = { code: 'search.bad_query', message: 'unknown key "stauts"', position: 7, length: 6 };
    const result = await run(['refund stauts:open'], { status: 400, body: JSON.stringify({ error }) });
    expect(result.exitCode).toBe(2);
    expect(result.stdout).toBe('');
    expect(result.stderr).toBe(
      'ticket-stream search: unknown key "stauts"\n  refund stauts:open\n         ^^^^^^\n',
    );
  });

  it('survives an answer that is not of the search service', async () => {
    const result = await run(['x'], { status: 404, body: '<html>' });
    expect(result.stderr).toBe('ticket-stream search: the service answered 404\n');
    expect(result.exitCode).toBe(2);
  });

  it.each([
    ['a page', '<html>'],
    ['JSON of something else', '{"ok":true}'],
    ['a text', '"ok"'],
  ])('says that something else answers there, when that gives %s with status 200', async (_what, other) => {
    for (const args of [['x'], ['x', '--json']]) {
      await expect(run(args, { status: 200, body: other })).rejects.toMatchObject({
        code: 'config.invalid',
        message: expect.stringMatching(/^what answers at http:\S+ is not the search service$/),
        remedy: expect.stringContaining('--url'),
      });
    }
  });

  it('takes a service that waits for its index for no defect', async () => {
    const error = { code: 'sink.unavailable', message: 'the index is busy' };
    const result = await run(['x'], { status: 503, body: JSON.stringify({ error }) });
    expect(result).toMatchObject({ exitCode: 2, stderr: 'ticket-stream search: the index is busy\n' });
  });

  it('looks on the data folder that a file .env names, as every command does, and not in an empty name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-search-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const before = process.cwd();
    process.chdir(folder);
    onTestFinished(() => process.chdir(before));
    const search = () => searchCommand().parseAsync(['node', 'search', 'x']);
    vi.stubEnv('DATA_DIR', '');
    onTestFinished(() => void vi.unstubAllEnvs());
    await expect(search()).rejects.toMatchObject({ message: expect.stringMatching(/\/\.data$/) });
    writeFileSync('.env', 'DATA_DIR=of-the-file\n');
    await expect(search()).rejects.toMatchObject({ message: expect.stringMatching(/\/of-the-file$/) });
  });

  it('says what to start where no service runs', async () => {
    const command = searchCommand().parseAsync([
      'node',
      'search',
      'x',
      '--data-dir',
      `${tmpdir()}/no-such-folder`,
    ]);
    await expect(command).rejects.toMatchObject({
      code: 'config.invalid',
      exitCode: 2,
      message: expect.stringContaining('no search service runs'),
      remedy: expect.stringContaining('npm start'),
    });
    await expect(
      searchCommand().parseAsync(['node', 'search', 'x', '--url', 'http://127.0.0.1:1']),
    ).rejects.toMatchObject({ message: 'the search service at http://127.0.0.1:1 does not answer' });
  });
});
