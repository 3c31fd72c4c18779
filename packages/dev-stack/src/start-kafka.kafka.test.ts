import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { brokerAnswers } from './broker-answers.ts';
import {
  endLeftBehind,
  type RunningKafka,
  removeKafka,
  type StartKafkaOptions,
  startKafka,
} from './start-kafka.ts';
import { makeTestDataDir } from './testing/test-data.ts';

const mainFile = fileURLToPath(new URL('./main.ts', import.meta.url));

let dataDir: string;
const running: RunningKafka[] = [];
const commands: ChildProcess[] = [];
const dataDirs: string[] = [];

beforeEach(async () => {
  dataDir = await newDataDir();
});
afterEach(async () => {
  for (const command of commands.splice(0)) {
    if (command.exitCode !== null || command.signalCode !== null) continue;
    command.kill('SIGKILL');
    await once(command, 'exit');
  }
  for (const kafka of running.splice(0)) await kafka.stop();
  for (const folder of dataDirs.splice(0)) {
    await endLeftBehind(folder);
    await rm(folder, { recursive: true, force: true });
  }
});

async function newDataDir() {
  const folder = await makeTestDataDir('start-kafka');
  dataDirs.push(folder);
  return folder;
}

async function start(options: Partial<StartKafkaOptions> = {}): Promise<RunningKafka> {
  const kafka = await startKafka({ dataDir, kind: 'java', ...options });
  running.push(kafka);
  return kafka;
}

interface Started {
  readonly brokers: string;
  readonly pid: number;
  readonly takenOver: boolean;
}

/** The command in a process of its own, which can be killed. */
async function startCommand(): Promise<{ command: ChildProcess; started: Started }> {
  const command = spawn(process.execPath, [mainFile, '--data-dir', dataDir, '--kafka', 'java'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  commands.push(command);
  if (command.stdout === null) throw new Error('No output.');
  const [line] = await once(createInterface({ input: command.stdout }), 'line');
  return { command, started: JSON.parse(String(line)) };
}

async function write(brokers: string, topic: string, value: string): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const topics = await admin.listTopics();
  if (!topics.includes(topic))
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value }] });
  await producer.disconnect();
  await admin.disconnect();
}

async function recordsIn(brokers: string, topic: string): Promise<string | undefined> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return (await admin.fetchTopicOffsets(topic))[0]?.high;
  } finally {
    await admin.disconnect();
  }
}

async function topicsOf(brokers: string): Promise<string[]> {
  const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    return await admin.listTopics();
  } finally {
    await admin.disconnect();
  }
}

async function processGroupOf(pid: number | undefined): Promise<number> {
  const answer = await promisify(execFile)('ps', ['-o', 'pgid=', '-p', String(pid)]);
  return Number(answer.stdout);
}

