import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultKafkaImage, dockerAnswers } from './docker-broker.ts';
import { endLeftBehind, type RunningKafka, startKafka } from './start-kafka.ts';
import { makeTestDataDir } from './testing/test-data.ts';

const image = process.env['KAFKA_IMAGE'] ?? defaultKafkaImage;
// Without an engine these are reported as skipped; DOCKER_TESTS=required makes that a failure.
const withDocker = (await dockerAnswers(process.env)) || process.env['DOCKER_TESTS'] === 'required';

describe.skipIf(!withDocker)(`Kafka in a container of ${image}`, { timeout: 300_000 }, () => {
  let dataDir: string;
  let kafka: RunningKafka | undefined;
  beforeEach(async () => {
    dataDir = await makeTestDataDir('docker');
  });
  afterEach(async () => {
    await kafka?.stop();
    await endLeftBehind(dataDir);
    await rm(dataDir, { recursive: true });
  });

  const recordsIn = async (brokers: string) => {
    const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets('things');
    await admin.disconnect();
    return offsets[0]?.high;
  };

  test('keeps its data, as our own files, over kill, stop and start', async () => {
    kafka = await startKafka({ dataDir, kind: 'docker', image });
    expect(kafka).toMatchObject({ kind: 'docker', pid: undefined });
    const client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'things', numPartitions: 1 }], waitForLeaders: true });
    await admin.disconnect();
    // A transaction: the broker then also speaks to itself, by the address it gives to clients.
    const producer = client.producer({ transactionalId: 'things', idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: 'things', messages: [{ value: 'one' }] });
    await transaction.commit();
    await producer.disconnect();

    await kafka.kill();
    await kafka.restart();
    // The record and its commit marker; the marker once more where the kill came before its coordinator was done.
    const records = await recordsIn(kafka.brokers);
    expect(Number(records)).toBeGreaterThanOrEqual(2);
    const { brokers } = kafka;
    await kafka.stop();
    expect((await stat(join(dataDir, 'log', 'meta.properties'))).uid).toBe(process.getuid?.());
    kafka = await startKafka({ dataDir, kind: 'docker', image });
    expect(kafka.brokers).toBe(brokers);
    expect(await recordsIn(kafka.brokers)).toBe(records);
  });

  test('a container whose run was killed is taken over', async () => {
    const mainFile = fileURLToPath(new URL('./main.ts', import.meta.url));
    const command = spawn(process.execPath, [mainFile, '--data-dir', dataDir, '--kafka', 'docker'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, KAFKA_IMAGE: image },
    });
    const [line] = await once(createInterface({ input: command.stdout }), 'line');
    command.kill('SIGKILL');
    await once(command, 'exit');
    kafka = await startKafka({ dataDir, image });
    expect(kafka).toMatchObject({
      kind: 'docker',
      takenOver: true,
      brokers: JSON.parse(String(line)).brokers,
    });
  });
});
