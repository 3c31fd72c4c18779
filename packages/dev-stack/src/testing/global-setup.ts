import { rm } from 'node:fs/promises';
import type { TestProject } from 'vitest/node';
import { type RunningKafka, startKafka } from '../start-kafka.ts';
import { endBrokersOfDeadRuns, makeTestDataDir } from './test-data.ts';

/**
 * Vitest runs this once for each project that has files to run, each time as a fresh copy of the module; the broker
 * of the run is therefore kept where all copies see it.
 */
interface SharedRun {
  kafka: Promise<{ running: RunningKafka; dataDir: string | undefined }>;
  users: number;
}
const place: { [key: symbol]: SharedRun | undefined } = globalThis as never;
const key = Symbol.for('ticket-stream.shared-kafka');

/** One broker for the whole run, or the cluster of KAFKA_BROKERS; stopped at the end, whatever the tests said. */
export default async function setUpKafka(project: TestProject): Promise<() => Promise<void>> {
  const run = place[key] ?? { kafka: startForRun(), users: 0 };
  place[key] = run;
  run.users++;
  const { running, dataDir } = await run.kafka;
  project.provide('kafkaBrokers', running.brokers);
  return async () => {
    if (--run.users > 0) return;
    place[key] = undefined;
    await running.stop();
    if (dataDir !== undefined) await rm(dataDir, { recursive: true, force: true });
    await endBrokersOfDeadRuns();
  };
}

async function startForRun() {
  const brokers = process.env['KAFKA_BROKERS'];
  if (brokers) return { running: await startKafka({ dataDir: '', brokers }), dataDir: undefined };
  await endBrokersOfDeadRuns();
  const dataDir = await makeTestDataDir('shared');
  // As most clusters are, unlike our own: a client that asks for a topic too early or too late would make it.
  const properties = { 'auto.create.topics.enable': true };
  return { running: await startKafka({ dataDir, properties }), dataDir };
}
