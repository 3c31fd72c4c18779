import { randomUUID } from 'node:crypto';
import { isTicketStreamError } from '@ticket-stream/errors';
import { ticketDigest } from '@ticket-stream/ticket';
import type { Kafka } from 'kafkajs';
import { type Logger, silentLogger } from '../kafka-connection.ts';
import type { LogReader } from '../log-reader.ts';
import { openPagePublisher, type PagePublisher } from '../page-publisher.ts';
import type { PageTransaction } from '../page-transaction.ts';
import { ensureTopics, type TopicNames } from '../topics.ts';
import { readableEnds } from './readable-ends.ts';

export { silentLogger };

/** What a test's exporter keeps in the checkpoint. */
export interface TestState {
  readonly page: number;
  readonly digests?: Readonly<Record<string, string>>;
}

export interface TestPublisher extends PagePublisher<TestState> {
  /** One whole page: its tickets, then the checkpoint. Readers see all of it when it returns; no other page is open. */
  publishPage(tickets: readonly TestTicket[], state?: TestState): Promise<void>;
  /** The same, over when its commit is answered: readers see it a moment later. */
  commitPage(tickets: readonly TestTicket[], state?: TestState): Promise<void>;
}

export async function openTestPublisher(
  log: { readonly kafka: Kafka; readonly names: TopicNames; readonly reader: LogReader },
  options: {
    source?: string;
    logger?: Logger;
    onWaiting?: (reason: string | undefined) => void;
    signal?: AbortSignal;
    transactionTimeoutMs?: number;
  } = {},
): Promise<TestPublisher> {
  const { kafka, names, reader } = log;
  const logger = options.logger ?? silentLogger;
  const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger });
  const publisher = await openPagePublisher<TestState>({
    kafka,
    reader,
    names,
    topics,
    source: options.source ?? 'https://acme.zendesk.com',
    initialState: () => ({ page: 0 }),
    parseState: (value) => value as TestState,
    logger,
    signal: options.signal ?? new AbortController().signal,
    ...(options.transactionTimeoutMs === undefined
      ? {}
      : { transactionTimeoutMs: options.transactionTimeoutMs }),
    ...(options.onWaiting === undefined ? {} : { onWaiting: options.onWaiting }),
  });
  /** As the exporter does it: a ticket over the limit, or refused by the broker, becomes a dead letter. */
  async function publishOrSetAside(
    page: PageTransaction<TestState>,
    event: PublishedEvent,
    value: Buffer,
  ): Promise<void> {
    try {
      if (value.byteLength <= publisher.ticketBytesMax) return await page.publish(event, value);
    } catch (error) {
      if (!isTicketStreamError(error, 'ticket.too_large')) throw error;
    }
    await page.deadLetter({
      code: 'ticket.too_large',
      cause: 'a test',
      origin: { kind: 'export', source: publisher.checkpoint.source, startTime: 0 },
      ticketId: event.ticketId,
      bytes: value,
    });
  }

  async function commitPage(tickets: readonly TestTicket[], state?: TestState): Promise<void> {
    const next = state ?? { page: publisher.checkpoint.exportState.page + 1 };
    const page = await publisher.beginPage();
    for (const { event, value } of tickets) await publishOrSetAside(page, event, value);
    await page.commit(next);
  }

  return Object.assign(publisher, {
    commitPage,
    async publishPage(tickets: readonly TestTicket[], state?: TestState) {
      await commitPage(tickets, state);
      await Promise.all(Object.values(names).map((topic) => readableEnds(reader, topic)));
    },
  });
}

type PublishedEvent = Parameters<Awaited<ReturnType<PagePublisher<TestState>['beginPage']>>['publish']>[0];
export interface TestTicket {
  readonly event: PublishedEvent;
  readonly value: Buffer;
}

export function ticket(id: number, stamp: number, content: string = randomUUID()): TestTicket {
  const value = Buffer.from(JSON.stringify({ id, subject: content }));
  return {
    value,
    event: { ticketId: String(id), kind: 'changed', stamp, digest: ticketDigest(value) },
  };
}
