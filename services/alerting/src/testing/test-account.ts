import { setTimeout as wait } from 'node:timers/promises';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import {
  connectKafka,
  ensureTopics,
  openLogReader,
  openPagePublisher,
  topicNames,
} from '@ticket-stream/kafka';
import { identifyTicket, ticketDigest } from '@ticket-stream/ticket';
import { expect } from 'vitest';

export interface TestAccount extends AsyncDisposable {
  readonly brokers: string;
  readonly topic: string;
  /** One page: its tickets and the checkpoint. @returns the next offset of each partition */
  publish(tickets: readonly object[]): Promise<Readonly<Record<string, string>>>;
  /** A record of nobody's: without headers, and no ticket. */
  writeForeign(partition: number): Promise<void>;
  /** The tickets topic, deleted and made anew beside its checkpoints. */
  makeAgain(): Promise<void>;
}

/** A tickets topic of a test's own, and a producer that writes into it what the test says. */
export async function openTestAccount(name: string): Promise<TestAccount> {
  const { brokers } = sharedKafka();
  const topic = `${topicPrefix(name)}tickets`;
  const logger = { debug() {}, info() {}, warn() {}, error() {} };
  const kafka = connectKafka({ brokers: brokers.split(',') }, logger);
  const names = topicNames(topic);
  const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger });
  const reader = await openLogReader(kafka);
  const publisher = await openPagePublisher({
    kafka,
    reader,
    names,
    topics,
    source: 'https://acme.zendesk.com',
    initialState: () => ({ page: 0 }),
    parseState: (state) => state as { page: number },
    logger,
    signal: new AbortController().signal,
  });
  return {
    brokers,
    topic,
    async writeForeign(partition) {
      const producer = kafka.producer({ allowAutoTopicCreation: false });
      await producer.connect();
      await producer.send({ topic, messages: [{ key: '1', value: 'x', partition }] });
      await producer.disconnect();
    },
    async makeAgain() {
      const admin = kafka.admin();
      await admin.connect();
      await admin.deleteTopics({ topics: [topic] });
      await expect.poll(async () => (await admin.listTopics()).includes(topic)).toBe(false);
      await admin.disconnect();
      await ensureTopics(kafka, names, { acceptSettings: false, logger });
    },
    async publish(tickets) {
      const page = await publisher.beginPage();
      for (const ticket of tickets) {
        const value = Buffer.from(JSON.stringify(ticket));
        const { id, stamp, deleted } = identifyTicket(value, ticket);
        const digest = ticketDigest(value);
        await page.publish({ ticketId: id, kind: deleted ? 'deleted' : 'changed', stamp, digest }, value);
      }
      const { nextOffsets } = await page.commit({ page: publisher.checkpoint.exportState.page + 1 });
      return Object.fromEntries([...nextOffsets].map(([partition, next]) => [partition, String(next)]));
    },
    async [Symbol.asyncDispose]() {
      await publisher.close();
      await reader.close();
    },
  };
}

const nowSecond = () => Math.floor(Date.now() / 1000);
const rfc3339 = (second: number) => new Date(second * 1000).toISOString().replace('.000', '');

/** A ticket whose last version is so many seconds old. */
export function testTicket(
  id: number,
  fields: object = {},
  ageSeconds = 0,
  createdAgeSeconds = 864_000,
): object {
  const updated = nowSecond() - ageSeconds;
  return {
    id,
    subject: `Ticket ${id}`,
    status: 'open',
    priority: 'normal',
    created_at: rfc3339(nowSecond() - Math.max(ageSeconds, createdAgeSeconds)),
    updated_at: rfc3339(updated),
    generated_timestamp: updated,
    ...fields,
  };
}

/** Versions of one ticket need different seconds to be told apart by their time. */
export async function nextSecond(): Promise<void> {
  await wait(1_000 - (Date.now() % 1_000) + 5);
}