function isPortOpen(brokers: string): Promise<boolean> {
  const [host = '', port] = brokers.split(':');
  return new Promise((resolve) => {
    const socket = createConnection({ host, port: Number(port) });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

test('a started Kafka answers, and nothing listens there once it is stopped', async () => {
  const kafka = await start();
  await write(kafka.brokers, 'things', 'one');
  expect(kafka).toMatchObject({ kind: 'java', takenOver: false });
  // A process group of its own: Ctrl-C in the terminal is not for it.
  expect(await processGroupOf(kafka.pid)).toBe(kafka.pid);
  const before = performance.now();
  await kafka.stop();
  expect(performance.now() - before).toBeLessThan(3000);
  expect(await isPortOpen(kafka.brokers)).toBe(false);
});

test('data and address are the same after a stop and a start', async () => {
  const first = await start();
  await write(first.brokers, 'things', 'one');
  await first.stop();
  const second = await start();
  expect(second.brokers).toBe(first.brokers);
  expect(await recordsIn(second.brokers, 'things')).toBe('1');
});

test('records survive kill() and restart(), at the same address', async () => {
  const kafka = await start();
  await write(kafka.brokers, 'things', 'one');
  const killedPid = kafka.pid;
  await kafka.kill();
  expect(await isPortOpen(kafka.brokers)).toBe(false);
  await kafka.restart();
  expect(kafka.pid).not.toBe(killedPid);
  expect(await recordsIn(kafka.brokers, 'things')).toBe('1');
});

test('a second start in the same directory is refused, and works once the first has stopped', async () => {
  const first = await start();
  await expect(startKafka({ dataDir, kind: 'java' })).rejects.toMatchObject({
    code: 'store.locked',
    message: expect.stringContaining(dataDir),
  });
  expect(await brokerAnswers(first.brokers, 5000)).toBe(true);
  await first.stop();
  await start();
});

test('of two starts at the same moment one is refused', async () => {
  const outcomes = await Promise.allSettled([start(), start()]);
  expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
  expect(outcomes.find((outcome) => outcome.status === 'rejected')?.reason).toMatchObject({
    code: 'store.locked',
  });
});

test('another process is refused too, and says so with exit code 4', async () => {
  await start();
  const command = spawn(process.execPath, [mainFile, '--data-dir', dataDir], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  command.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const [code] = await once(command, 'close');
  expect(code).toBe(4);
  expect(said).toContain('store.locked');
});

test('two directories side by side do not meet', async () => {
  const [one, other] = await Promise.all([start(), start({ dataDir: await newDataDir() })]);
  await Promise.all([write(one.brokers, 'of-one', 'x'), write(other.brokers, 'of-other', 'x')]);
  expect(one.brokers).not.toBe(other.brokers);
  expect(await topicsOf(one.brokers)).toEqual(['of-one']);
  await one.stop();
  expect(await recordsIn(other.brokers, 'of-other')).toBe('1');
});

test('a broker whose run was killed lives on and is taken over by the next run, which ends it', async () => {
  const { command, started } = await startCommand();
  command.kill('SIGKILL');
  await once(command, 'exit');
  expect(await brokerAnswers(started.brokers, 5000)).toBe(true);

  const kafka = await start();
  expect(kafka).toMatchObject({ takenOver: true, brokers: started.brokers, pid: started.pid });
  await write(kafka.brokers, 'things', 'one');
  await kafka.stop();
  expect(await isPortOpen(started.brokers)).toBe(false);
});

test('a broker left behind that does not answer is ended, and another one started with its data', async () => {
  const { command, started } = await startCommand();
  await write(started.brokers, 'things', 'one');
  command.kill('SIGKILL');
  await once(command, 'exit');
  process.kill(started.pid, 'SIGSTOP');

  const kafka = await start();
  expect(kafka.takenOver).toBe(false);
  expect(kafka.pid).not.toBe(started.pid);
  expect(() => process.kill(started.pid, 0)).toThrow('ESRCH');
  expect(await recordsIn(kafka.brokers, 'things')).toBe('1');
});

test('a broker left behind with other settings is not taken over', async () => {
  const { command, started } = await startCommand();
  command.kill('SIGKILL');
  await once(command, 'exit');
  const kafka = await start({ properties: { 'log.cleaner.backoff.ms': 100 } });
  expect(kafka.takenOver).toBe(false);
  expect(kafka.pid).not.toBe(started.pid);
  expect(await readFile(join(dataDir, 'server.properties'), 'utf8')).toContain(
    'log.cleaner.backoff.ms=100\n',
  );
});

test('removing a Kafka ends the broker that a killed run left there, but refuses while its run lives', async () => {
  const { command, started } = await startCommand();
  await expect(removeKafka(dataDir)).rejects.toMatchObject({ code: 'store.locked' });
  command.kill('SIGKILL');
  await once(command, 'exit');
  await removeKafka(dataDir);
  expect(await isPortOpen(started.brokers)).toBe(false);
  await expect(readFile(join(dataDir, 'server.properties'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('the command stops its broker on SIGTERM and exits with 0', async () => {
  const { command, started } = await startCommand();
  command.kill('SIGTERM');
  const [code] = await once(command, 'exit');
  expect(code).toBe(0);
  expect(await isPortOpen(started.brokers)).toBe(false);
});

test('a start can be given up and leaves nothing running', async () => {
  const giveUp = new AbortController();
  const starting = start({
    signal: giveUp.signal,
    onProgress: ({ stage }) => {
      // A moment later, when the JVM is there.
      if (stage === 'starting') setTimeout(() => giveUp.abort(new Error('given up')), 300);
    },
  });
  await expect(starting).rejects.toThrow('given up');
  expect(await endLeftBehind(dataDir)).toBe(false);
});

test('a broker that ends by itself is told of', async () => {
  const onDeath = vi.fn<(message: string) => void>();
  const kafka = await start({ onDeath });
  process.kill(kafka.pid ?? -1, 'SIGKILL');
  await vi.waitFor(() => expect(onDeath).toHaveBeenCalledOnce(), 10_000);
  expect(onDeath.mock.calls[0]?.[0]).toContain('Kafka ended by itself');
});

test('a setting that Kafka refuses is told in its own words, and the directory is free again', async () => {
  await expect(start({ properties: { 'num.io.threads': -1 } })).rejects.toMatchObject({
    code: 'dev_stack.unavailable',
    message: expect.stringContaining('num.io.threads'),
  });
  expect(await topicsOf((await start()).brokers)).toEqual([]);
});

test('a broker that does not get up is told in its own words', async () => {
  const first = await start();
  await first.stop();
  await rm(join(dataDir, 'log', 'meta.properties'));
  await writeFile(join(dataDir, 'log', 'meta.properties'), 'version=1\ncluster.id=another\nnode.id=7\n');
  await expect(start()).rejects.toMatchObject({
    code: 'dev_stack.unavailable',
    message: expect.stringMatching(/Kafka ended while starting.*node.?id/is),
    remedy: expect.stringContaining(join(dataDir, 'logs')),
  });
});

test('starts in a directory whose name has a blank', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'with blank '));
  const kafka = await start({ dataDir: join(parent, 'my data') });
  await write(kafka.brokers, 'things', 'one');
  await kafka.stop();
  await rm(parent, { recursive: true });
});
