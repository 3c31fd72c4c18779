import { type ChildProcess, fork, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readServiceUrl } from './http.ts';
import type { ServiceMessage } from './progress.ts';

const script = new URL('../test/service-process.ts', import.meta.url).pathname;
const secret = 'tok-hunter2-0123456789';

const folders = mkdtempSync(join(tmpdir(), 'service-kit-'));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(folders, { recursive: true });
});

function newDataDir(): string {
  return join(mkdtempSync(join(folders, 'run-')), 'data');
}

interface Line {
  readonly level: string;
  readonly msg: string;
  readonly err?: { readonly code?: string; readonly message: string; readonly remedy?: string };
}

interface Ended {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly lines: Line[];
  readonly stdout: string;
  readonly stderr: string;
  readonly messages: ServiceMessage[];
  readonly seconds: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly dataDir: string;
  /** Resolves with the first line that says so. */
  readonly logged: (message: string) => Promise<void>;
  readonly ended: Promise<Ended>;
}

function start(
  env: Record<string, string> = {},
  args: readonly string[] = [],
  nodeArgs: readonly string[] = [],
): Running {
  const dataDir = newDataDir();
  const startMs = performance.now();
  const child = spawn(process.execPath, [...nodeArgs, script, ...args], {
    env: {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: 'localhost:9092',
      DATA_DIR: dataDir,
      ZENDESK_API_TOKEN: secret,
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  children.push(child);
  let [stdout, stderr] = ['', ''];
  const messages: ServiceMessage[] = [];
  const waiting = new Set<() => void>();
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    for (const look of waiting) look();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.on('message', (message: ServiceMessage) => messages.push(message));
  // Not the event "close": Node keeps it back for good once the parent has disconnected the channel.
  const read = [child.stdout, child.stderr].map(
    (stream) => new Promise((resolve) => stream?.once('close', resolve)),
  );
  const ended = new Promise<Ended>((resolve) => {
    child.once('exit', async (exitCode, signal) => {
      await Promise.all(read);
      const lines = stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as Line);
      const seconds = (performance.now() - startMs) / 1000;
      resolve({ exitCode, signal, lines, stdout, stderr, messages, seconds });
    });
  });
  return {
    child,
    dataDir,
    ended,
    logged: (message) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!stdout.includes(`"msg":"${message}"`)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        void ended.then(() => reject(new Error(`ended without saying "${message}":\n${stdout}${stderr}`)));
        look();
      }),
  };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const said = ({ lines }: Ended): string[] => lines.map(({ msg }) => msg);
const fatal = ({ lines }: Ended): Line | undefined => lines.find(({ level }) => level === 'fatal');

describe.concurrent('a service process', { timeout: 30_000 }, () => {
  it('prints its options for --help and does nothing else, whatever the environment', async () => {
    const end = await start({ KAFKA_BROKERS: '' }, ['--help']).ended;
    expect(end).toMatchObject({ exitCode: 0, stderr: '', lines: [], messages: [] });
    expect(end.stdout).toMatch(/^ticket-stream search: does what a test asks for\n/);
    expect(end.stdout).toContain('  KAFKA_BROKERS ');
  });

  it('names all wrong options before anything runs, with exit code 2', async () => {
    const end = await start({ KAFKA_BROKERS: '', LOG_LEVEL: 'loud' }).ended;
    expect(end.exitCode).toBe(2);
    expect(said(end)).toEqual(["search can't go on"]);
    expect(fatal(end)?.err).toMatchObject({ code: 'config.invalid' });
    expect(fatal(end)?.err?.message).toMatch(
      /KAFKA_BROKERS: is missing.*LOG_LEVEL: is not one of the choices/s,
    );
    expect(end.messages).toEqual([
      {
        type: 'failed',
        service: 'search',
        code: 'config.invalid',
        message: fatal(end)?.err?.message,
        remedy: fatal(end)?.err?.remedy,
      },
    ]);
  });

  it('takes no arguments, and does not show what was given in one', async () => {
    const end = await start({}, [`--token=${secret}`]).ended;
    expect(end.exitCode).toBe(2);
    expect(fatal(end)?.err?.message).toBe('--token: services take no arguments but --help');
    expect(end.stdout + JSON.stringify(end.messages)).not.toContain('hunter2');
    expect((await start({}, [secret]).ended).stdout).not.toContain('hunter2');
  });

  it('logs its effective options with secrets masked, and variables that look misspelt', async () => {
    const end = await start({ BEHAVIOUR: 'returns', ZENDESK_TOKEN: secret }).ended;
    expect(end.exitCode).toBe(0);
    expect(end.lines.find(({ msg }) => msg === 'starting')).toMatchObject({
      options: { ZENDESK_API_TOKEN: '(set)', TICKETS_TOPIC: 'tickets', KAFKA_BROKERS: ['localhost:9092'] },
    });
    expect(end.stdout).toContain('did you mean ZENDESK_API_TOKEN?');
    expect(end.stdout).not.toContain('hunter2');
  });

  it('cleans up in reverse order when its work is done', async () => {
    const end = await start({ BEHAVIOUR: 'returns' }).ended;
    expect(said(end)).toEqual(['starting', 'running', 'clean-up 2', 'clean-up 1', 'stopped']);
  });

  it.each([
    ['internal.defect', 1],
    ['config.invalid', 2],
    ['zendesk.credentials_refused', 3],
    ['kafka.fenced', 4],
    ['log.cut', 5],
  ])('ends on %s with exit code %i, says the remedy and tells its supervisor', async (code, exitCode) => {
    const end = await start({ BEHAVIOUR: 'throws-by-code', CODE: code }).ended;
    expect(end.exitCode).toBe(exitCode);
    expect(fatal(end)?.err).toMatchObject({ code, message: 'as asked', remedy: 'Do this.' });
    expect(end.messages).toEqual([
      { type: 'failed', service: 'search', code, message: 'as asked', remedy: 'Do this.' },
    ]);
    expect(said(end).slice(-3)).toEqual(['clean-up 2', 'clean-up 1', 'stopped']);
  });

  it('calls an error that it did not foresee a defect, exit code 1', async () => {
    const end = await start({ BEHAVIOUR: 'throws' }).ended;
    expect(end.exitCode).toBe(1);
    expect(fatal(end)?.err).toMatchObject({ code: 'internal.defect', message: 'no idea' });
  });

  it('ends at once with code 1 on an error that nobody catches', async () => {
    for (const [behaviour, message] of [
      ['rejects-unhandled', 'nobody waits for this'],
      ['throws-uncaught', 'from a callback'],
    ] as const) {
      const end = await start({ BEHAVIOUR: behaviour }).ended;
      expect(end.exitCode).toBe(1);
      expect(fatal(end)?.err).toMatchObject({ message });
      expect(end.messages).toMatchObject([{ type: 'failed', message }]);
      expect(end.stderr).toBe('');
    }
  });

  it('does not print a secret that came back in the message of an error', async () => {
    const end = await start({ BEHAVIOUR: 'throws-its-secret' }).ended;
    expect(fatal(end)?.err?.message).toBe('refused: (secret)');
    expect(end.stdout + end.stderr + JSON.stringify(end.messages)).not.toContain('hunter2');
  });

  it('aborts its signal when it fails, so that what runs beside it ends too', async () => {
    const service = start({ BEHAVIOUR: 'fails-while-others-wait' });
    expect((await service.ended).exitCode).toBe(4);
    expect(existsSync(`${service.dataDir}.aborted`)).toBe(true);
  });

  it('refuses certificates that are not there with exit code 2', async () => {
    const end = await start({ BEHAVIOUR: 'reads-certificates', KAFKA_TLS: 'true', KAFKA_TLS_CA: '/nowhere' })
      .ended;
    expect(end.exitCode).toBe(2);
  });

  it('ends with code 2 when its port was asked for by name and is taken, and writes no address', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const port = String((other.address() as AddressInfo).port);
    const service = start({ BEHAVIOUR: 'serves', SEARCH_PORT: port });
    const end = await service.ended;
    await new Promise((resolve) => other.close(resolve));
    expect(end.exitCode).toBe(2);
    expect(fatal(end)?.err).toMatchObject({ code: 'config.port_taken' });
    expect(existsSync(join(service.dataDir, 'run', 'search.json'))).toBe(false);
  });
});

