import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { inject } from 'vitest';
import { type RunningKafka, type StartKafkaOptions, startKafka } from '../start-kafka.ts';
import { makeTestDataDir } from './test-data.ts';

declare module 'vitest' {
  interface ProvidedContext {
    kafkaBrokers: string;
  }
}

/** The one broker of this test run: for every suite that does not kill or restart it. Tests part by topicPrefix(). */
export function sharedKafka(): { readonly brokers: string } {
  const brokers = inject('kafkaBrokers');
  if (brokers === undefined) {
    throw new Error(
      'No broker: this test belongs to a project of vitest.config.ts with the Kafka global setup.',
    );
  }
  return { brokers };
}

export interface OwnKafka extends RunningKafka, AsyncDisposable {
  readonly dataDir: string;
}

/** A broker of the suite's own, to kill, restart or set up otherwise. stop() (or `await using`) removes its data too. */
export async function ownKafka(
  options: Pick<StartKafkaOptions, 'properties' | 'kind' | 'image'> = {},
): Promise<OwnKafka> {
  return ownKafkaIn(await makeTestDataDir('own'), options);
}

/** The same in a folder that the caller made; it is removed with the broker. */
export async function ownKafkaIn(
  dataDir: string,
  options: Pick<StartKafkaOptions, 'properties' | 'kind' | 'image' | 'listeners' | 'scramUsers'>,
): Promise<OwnKafka> {
  const kafka = await startKafka({ ...options, dataDir });
  const stop = async () => {
    await kafka.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return {
    brokers: kafka.brokers,
    kind: kafka.kind,
    takenOver: kafka.takenOver,
    get pid() {
      return kafka.pid;
    },
    kill: kafka.kill,
    restart: kafka.restart,
    stop,
    [Symbol.asyncDispose]: stop,
    dataDir,
  };
}

/** Begins the names of one test's topics and groups: `name` in Kafka's letters, and 8 that no other test has. */
export function topicPrefix(name: string): string {
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60);
  return `${readable || 'test'}-${randomBytes(4).toString('hex')}-`;
}
