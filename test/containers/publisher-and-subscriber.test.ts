import { randomBytes, randomUUID } from 'node:crypto';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  connectKafka,
  ensureTopics,
  type Logger,
  type LogReader,
  openLogReader,
  openPagePublisher,
  type PagePublisher,
  topicNames,
} from '@ticket-stream/kafka';
import { readableEnds } from '@ticket-stream/kafka/testing';
import { type Books, booksBalance, memoryVersionStore, subscribe } from '@ticket-stream/subscriber';
import { type TicketChange, ticketDigest } from '@ticket-stream/ticket';
import type { StartedTestContainer } from 'testcontainers';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../support/condition.ts';
import { dockerIsExpected, KafkaContainer, kafkaImage } from './kafka-container.ts';

const SOURCE = 'https://acme.zendesk.com';
const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

interface Published {
  readonly id: string;
  readonly stamp: number;
  readonly value: Buffer;
}

function ticket(id: number, stamp: number, content: string = randomUUID()): Published {
  return { id: String(id), stamp, value: Buffer.from(JSON.stringify({ id, subject: content })) };
}

const tickets = (from: number, to: number, stamp: number): Published[] =>
  Array.from({ length: to - from + 1 }, (_, at) => ticket(from + at, stamp));

type Publisher = PagePublisher<{ page: number }>;