describe.concurrent('at a terminal', { timeout: 30_000 }, () => {
  // What a terminal is to the process, without one: its streams say that they are.
  const asTerminal = (...streams: string[]): string[] => [
    '--import',
    `data:text/javascript,${streams.map((name) => `process.${name}.isTTY=true;`).join('')}`,
  ];

  it('shows readable lines instead of JSON', async () => {
    const end = await start({ BEHAVIOUR: 'returns' }, [], asTerminal('stdout')).ended;
    expect(end.lines).toEqual([]);
    expect(end.stdout).toContain('running');
    expect(end.stdout).not.toContain('hunter2');
  });

  it('says on stderr in a few lines why it ends, with the remedy and without a secret', async () => {
    const end = await start(
      { BEHAVIOUR: 'throws-by-code', CODE: 'log.cut' },
      [],
      asTerminal('stdout', 'stderr'),
    ).ended;
    expect(end.exitCode).toBe(5);
    expect(end.stderr).toBe('ticket-stream search: as asked\n  → Do this.\n  (log.cut)\n');
    expect(end.stdout).not.toContain('as asked');
    const leaking = await start({ BEHAVIOUR: 'throws-its-secret' }, [], asTerminal('stdout', 'stderr')).ended;
    expect(leaking.stderr).toContain('refused: (secret)');
    expect(leaking.stdout + leaking.stderr).not.toContain('hunter2');
  });

  it('says it both ways where only the output goes to a file', async () => {
    const end = await start({ KAFKA_BROKERS: '' }, [], asTerminal('stderr')).ended;
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toMatch(/^ticket-stream search: An option is wrong:\n {2}KAFKA_BROKERS: is missing\n/);
    expect(fatal(end)?.err).toMatchObject({ code: 'config.invalid' });
  });
});

