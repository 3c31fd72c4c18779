import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { commitGroupOffsets, readGroupOffsets } from '@ticket-stream/kafka';
import type { TicketChange } from '@ticket-stream/ticket';
import { afterAll, expect } from 'vitest';
import { emptyBooks } from '../books.ts';
import { type SubscribeOptions, type Subscription, subscribe } from '../subscribe.ts';
import { memoryVersionStore } from '../version-store/memory.ts';
import type { VersionStore } from '../version-store/version-store.ts';
import { openTicketsLog, silentLogger, type TicketsLog } from './tickets-log.ts';

export interface Reading {
  readonly subscription: Subscription;
  /** `<ticket id>@<stamp>` of each change handled, in order. */
  readonly applied: string[];
  readonly versions: VersionStore;
  readonly waits: (string | undefined)[];
}

/** Logs and subscriptions of a test file, closed after it. */
export function testReadings() {
  const toClose: (() => Promise<void>)[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'subscribe-'));
  afterAll(async () => {
    for (const close of toClose.reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    toClose,
    async openLog(name: string, partitions = 1): Promise<TicketsLog> {
      const log = await openTicketsLog(sharedKafka().brokers, `${topicPrefix(name)}tickets`, partitions);
      toClose.push(log.close);
      return log;
    },
    async read(
      log: Pick<TicketsLog, 'brokers' | 'topic'>,
      options: Partial<SubscribeOptions> = {},
    ): Promise<Reading> {
      const applied: string[] = [];
      const waits: (string | undefined)[] = [];
      const versions = options.versions ?? memoryVersionStore();
      const subscription = await subscribe({
        brokers: log.brokers.split(','),
        topic: log.topic,
        group: `${log.topic}.group`,
        handle(changes) {
          applied.push(...changes.map(nameOf));
        },
        onWaiting: (reason) => waits.push(reason),
        logger: silentLogger,
        ...options,
        versions,
      });
      toClose.push(() => subscription.stop());
      return { subscription, applied, versions, waits };
    },
  };
}

export const nameOf = ({ ticketId, version }: TicketChange) => `${ticketId}@${version.stamp}`;

export const caughtUp = ({ subscription }: Reading) =>
  expect.poll(() => subscription.isCaughtUp(), { timeout: 20_000 }).toBe(true);

export const groupOffsets = (log: TicketsLog) => readGroupOffsets(log.kafka, `${log.topic}.group`, log.topic);

/** A store that has come that far in partition 0. */
export async function storeAt(log: TicketsLog, nextOffset: bigint, logId = log.logId): Promise<VersionStore> {
  const versions = memoryVersionStore();
  await versions.record(
    { versions: new Map(), positions: [{ partition: 0, logId, nextOffset }], books: emptyBooks },
    () => {},
  );
  return versions;
}

export const commitGroup = (log: TicketsLog, offset: bigint, metadata?: string): Promise<void> =>
  commitGroupOffsets(log.kafka, `${log.topic}.group`, log.topic, new Map([[0, { offset, metadata }]]));

/** The tickets topic, deleted and made anew beside its checkpoints. */
export async function makeAgain(log: TicketsLog): Promise<void> {
  const admin = log.kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [log.topic] });
  await expect.poll(async () => (await admin.listTopics()).includes(log.topic)).toBe(false);
  await admin.disconnect();
  await log.createTopic();
}