/** What the publisher promises and what the subscriber promises, on the broker that users run in a container. */
describe.skipIf(!(await dockerIsExpected()))(`publisher and subscriber on ${kafkaImage}`, () => {
  const kafkaContainer = new KafkaContainer();
  let running: StartedTestContainer;

  beforeAll(async () => {
    process.stdout.write(`containers: Kafka from ${kafkaImage}\n`);
    running = await kafkaContainer.start();
    return async () => void (await running.stop());
  }, 300_000);

  async function openLog(name: string) {
    const connection = { brokers: [kafkaContainer.brokers] };
    const kafka = connectKafka(connection, silentLogger);
    const names = topicNames(`${name}-tickets`);
    const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
    const reader = await openLogReader(kafka);
    onTestFinished(() => reader.close());
    return { connection, kafka, names, topics, reader };
  }
  type Log = Awaited<ReturnType<typeof openLog>>;

  async function openPublisher(log: Log, reader: LogReader = log.reader): Promise<Publisher> {
    const publisher = await openPagePublisher<{ page: number }>({
      kafka: log.kafka,
      reader,
      names: log.names,
      topics: log.topics,
      source: SOURCE,
      initialState: () => ({ page: 0 }),
      parseState: (value) => value as { page: number },
      logger: silentLogger,
      signal: AbortSignal.timeout(240_000),
    });
    onTestFinished(() => publisher.close());
    return publisher;
  }

  async function beginWith(publisher: Publisher, page: readonly Published[]) {
    const transaction = await publisher.beginPage();
    for (const { id, stamp, value } of page) {
      const event = { ticketId: id, kind: 'changed', stamp, digest: ticketDigest(value) } as const;
      await transaction.publish(event, value);
    }
    return transaction;
  }

  async function publishPage(publisher: Publisher, page: readonly Published[]): Promise<void> {
    const number = publisher.checkpoint.exportState.page + 1;
    await (await beginWith(publisher, page)).commit({ page: number });
  }

  /** Reads to the end as of now, as a group of its own unless named, and gives what it was told and counted. */
  async function readToEnd(
    log: Log,
    options: { group?: string; handle?: (change: TicketChange) => void } = {},
  ): Promise<{ changes: TicketChange[]; books: Books }> {
    const changes: TicketChange[] = [];
    await readableEnds(log.reader, log.names.tickets);
    const subscription = await subscribe({
      ...log.connection,
      topic: log.names.tickets,
      group: options.group ?? `${log.names.tickets}.${randomUUID()}`,
      from: 'committed',
      until: 'end',
      versions: memoryVersionStore(),
      handle: (batch) => {
        for (const change of batch) {
          options.handle?.(change);
          changes.push(change);
        }
      },
      logger: silentLogger,
    });
    await subscription.done;
    return { changes, books: subscription.books() };
  }

  const told = (changes: readonly TicketChange[]) =>
    changes.map(({ ticketId, version }) => `${ticketId}@${version.stamp}`).sort();
  const published = (all: readonly Published[]) => all.map(({ id, stamp }) => `${id}@${stamp}`).sort();

  it('shows a committed page whole, with its bytes and its checkpoint, and nothing of one that was given up', async () => {
    const log = await openLog('pages');
    const publisher = await openPublisher(log);
    const [first, third] = [tickets(1, 300, 1_000), tickets(301, 600, 1_001)];
    await publishPage(publisher, first);
    await (await beginWith(publisher, tickets(1, 300, 2_000))).abort();
    expect(publisher.checkpoint.exportState).toEqual({ page: 1 });
    await publishPage(publisher, third);
    expect(publisher.checkpoint.exportState).toEqual({ page: 2 });

    const { changes, books } = await readToEnd(log);
    expect(told(changes)).toEqual(published([...first, ...third]));
    const values = new Map([...first, ...third].map(({ id, value }) => [id, value]));
    for (const { ticketId, value, version, source } of changes) {
      expect(value.equals(values.get(ticketId) ?? Buffer.alloc(0))).toBe(true);
      expect(version.digest).toBe(ticketDigest(value));
      expect(version.place.logId).toBe(publisher.checkpoint.logId);
      expect(source).toBe(SOURCE);
    }
    expect(books).toMatchObject({ consumed: 600, applied: 600 });
    // The checkpoint names where each partition goes on: behind every record it stands for.
    for (const { version } of changes) {
      const next = publisher.checkpoint.nextOffsets.get(version.place.partition);
      expect(version.place.offset).toBeLessThan(next ?? -1n);
    }
  });

  it('tells every version once and never goes back, and its books say what became of the rest', async () => {
    const log = await openLog('versions');
    const publisher = await openPublisher(log);
    const newest = ticket(1, 1_002, 'newest');
    await publishPage(publisher, [ticket(1, 1_000, 'first'), ticket(2, 1_000, 'other')]);
    await publishPage(publisher, [newest, ticket(1, 1_001, 'late')]);
    await publishPage(publisher, [newest, ticket(1, 1_002, 'same second, other content')]);

    const { changes, books } = await readToEnd(log);
    const ofTicket = changes.filter(({ ticketId }) => ticketId === '1');
    expect(ofTicket.map(({ ticket }) => ticket['subject'])).toEqual([
      'first',
      'newest',
      'same second, other content',
    ]);
    expect(books).toEqual({
      consumed: 6,
      applied: 4,
      duplicate: 1,
      stale: 1,
      skipped: 0,
      deadLettered: 0,
    });
    expect(booksBalance(books)).toBe(true);
  });

  it('goes on at the offset its group committed', async () => {
    const log = await openLog('group');
    const publisher = await openPublisher(log);
    const group = 'group-of-two-runs';
    await publishPage(publisher, tickets(1, 100, 1_000));
    expect((await readToEnd(log, { group })).changes).toHaveLength(100);
    const later = tickets(1, 40, 1_001);
    await publishPage(publisher, later);
    const { changes, books } = await readToEnd(log, { group });
    expect(told(changes)).toEqual(published(later));
    expect(books.consumed).toBe(40);
  });

  it('sets aside what can never work, with its bytes, and goes on', async () => {
    const log = await openLog('letters');
    const publisher = await openPublisher(log);
    const page = tickets(1, 20, 1_000);
    await publishPage(publisher, page);
    const { changes, books } = await readToEnd(log, {
      handle: ({ ticketId }) => {
        if (ticketId === '7') throw new TicketStreamError('record.invalid_value', 'not to be had');
      },
    });
    expect(new Set(changes.map(({ ticketId }) => ticketId)).has('7')).toBe(false);
    expect(books).toMatchObject({ consumed: 20, applied: 19, deadLettered: 1 });
    expect(booksBalance(books)).toBe(true);

    const [from, to] = await Promise.all([
      log.reader.startOffsets(log.names.deadLetters),
      log.reader.stableEndOffsets(log.names.deadLetters),
    ]);
    const letters: (Buffer | null)[] = [];
    for await (const records of log.reader.read(log.names.deadLetters, { from, to })) {
      letters.push(...records.map(({ value }) => value));
    }
    expect(letters).toEqual([page[6]?.value]);
  });

  it('takes a ticket as large as the topic allows', async () => {
    const log = await openLog('large');
    const publisher = await openPublisher(log);
    const envelope = ticket(1, 1_000, '').value.byteLength;
    // Base64 of random bytes: no compression makes it fit that would not fit.
    const text = randomBytes(publisher.ticketBytesMax).toString('base64');
    const large = ticket(1, 1_000, text.slice(0, publisher.ticketBytesMax - envelope));
    expect(large.value.byteLength).toBe(publisher.ticketBytesMax);
    await publishPage(publisher, [large]);
    const { changes } = await readToEnd(log);
    expect(changes.map(({ value }) => value.equals(large.value))).toEqual([true]);
  });

  it('lives through a restart of the broker: the page in doubt is done again, and each version comes once', async () => {
    const log = await openLog('restart');
    const publisher = await openPublisher(log);
    const changes: TicketChange[] = [];
    const live = await subscribe({
      ...log.connection,
      topic: log.names.tickets,
      group: 'lives-through-a-restart',
      from: 'earliest',
      versions: memoryVersionStore(),
      handle: (batch) => {
        changes.push(...batch);
      },
      logger: silentLogger,
    });
    onTestFinished(() => live.stop());
    const before = tickets(1, 500, 1_000);
    await publishPage(publisher, before);
    await until('the first page read', () => changes.length >= before.length);

    const after = tickets(1, 500, 1_001);
    const inDoubt = await beginWith(publisher, after);
    // Killed, not stopped: testcontainers gives no time to end.
    await running.restart();
    // What a restart does to an open transaction is the coordinator's to say: doubt, or a commit that still went through.
    const refused = await inDoubt.commit({ page: 2 }).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refused !== undefined) {
      expect(isTicketStreamError(refused) && refused.code).toBe('kafka.doubtful_transaction');
      await publisher.recover();
    }
    if (publisher.checkpoint.exportState.page === 1) await publishPage(publisher, after);
    expect(publisher.checkpoint.exportState).toEqual({ page: 2 });

    const whole = published([...before, ...after]);
    await until('everything read', () => changes.length >= whole.length, 120_000);
    await until('the books closed', () => live.books().applied >= whole.length);
    expect(told(changes)).toEqual(whole);
    expect(booksBalance(live.books())).toBe(true);

    // The log itself holds each version once: nothing was for dedupe to hide.
    const { books } = await readToEnd(log);
    expect(books).toMatchObject({ consumed: whole.length, applied: whole.length, duplicate: 0, stale: 0 });
  });

  it('lets one publisher write: the later one takes over, the earlier one learns it', async () => {
    const log = await openLog('fence');
    const earlier = await openPublisher(log);
    await publishPage(earlier, tickets(1, 10, 1_000));
    const open = await beginWith(earlier, tickets(1, 10, 1_001));
    const later = await openPublisher(log, log.reader);
    expect(later.checkpoint).toMatchObject({ exportState: { page: 1 }, logId: earlier.checkpoint.logId });
    await publishPage(later, tickets(1, 10, 1_002));

    await expect(open.commit({ page: 2 })).rejects.toMatchObject({ code: 'kafka.doubtful_transaction' });
    await expect(earlier.recover()).rejects.toMatchObject({ code: 'kafka.fenced' });
    const { changes } = await readToEnd(log);
    expect(changes.map(({ version }) => version.stamp)).not.toContain(1_001);
    expect(changes).toHaveLength(20);
  });
});
