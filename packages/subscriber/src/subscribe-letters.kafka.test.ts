import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  commitGroupOffsets,
  ensureRetryTopic,
  openLetterDesk,
  readGroupOffsets,
  retryHeaders,
  retryTopic,
  silentLogger,
} from '@ticket-stream/kafka';
import type { MadeVersion } from '@ticket-stream/kafka/testing';
import type { TicketChange } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import { CannotApply, RetryLater } from './errors.ts';
import { retryLetters } from './retry-letters.ts';
import { ticket } from './testing/log-record.ts';
import { nameOf, type Reading, testReadings } from './testing/reading.ts';
import type { TicketsLog } from './testing/tickets-log.ts';

import { sqliteVersionStore } from './version-store/sqlite.ts';

const { folder, openLog, read, toClose } = testReadings();

/** A log with a ticket that the handler refuses for as long as `refused` names it. */
async function withRefused(name: string) {
  const log = await openLog(name);
  const refused = new Set(['2']);
  const applied: string[] = [];
  await log.publish([1, 2, 3].map((id) => ticket(id, 100)));
  const options = {
    handle(changes: readonly TicketChange[]) {
      const bad = changes.find(({ ticketId }) => refused.has(ticketId));
      if (bad !== undefined) throw new CannotApply(`ticket ${bad.ticketId} is refused`);
      applied.push(...changes.map(nameOf));
    },
  };
  return { log, refused, applied, options };
}

async function openDesk(log: TicketsLog) {
  const topic = retryTopic(log.topic, `${log.topic}.group`);
  await ensureRetryTopic(log.kafka, topic, 1);
  const desk = await openLetterDesk(log.kafka, log.names.deadLetters);
  toClose.push(() => desk.close());
  return {
    topic,
    retry: (sent: MadeVersion, offset: bigint) =>
      desk.retryRecord({
        topic,
        partition: 0,
        key: Buffer.from(String(sent.id)),
        value: sent.value,
        headers: log.headersOf(sent),
        originOffset: offset,
        letterKey: `${log.topic}.group/${log.topic}/0/${offset}`,
      }),
  };
}

const booksOf = ({ subscription }: Reading) => subscription.books();
const states = async (log: TicketsLog) =>
  (await log.deadLetters()).map(({ key, state }) => [key.split('/').at(-1), state]);

