import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SimulatorStatus } from './account.ts';

const main = join(import.meta.dirname, 'main.ts');
/** Each test starts several processes, which take seconds each on a busy machine. */
const STARTS_MS = 120_000;
let dataDir: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'simulator-'));
});

afterEach(async () => {
  for (const child of children.splice(0)) await ended(child, 'SIGKILL');
  rmSync(dataDir, { recursive: true, force: true });
});

/** Starts the command and waits until it says where it listens. */
async function serve(...options: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [main, '--data-dir', dataDir, ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  for await (const chunk of child.stdout) {
    if (String(chunk).includes('http://127.0.0.1:')) return child;
  }
  throw new Error('the simulator ended before it listened');
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill(signal);
  const [code] = await exit;
  return code;
}

async function run(...parameters: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [main, ...parameters], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err] = ['', ''];
  const output = { out, err };
  child.stdout.on('data', (chunk) => {
    output.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    output.err += chunk;
  });
  const [code] = await once(child, 'close');
  return { code, ...output };
}

it(
  'keeps a command that it answered when it is killed right after, and starts again in the same folder',
  async () => {
    const first = await serve('--tickets', '50', '--live-changes-per-minute', '0');
    const changed = await run(
      'change',
      '7',
      '--data-dir',
      dataDir,
      '--set',
      'priority=urgent',
      '--set',
      'tags=a,b',
    );
    expect(changed).toMatchObject({ code: 0, err: '' });
    const { digest } = JSON.parse(changed.out);
    await ended(first, 'SIGKILL');
    expect((await run('status', '--data-dir', dataDir)).err).toMatch(/no simulator runs in/);

    const second = await serve();
    const status = JSON.parse((await run('status', '--data-dir', dataDir)).out);
    expect(status).toMatchObject({ tickets: 50, commands: 1 });
    const latest = await fetch(`${status.url}/simulator/latest`);
    const seventh = (await latest.text()).split('\n')[6] ?? '';
    expect(JSON.parse(seventh)).toMatchObject({ id: 7, digest });
    expect(await ended(second, 'SIGTERM')).toBe(0);
  },
  STARTS_MS,
);

it(
  'says what is wrong with exit code 2: an unknown option, a bad value, another history',
  async () => {
    await ended(await serve('--tickets', '50'), 'SIGINT');
    const answers = await Promise.all([
      run('--unknown'),
      run('--data-dir', dataDir, '--tickets', 'many'),
      run('--data-dir', dataDir, '--tickets', '51'),
      run('change', 'abc', '--set', 'status=open'),
      run('change', '7', '--data-dir', dataDir, '--set', 'status=open'),
    ]);
    expect(answers.map((answer) => answer.code)).toEqual([2, 2, 2, 2, 2]);
    expect(answers[2]?.err).toMatch(/tickets=51 asked for, tickets=50 there/);
  },
  STARTS_MS,
);

function urlInFolder(): string {
  return JSON.parse(readFileSync(join(dataDir, 'run.json'), 'utf8')).url;
}

it(
  'plays the faults of a file and of a seed, and those that a command sets',
  async () => {
    const plan = join(dataDir, 'plan.json');
    writeFileSync(plan, '[{"on":{"request":1},"fault":{"kind":"status","status":503,"retryAfter":7}}]');
    await serve('--tickets', '50', '--faults', plan, '--fault-seed', '7', '--fault-every', '2');
    const url = urlInFolder();
    const exportPage = async () =>
      await fetch(`${url}/api/v2/incremental/tickets?start_time=0`, {
        headers: { authorization: `Basic ${btoa('agent@example.com/token:simulator-token')}` },
      });
    expect((await exportPage()).headers.get('retry-after')).toBe('7');
    const shown = JSON.parse((await run('faults', '--data-dir', dataDir)).out);
    expect(shown).toEqual({
      plan: [
        { on: { request: 1 }, fault: { kind: 'status', status: 503, retryAfter: 7 } },
        { on: { every: 2 }, fault: { kind: 'seeded', seed: 7 } },
      ],
      played: { status_503: 1 },
    });
    writeFileSync(plan, '[{"on":{"every":1},"fault":{"kind":"html"}}]');
    expect((await run('faults', plan, '--data-dir', dataDir)).code).toBe(0);
    expect((await exportPage()).headers.get('content-type')).toMatch(/html/);
    writeFileSync(plan, '[{"on":{"every":0},"fault":{"kind":"html"}}]');
    expect(await run('faults', plan, '--data-dir', dataDir)).toMatchObject({
      code: 2,
      err: expect.stringMatching(/rule 1: on must be/),
    });
  },
  STARTS_MS,
);

it(
  'scales the request limit where it is asked to',
  async () => {
    await serve('--tickets', '50', '--time-scale', '1000', '--scale-limit');
    const url = urlInFolder();
    const statusOf = async () => {
      const answer = await fetch(`${url}/api/v2/incremental/tickets?start_time=0&per_page=1`, {
        headers: { authorization: `Basic ${btoa('agent@example.com/token:simulator-token')}` },
      });
      await answer.arrayBuffer();
      return answer.status;
    };
    const counted = async () =>
      ((await (await fetch(`${url}/simulator/status`)).json()) as SimulatorStatus).requests;
    // Two hundred unscaled would take twenty minutes.
    const statuses = new Map<number, number>();
    while ((statuses.get(200) ?? 0) < 200) {
      const status = await statusOf();
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    // A page counts when all of it was taken over by the socket, a moment after its reader may have it.
    await expect.poll(async () => (await counted()).pages).toBe(200);
    expect((await counted()).spanSeconds).toBeGreaterThan(19 * 60);
  },
  STARTS_MS,
);
