import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startKafka } from './start-kafka.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'choose-runner-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function putProgram(name: string, script: string) {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, name), 0o755);
}

const start = (kind?: 'auto' | 'java' | 'docker') =>
  startKafka({ dataDir: join(folder, 'data'), kind, env: { PATH: folder, HOME: folder } });

test('without Java, Maven and Docker the error says what is missing and what to type', async () => {
  await expect(start()).rejects.toMatchObject({
    code: 'dev_stack.unavailable',
    message: expect.stringContaining('Java 17 or newer and Maven not found, and no Docker engine answers'),
    remedy: expect.stringMatching(/install.*maven, start Docker, or set KAFKA_BROKERS/i),
  });
});

test('a Java too old counts as none', async () => {
  await putProgram('java', `echo 'openjdk version "11.0.2" 2019-01-15' >&2`);
  await putProgram('mvn', 'exit 1');
  await expect(start('java')).rejects.toMatchObject({
    message: 'Kafka cannot be started here: Java 17 or newer not found.',
  });
});

test('with Java but without Maven and jars, only Maven is asked for', async () => {
  await putProgram('java', `echo 'openjdk version "21.0.2" 2024-01-16' >&2`);
  await expect(start('java')).rejects.toMatchObject({
    message: 'Kafka cannot be started here: Maven not found.',
  });
});

test('Docker that does not answer is named when it was asked for', async () => {
  await putProgram('docker', 'exit 1');
  await expect(start('docker')).rejects.toMatchObject({
    code: 'dev_stack.unavailable',
    message: 'No Docker engine answers here.',
  });
});

test('a given cluster is used as it is: nothing is looked for, started or written', async () => {
  const dataDir = join(folder, 'data');
  const kafka = await startKafka({ dataDir, brokers: 'kafka-1:9092,kafka-2:9092', env: { PATH: folder } });
  expect(kafka).toMatchObject({ brokers: 'kafka-1:9092,kafka-2:9092', kind: 'given', pid: undefined });
  await kafka.stop();
  await expect(rm(dataDir)).rejects.toMatchObject({ code: 'ENOENT' });
});