describe('a retried letter', () => {
  it('is applied through the normal path, counted, and settled; a second time it is a duplicate', async () => {
    const { log, refused, applied, options } = await withRefused('retried');
    const reading = await read(log, options);
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 10_000 }).toBe(1);
    refused.clear();
    const { topic, retry } = await openDesk(log);
    await retry(ticket(2, 100), 1n);
    await expect.poll(() => booksOf(reading).consumed, { timeout: 20_000 }).toBe(4);
    await retry(ticket(2, 100), 1n);
    await expect.poll(() => booksOf(reading).consumed, { timeout: 20_000 }).toBe(5);
    expect(applied).toEqual(['1@100', '3@100', '2@100']);
    const books = { ...emptyBooks, consumed: 5, applied: 3, deadLettered: 1, duplicate: 1 };
    expect(booksOf(reading)).toEqual(books);
    expect(await reading.versions.readBooks()).toEqual(books);
    expect((await reading.versions.readVersions(['2'])).get('2')).toMatchObject({ place: { offset: 1n } });
    await expect
      .poll(() => states(log))
      .toEqual([
        ['1', 'open'],
        ['1', 'applied'],
        ['1', 'duplicate'],
      ]);
    await expect
      .poll(() => readGroupOffsets(log.kafka, `${log.topic}.group`, topic))
      .toEqual(new Map([[0, 2n]]));

    await reading.subscription.stop();
    await retry(ticket(2, 100), 1n);
    // To the end and away again: what waits is tried, what was settled is not.
    const next = await read(log, { ...options, versions: reading.versions, until: 'end' });
    await next.subscription.done;
    expect(booksOf(next)).toEqual({ ...emptyBooks, consumed: 1, duplicate: 1 });
  });

  it('that is older by now than what is stored is stale, and changes nothing', async () => {
    const { log, refused, applied, options } = await withRefused('retried-stale');
    const reading = await read(log, options);
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 10_000 }).toBe(1);
    refused.clear();
    await log.publish([ticket(2, 101)]);
    await expect.poll(() => applied.at(-1), { timeout: 10_000 }).toBe('2@101');
    const { retry } = await openDesk(log);
    await retry(ticket(2, 100), 1n);
    await expect.poll(() => booksOf(reading).stale, { timeout: 20_000 }).toBe(1);
    await expect
      .poll(() => states(log))
      .toEqual([
        ['1', 'open'],
        ['1', 'stale'],
      ]);
    expect((await reading.versions.readVersions(['2'])).get('2')).toMatchObject({ stamp: 101 });
  });

  it('that fails again is the same letter again, and the log goes on', async () => {
    const { log, applied, options } = await withRefused('retried-again');
    // Letters that fail again are no sign that the log has become bad: the window does not count them.
    const reading = await read(log, { ...options, deadLetterWindow: { size: 1_000, letters: 1 } });
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 10_000 }).toBe(1);
    const { retry } = await openDesk(log);
    await retry(ticket(2, 100), 1n);
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 20_000 }).toBe(2);
    expect(await states(log)).toEqual([
      ['1', 'open'],
      ['1', 'open'],
    ]);
    // As the record lay in the tickets topic: without what its retry was told.
    const [before, again] = await log.deadLetters();
    expect(Object.keys(again?.headers ?? {})).toEqual(Object.keys(before?.headers ?? {}));
    await log.publish([ticket(4, 100)]);
    await expect.poll(() => applied.at(-1), { timeout: 10_000 }).toBe('4@100');
  });

  it('waits where the sink is down, and holds up nothing of the log meanwhile', async () => {
    const { log, refused, applied, options } = await withRefused('retried-down');
    let down = 0;
    const reading = await read(log, {
      ...options,
      handle(changes) {
        if (down > 0 && changes.some(({ ticketId }) => ticketId === '2')) {
          down++;
          throw new RetryLater('its tenant is in maintenance');
        }
        options.handle(changes);
      },
    });
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 10_000 }).toBe(1);
    refused.clear();
    down = 1;
    const { retry } = await openDesk(log);
    await retry(ticket(2, 100), 1n);
    await expect.poll(() => down, { timeout: 20_000 }).toBeGreaterThan(2);
    await log.publish([ticket(4, 100)]);
    await expect.poll(() => applied.at(-1), { timeout: 10_000 }).toBe('4@100');
    down = 0;
    await expect.poll(() => applied.at(-1), { timeout: 10_000 }).toBe('2@100');
    expect(booksOf(reading)).toEqual({ ...emptyBooks, consumed: 5, applied: 4, deadLettered: 1 });
  });

  it('that fails five times in a way nobody foresaw is a letter again, with that code, and the log goes on', async () => {
    const { log, refused, applied, options } = await withRefused('retried-odd');
    let tries = 0;
    const reading = await read(log, {
      ...options,
      handle(changes) {
        if (refused.size === 0 && changes.some(({ ticketId }) => ticketId === '2')) {
          tries++;
          throw new Error('nobody foresaw this');
        }
        options.handle(changes);
      },
    });
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 10_000 }).toBe(1);
    refused.clear();
    const { topic, retry } = await openDesk(log);
    await retry(ticket(2, 100), 1n);
    await expect.poll(() => tries, { timeout: 20_000 }).toBeGreaterThan(1);
    await log.publish([ticket(4, 100)]);
    await expect.poll(() => applied.at(-1), { timeout: 10_000 }).toBe('4@100');
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 20_000 }).toBe(2);
    expect(tries).toBe(5);
    expect((await log.deadLetters()).map(({ code, state }) => [code, state])).toEqual([
      ['sink.cannot_apply', 'open'],
      ['internal.defect', 'open'],
    ]);
    expect(await reading.versions.readBooks()).toEqual(booksOf(reading));
    await expect
      .poll(() => readGroupOffsets(log.kafka, `${log.topic}.group`, topic))
      .toEqual(new Map([[0, 1n]]));
    await log.publish([ticket(5, 100)]);
    await expect.poll(() => applied.at(-1), { timeout: 10_000 }).toBe('5@100');
  });

  it('that another member settled while it had the partition is not tried again by the one that has it next', async () => {
    const { log } = await withRefused('retried-elsewhere');
    const group = `${log.topic}.group`;
    const { topic, retry } = await openDesk(log);
    const tried: bigint[] = [];
    const letters = retryLetters({
      ...{ reader: log.reader, group, ticketsTopic: log.topic, logger: silentLogger },
      deadLetters: { settle: async () => {} },
      readCommitted: (retries) => readGroupOffsets(log.kafka, group, retries),
      async apply({ records }) {
        tried.push(...records.map(({ offset }) => offset));
        return { books: emptyBooks, outcomes: ['fresh'] };
      },
      setAside: () => Promise.reject(new Error('every letter has an origin')),
      onApplied() {},
      betweenBatches: (_, work) => work({ check() {}, async commit() {} }),
    });
    await retry(ticket(1, 100), 0n);
    await letters.look([0]);
    await retry(ticket(2, 100), 1n);
    await commitGroupOffsets(log.kafka, group, topic, new Map([[0, { offset: 2n }]]));
    letters.forget();
    await letters.look([0]);
    await retry(ticket(3, 100), 2n);
    await letters.look([0]);
    expect(tried).toEqual([0n, 2n]);
  });

  it('that nobody of ours wrote is set aside under its place in the retry topic', async () => {
    const { log, options } = await withRefused('retried-foreign');
    const reading = await read(log, options);
    await expect.poll(() => booksOf(reading).consumed, { timeout: 10_000 }).toBe(3);
    const { topic } = await openDesk(log);
    const producer = log.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const { letter, partition, offset } = retryHeaders;
    const misplaced = { [letter]: 'a-letter', [partition]: '7', [offset]: '1' };
    await producer.send({
      topic,
      messages: [{}, misplaced].map((headers) => ({ key: '1', value: 'x', partition: 0, headers })),
    });
    await producer.disconnect();
    await expect.poll(() => booksOf(reading).deadLettered, { timeout: 20_000 }).toBe(3);
    for (const [index, { key, code, state }] of (await log.deadLetters()).slice(-2).entries()) {
      expect({ key, code, state }).toEqual({
        key: `${log.topic}.group/${topic}/0/${index}`,
        code: 'record.invalid_headers',
        state: 'open',
      });
    }
    expect(await reading.versions.readBooks()).toEqual(booksOf(reading));
  });

  it.each([
    ['before', 'applied', { consumed: 4, applied: 3, deadLettered: 1 }],
    ['after', 'duplicate', { consumed: 5, applied: 3, deadLettered: 1, duplicate: 1 }],
  ])('whose member is killed by -9 %s its step comes again, and is %s', async (moment, state, counted) => {
    const { log, refused, options } = await withRefused(`retried-killed-${moment}`);
    const [path, memberFile] = [join(folder, `${moment}.sqlite`), join(folder, `${moment}-member`)];
    const first = await read(log, { ...options, versions: sqliteVersionStore({ path }), until: 'end' });
    await first.subscription.done;
    await first.versions.close();
    const { topic, retry } = await openDesk(log);
    await retry(ticket(2, 100), 1n);
    const member = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('./testing/member-in-a-letter.ts', import.meta.url)),
        ...[log.brokers, log.topic, `${log.topic}.group`, path, memberFile, moment],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(member.stdout, 'data');
    member.kill('SIGKILL');
    await once(member, 'exit');
    expect(await states(log)).toEqual([['1', 'open']]);

    refused.clear();
    const versions = sqliteVersionStore({ path });
    const next = await read(log, { ...options, versions, memberFile, until: 'end' });
    await next.subscription.done;
    expect(await states(log)).toEqual([
      ['1', 'open'],
      ['1', state],
    ]);
    expect(await versions.readBooks()).toEqual({ ...emptyBooks, ...counted });
    expect((await versions.readVersions(['2'])).get('2')).toMatchObject({ place: { offset: 1n } });
    expect(await readGroupOffsets(log.kafka, `${log.topic}.group`, topic)).toEqual(new Map([[0, 1n]]));
    await versions.close();
  });
});