describe.concurrent('stopping', { timeout: 30_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('ends cleanly and with code 0 on %s', async (signal) => {
    const service = start({ BEHAVIOUR: 'serves' });
    await service.logged('running');
    service.child.kill(signal);
    const end = await service.ended;
    expect(end).toMatchObject({ exitCode: 0, signal: null, stderr: '' });
    expect(said(end).slice(-4)).toEqual(['stopping', 'clean-up 2', 'clean-up 1', 'stopped']);
    expect(existsSync(join(service.dataDir, 'run', 'search.json'))).toBe(false);
  });

  it('takes what its work throws because of the signal as a clean end', async () => {
    const service = start({ BEHAVIOUR: 'follows-signal' });
    await service.logged('running');
    service.child.kill('SIGTERM');
    const end = await service.ended;
    expect(end.exitCode).toBe(0);
    expect(fatal(end)).toBeUndefined();
  });

  it('ends cleanly when its supervisor is gone', async () => {
    const service = start({ BEHAVIOUR: 'waits' });
    await service.logged('running');
    service.child.disconnect();
    const end = await service.ended;
    expect(end.exitCode).toBe(0);
    expect(end.lines.find(({ msg }) => msg === 'stopping')).toMatchObject({
      reason: 'the end of its supervisor',
    });
  });

  it('ends, closing what it opened, when its supervisor is killed and nobody reads its output any more', async () => {
    const dataDir = newDataDir();
    const supervisor = fork(new URL('../test/supervising-process.ts', import.meta.url), {
      env: {
        PATH: process.env['PATH'],
        KAFKA_BROKERS: 'localhost:9092',
        DATA_DIR: dataDir,
        BEHAVIOUR: 'serves',
      },
      stdio: 'ignore',
    });
    children.push(supervisor);
    const pid = await new Promise<number>((resolve) =>
      supervisor.once('message', (message) => resolve(Number(message))),
    );
    await expect.poll(() => readServiceUrl(dataDir, 'search')).toBeDefined();
    supervisor.kill('SIGKILL');
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(existsSync(join(dataDir, 'run', 'search.json'))).toBe(false);
  });

  it('is not cut short by the same Ctrl-C arriving from the terminal and from npm', async () => {
    const service = start({ BEHAVIOUR: 'waits' });
    await service.logged('running');
    service.child.kill('SIGINT');
    service.child.kill('SIGTERM');
    service.child.kill('SIGINT');
    expect(await service.ended).toMatchObject({ exitCode: 0, signal: null });
  });

  it('ends at once on a second Ctrl-C', async () => {
    const service = start({ BEHAVIOUR: 'ignores-signal' });
    await service.logged('running');
    service.child.kill('SIGINT');
    await service.logged('stopping');
    // Repeated until it counts as a second one: pressed again within 300 ms it is taken for the first.
    const again = setInterval(() => service.child.kill('SIGINT'), 50);
    const end = await service.ended;
    clearInterval(again);
    expect(end.exitCode).toBe(130);
    expect(said(end)).not.toContain('clean-up 2');
  });

  it('runs the clean-ups of work that does not end by itself, within 5 s', async () => {
    const service = start({ BEHAVIOUR: 'ignores-signal' });
    await service.logged('running');
    service.child.kill('SIGTERM');
    const end = await service.ended;
    // After 5 s it would have ended with code 1, saying so.
    expect(end.exitCode).toBe(0);
    expect(said(end)).toContain('still working; its clean-ups run now');
    expect(said(end).slice(-3)).toEqual(['clean-up 2', 'clean-up 1', 'stopped']);
  });

  it('ends with code 1 when a clean-up does not, after 5 s', async () => {
    const service = start({ BEHAVIOUR: 'cleans-up-for-ever' });
    await service.logged('running');
    const stopMs = performance.now();
    service.child.kill('SIGTERM');
    const end = await service.ended;
    expect(performance.now() - stopMs).toBeLessThan(8_000);
    expect(end.exitCode).toBe(1);
    expect(said(end).at(-1)).toBe('did not stop in time');
  });

  it('runs the other clean-ups when one fails, and still ends cleanly', async () => {
    const service = start({ BEHAVIOUR: 'cleans-up-badly' });
    await service.logged('running');
    service.child.kill('SIGTERM');
    const end = await service.ended;
    expect(end.exitCode).toBe(0);
    expect(said(end).slice(-4)).toEqual(['a clean-up failed', 'clean-up 2', 'clean-up 1', 'stopped']);
  });
});
