import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { TicketStreamError } from '@ticket-stream/errors';
import {
  connectKafka,
  ensureTopics,
  openLogReader,
  openPagePublisher,
  topicNames,
} from '@ticket-stream/kafka';
import { CountRule, createExportClient, parseExportState, startState } from '@ticket-stream/zendesk-export';
import { afterEach, describe, expect, it } from 'vitest';
import { attemptPage, type PageAttempt } from './page-attempt.ts';

const START = 1_700_000_000;
const BUDGET_MS = 700;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

const closing: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/** Everything that an attempt needs, on the run's broker, with a Zendesk that answers as it is told. */
async function attemptAt(name: string, answer: (response: ServerResponse) => void): Promise<PageAttempt> {
  const server = createServer((_request, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close().closeAllConnections());
  const kafka = connectKafka({ brokers: sharedKafka().brokers.split(',') }, silent);
  const names = topicNames(`${topicPrefix(name)}tickets`);
  const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger: silent });
  const reader = await openLogReader(kafka);
  closing.push(() => reader.close());
  const { signal } = new AbortController();
  const publisher = await openPagePublisher({
    ...{ kafka, reader, names, topics, signal },
    source: 'test:page-attempt',
    initialState: () => startState(START),
    parseState: parseExportState,
    logger: silent,
  });
  closing.push(() => publisher.close());
  const client = createExportClient({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { email: 'ana@example.org', apiToken: 'token' },
  });
  closing.push(() => client.close());
  return {
    ...{ client, publisher, signal },
    countRule: new CountRule(),
    mode: 'time',
    include: [],
    spillDir: tmpdir(),
    source: 'test:page-attempt',
    delaySeconds: 60,
    pageBudgetMs: BUDGET_MS,
    msSinceCommit: () => Number.POSITIVE_INFINITY,
    onAnswered: () => {},
    onParsed: () => {},
  };
}

const ticketAt = (id: number, second: number) => JSON.stringify({ id, generated_timestamp: second });

/** Begins a page, with a ticket at the end that never ends. */
function neverEnding(...tickets: string[]): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.write(`{"tickets":[${tickets.join(',')},{"id":`);
  };
}

describe('a page that takes longer than its budget', () => {
  it('is given up, and moves nothing', async () => {
    const attempt = await attemptAt('over-budget', neverEnding(ticketAt(1, START), ticketAt(2, START + 1)));
    const { checkpoint } = attempt.publisher;
    const failed = attemptPage(attempt, 1_000);
    await expect(failed).rejects.toMatchObject({
      code: 'zendesk.page_too_slow',
      disposition: 'retry',
      context: { startTime: START, perPage: 1_000 },
    });
    await expect(failed).rejects.not.toHaveProperty('context.wholeSecond');
    expect(attempt.publisher.checkpoint).toBe(checkpoint);
    expect(attempt.publisher.openTransactionSinceMs()).toBeUndefined();
  });

  it('and holds more than was asked for, all of one second: that second is named, for no page size makes it smaller', async () => {
    const second = START + 7;
    const attempt = await attemptAt(
      'whole-second',
      neverEnding(...[1, 2, 3].map((id) => ticketAt(id, second))),
    );
    await expect(attemptPage(attempt, 2)).rejects.toMatchObject({
      code: 'zendesk.page_too_slow',
      context: { wholeSecond: second },
    });
  });

  it.each(['kafka.doubtful_transaction', 'kafka.not_allowed', 'internal.defect'] as const)(
    'and then fails with %s says that: nothing of it is a question of the page size',
    async (code) => {
      const cut = Promise.withResolvers<void>();
      const attempt = await attemptAt(`over-budget-${code}`, (response) => {
        response.on('close', cut.resolve);
        neverEnding(ticketAt(1, START))(response);
      });
      const { publisher } = attempt;
      const beginPage: typeof publisher.beginPage = async () => ({
        ...(await publisher.beginPage()),
        async publish() {
          await cut.promise;
          throw new TicketStreamError(code, 'a test');
        },
      });
      const failed = attemptPage(
        { ...attempt, publisher: Object.create(publisher, { beginPage: { value: beginPage } }) },
        1_000,
      );
      await expect(failed).rejects.toMatchObject({ code });
    },
  );

  it('is given up also when its body was read and its tickets wait for their sideloads', async () => {
    const attempt = await attemptAt('over-budget-spilled', (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const tickets = [ticketAt(1, START), ticketAt(2, START)];
      response.end(`{"tickets":[${tickets.join(',')}],"users":[],"end_of_stream":true,"end_time":${START}}`);
    });
    const { publisher } = attempt;
    const beginPage: typeof publisher.beginPage = async () => ({
      ...(await publisher.beginPage()),
      publish: () => pause(2 * BUDGET_MS),
    });
    const failed = attemptPage(
      {
        ...attempt,
        include: ['users'],
        publisher: Object.create(publisher, { beginPage: { value: beginPage } }),
      },
      1_000,
    );
    await expect(failed).rejects.toMatchObject({ code: 'zendesk.page_too_slow' });
  });

  it('is not charged with the wait for its head', async () => {
    const attempt = await attemptAt('slow-head', (response) => {
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(`{"tickets":[${ticketAt(1, START)}],"end_of_stream":true,"end_time":${START}}`);
      }, 2 * BUDGET_MS);
    });
    expect(await attemptPage(attempt, 1_000)).toMatchObject({ verdict: 'caught_up', published: 1 });
  });
});
