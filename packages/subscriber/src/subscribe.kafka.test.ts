import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { TicketStreamError } from '@ticket-stream/errors';
import { readGroupOffsets } from '@ticket-stream/kafka';
import type { TicketChange } from '@ticket-stream/ticket';
import { afterAll, describe, expect, it } from 'vitest';
import { booksBalance, emptyBooks } from './books.ts';
import { type SubscribeOptions, type Subscription, subscribe } from './subscribe.ts';
import { openTicketsLog, silentLogger, type TicketsLog, ticket } from './testing/tickets-log.ts';
import { memoryVersionStore } from './version-store/memory.ts';
import { sqliteVersionStore } from './version-store/sqlite.ts';
import type { VersionStore } from './version-store/version-store.ts';

const folder = mkdtempSync(join(tmpdir(), 'subscribe-'));
const toClose: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of toClose.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

async function openLog(name: string, partitions = 1): Promise<TicketsLog> {
  const log = await openTicketsLog(sharedKafka().brokers, `${topicPrefix(name)}tickets`, partitions);
  toClose.push(log.close);
  return log;
}

interface Reading {
  readonly subscription: Subscription;
  /** `<ticket id>@<stamp>` of each change handled, in order. */
  readonly applied: string[];
  readonly versions: VersionStore;
  readonly waits: (string | undefined)[];
}

async function read(
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
}

const nameOf = ({ ticketId, version }: TicketChange) => `${ticketId}@${version.stamp}`;
const caughtUp = ({ subscription }: Reading) =>
  expect.poll(() => subscription.isCaughtUp(), { timeout: 20_000 }).toBe(true);
const groupOffsets = (log: TicketsLog) => readGroupOffsets(log.kafka, `${log.topic}.group`, log.topic);

async function storeAt(log: TicketsLog, nextOffset: bigint, logId = log.logId): Promise<VersionStore> {
  const versions = memoryVersionStore();
  await versions.record(
    { versions: new Map(), positions: [{ partition: 0, logId, nextOffset }], books: emptyBooks },
    () => {},
  );
  return versions;
}

async function commitGroup(log: TicketsLog, offset: bigint): Promise<void> {
  const admin = log.kafka.admin();
  await admin.connect();
  await admin.setOffsets({
    groupId: `${log.topic}.group`,
    topic: log.topic,
    partitions: [{ partition: 0, offset: String(offset) }],
  });
  await admin.disconnect();
}

describe('a subscription', () => {
  it('hands over each change once, in order, and ends at the end of the log', async () => {
    const log = await openLog('once', 3);
    await log.publish(Array.from({ length: 2_500 }, (_, n) => ticket(n + 1, 100)));
    await log.publish([ticket(1, 101), ticket(1, 101), ticket(1, 99), ticket(1, 102)]);
    const first = await read(log, { until: 'end' });
    await first.subscription.done;
    expect(first.applied.length).toBe(2_502);
    expect(first.applied.filter((name) => name.startsWith('1@'))).toEqual(['1@100', '1@101', '1@102']);
    const books = { ...emptyBooks, consumed: 2_504, applied: 2_502, duplicate: 1, stale: 1 };
    expect(first.subscription.books()).toEqual(books);
    expect(await first.versions.readBooks()).toEqual(books);
    expect(await groupOffsets(log)).toEqual(await log.end());

    const second = await read(log, { versions: first.versions, until: 'end' });
    await second.subscription.done;
    expect(second.applied).toEqual([]);
    expect(second.subscription.books()).toEqual(emptyBooks);
  });

  it('stores a position never ahead of what was handled, also within one fetch: an end there loses nothing', async () => {
    const log = await openLog('within-a-fetch');
    await log.publish(Array.from({ length: 2_500 }, (_, n) => ticket(n + 1, 100)));
    const applied: bigint[] = [];
    const handle = (changes: readonly TicketChange[]) => {
      applied.push(...changes.map(({ version }) => version.place.offset));
    };
    const first = await read(log, {
      handle(changes) {
        if (applied.length > 0) throw new TicketStreamError('store.unusable', 'the disk is gone');
        handle(changes);
      },
    });
    await expect(first.subscription.done).rejects.toMatchObject({ code: 'store.unusable' });
    expect(applied.length).toBeGreaterThan(0);
    expect(await first.versions.readPositions()).toMatchObject([
      { nextOffset: (applied.at(-1) ?? -1n) + 1n },
    ]);

    const second = await read(log, { versions: first.versions, until: 'end', handle });
    await second.subscription.done;
    expect(applied).toHaveLength(2_500);
    expect(new Set(applied).size).toBe(2_500);
  });

  it('follows the log live, and knows its lag', async () => {
    const log = await openLog('live');
    const reading = await read(log);
    await caughtUp(reading);
    await log.publish([ticket(1, 100), ticket(2, 100)]);
    await expect.poll(() => reading.applied).toEqual(['1@100', '2@100']);
    await expect.poll(() => reading.subscription.lag()).toBe(0);
  });

  it('has caught up by position, its lag 0 for everybody, though the log ends with an aborted page', async () => {
    const log = await openLog('aborted-end');
    await log.publish([ticket(1, 100)]);
    await log.abort();
    const reading = await read(log);
    // The marker of the aborted page may come a moment after the answer to its abort.
    await expect
      .poll(
        async () => {
          const end = (await log.end()).get(0) ?? 0n;
          const [position, committed] = [reading.subscription.positions(), await groupOffsets(log)];
          return {
            position: position.get(0) === end,
            committed: committed.get(0) === end,
            aborted: end > 500n,
          };
        },
        { timeout: 10_000 },
      )
      .toEqual({ position: true, committed: true, aborted: true });
    expect(reading.subscription.isCaughtUp()).toBe(true);
    expect(reading.applied).toEqual(['1@100']);
  });

  it('ends when it has passed the given offsets', async () => {
    const log = await openLog('until');
    await log.publish([ticket(1, 100)]);
    const until = new Map([[0, 3n]]);
    const reading = await read(log, { until });
    await expect.poll(() => reading.applied).toEqual(['1@100']);
    await log.publish([ticket(2, 100)]);
    await reading.subscription.done;
    expect(reading.applied).toEqual(['1@100', '2@100']);
  });

  it('waits for a topic that is not there yet, says so, makes none, and goes on when it is', async () => {
    const topic = `${topicPrefix('later')}tickets`;
    const { brokers } = sharedKafka();
    const reading = await read({ brokers, topic });
    await expect
      .poll(() => reading.waits.filter((reason) => reason?.includes(topic)).length, { timeout: 10_000 })
      .toBeGreaterThan(2);
    const other = await openLog('other');
    expect(await other.reader.topicExists(topic)).toBe(false);
    const log = await openTicketsLog(brokers, topic);
    toClose.push(log.close);
    await log.publish([ticket(1, 100)]);
    await expect.poll(() => reading.applied, { timeout: 10_000 }).toEqual(['1@100']);
    expect(reading.waits.at(-1)).toBeUndefined();
  });
});

describe('reading starts', () => {
  const tickets = Array.from({ length: 10 }, (_, n) => ticket(n + 1, 100));
  it.each([
    ['at the stored position where the group is further', 4n, 8n, 4],
    ['at the group’s offset where the store is further', 8n, 4n, 4],
    ['at the stored position where the group has none', 6n, undefined, 6],
  ])('%s', async (_name, stored, group, start) => {
    const log = await openLog('starts');
    await log.publish(tickets);
    if (group !== undefined) await commitGroup(log, group);
    const reading = await read(log, { versions: await storeAt(log, stored), until: 'end' });
    await reading.subscription.done;
    expect(reading.applied[0]).toBe(`${start + 1}@100`);
    expect(reading.applied.length).toBe(10 - start);
  });

  it('at the beginning where the stored position is of another log', async () => {
    const log = await openLog('other-log');
    await log.publish(tickets);
    const versions = await storeAt(log, 7n, '00000000-0000-4000-8000-000000000000');
    const reading = await read(log, { versions, until: 'end' });
    await reading.subscription.done;
    expect(reading.applied.length).toBe(10);
  });

  it('at an offset, a time, or the end, where nothing is stored', async () => {
    const log = await openLog('from');
    await log.publish(tickets);
    const fromOffset = await read(log, {
      group: `${log.topic}.a`,
      from: { offsets: new Map([[0, 8n]]) },
      until: 'end',
    });
    await fromOffset.subscription.done;
    expect(fromOffset.applied).toEqual(['9@100', '10@100']);
    const fromTime = await read(log, { group: `${log.topic}.b`, from: { timeMs: 0 }, until: 'end' });
    await fromTime.subscription.done;
    expect(fromTime.applied.length).toBe(10);
    const fromEnd = await read(log, { group: `${log.topic}.c`, from: 'latest' });
    await caughtUp(fromEnd);
    await log.publish([ticket(11, 100)]);
    await expect.poll(() => fromEnd.applied).toEqual(['11@100']);
  });

  it('nowhere, with exit code 5, where the stored position is beyond the end', async () => {
    const log = await openLog('beyond');
    await log.publish(tickets);
    const reading = await read(log, { versions: await storeAt(log, 100n) });
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
    expect(reading.applied).toEqual([]);
  });

  it.each([
    ['the group', { from: 'committed' }],
    ['the caller', { from: { offsets: new Map([[0, 100n]]) } }],
  ] as const)('nowhere, with exit code 5, where %s names an offset beyond the end', async (who, options) => {
    const log = await openLog('from-beyond');
    await log.publish(tickets);
    if (who === 'the group') await commitGroup(log, 100n);
    const reading = await read(log, options);
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
    expect(reading.applied).toEqual([]);
  });

  it('nowhere, with exit code 5, where the topic was made again beside its checkpoint, for a new reader too', async () => {
    const log = await openLog('cut');
    await log.publish(tickets);
    const admin = log.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [log.topic] });
    await expect.poll(async () => (await admin.listTopics()).includes(log.topic)).toBe(false);
    await admin.disconnect();
    await log.createTopic();
    const reading = await read(log, { from: 'earliest' });
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
  });

  it('at its own stored position when a partition comes back from a member that keeps another store', async () => {
    const log = await openLog('comes-back', 2);
    const publish = (stamp: number) =>
      log.publish(Array.from({ length: 40 }, (_, n) => ticket(n + 1, stamp)));
    await publish(1);
    const staying = await read(log);
    await expect.poll(() => staying.applied.length, { timeout: 10_000 }).toBe(40);
    const passing = await read(log);
    await expect.poll(() => passing.subscription.positions().size, { timeout: 20_000 }).toBe(1);
    await publish(2);
    await expect
      .poll(() => passing.subscription.books().consumed > 0 && passing.subscription.lag(), {
        timeout: 10_000,
      })
      .toBe(0);
    await passing.subscription.stop();
    // What the group has committed is further than what this member's store holds.
    await expect.poll(() => staying.applied.length, { timeout: 20_000 }).toBe(80);
    for (let id = 1; id <= 40; id++) {
      expect(staying.applied.filter((name) => name.startsWith(`${id}@`))).toEqual([`${id}@1`, `${id}@2`]);
    }
  });

  it('nowhere, with exit code 5, when the topic is made again while it is read', async () => {
    const log = await openLog('made-again');
    await log.publish(tickets);
    const reading = await read(log);
    await expect.poll(() => reading.applied.length).toBe(10);
    const admin = log.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [log.topic] });
    await expect.poll(async () => (await admin.listTopics()).includes(log.topic)).toBe(false);
    await admin.disconnect();
    await log.createTopic();
    const late = ticket(1, 200);
    await log.write([{ key: '1', value: late.value, headers: log.headersOf(late) }]);
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
    expect(reading.applied.length).toBe(10);
  });
});

describe('what can never work', () => {
  it('is set aside with its code under its place in the log; everything else is applied', async () => {
    const log = await openLog('dead');
    const good = ticket(1, 100);
    const headers = log.headersOf(good);
    const { value } = good;
    const { ce_updatedstamp: _left, ...noStamp } = headers;
    await log.write([
      { key: '1', value, headers },
      { key: '1', value },
      { key: '1', value, headers: noStamp },
      { key: '1', value, headers: { ...headers, ce_updatedstamp: 'yesterday' } },
      { key: '1', value, headers: { ...headers, ce_type: 'com.zendesk.ticket.merged' } },
      { key: 'no id', value, headers },
      { key: '', value, headers },
      { key: '1', value, headers: { ...headers, ce_digest: [headers['ce_digest'] ?? '', 'twice'] } },
      { key: '2', value: 'not JSON', headers: log.headersOf(ticket(2, 100)) },
      { key: '3', value: null, headers: log.headersOf(ticket(3, 100)) },
      { key: '4', value, headers: log.headersOf(ticket(4, 100)) },
      { key: '5', value: ticket(5, 100).value, headers: log.headersOf(ticket(5, 100)) },
    ]);
    const reading = await read(log, { until: 'end' });
    await reading.subscription.done;
    expect(reading.applied).toEqual(['1@100', '5@100']);
    expect(reading.subscription.books()).toEqual({
      ...emptyBooks,
      consumed: 12,
      applied: 2,
      deadLettered: 10,
    });
    const place = (offset: number) => `${log.topic}.group/${log.topic}/0/${offset}`;
    const letters = await log.deadLetters();
    expect(letters.map(({ key, code }) => ({ key, code }))).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7].map((offset) => ({ key: place(offset), code: 'record.invalid_headers' })),
      ...[8, 9, 10].map((offset) => ({ key: place(offset), code: 'record.invalid_value' })),
    ]);
    expect(letters.find(({ key }) => key === place(8))?.value).toBe('not JSON');
  });

  it('is set aside by its head where the topic for it takes no more', async () => {
    const log = await openLog('dead-large');
    const admin = log.kafka.admin();
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: 2, // a topic's, in Kafka's protocol
          name: log.names.deadLetters,
          configEntries: [{ name: 'max.message.bytes', value: '200000' }],
        },
      ],
    });
    await admin.disconnect();
    const value = `not JSON ${randomBytes(200_000).toString('hex')}`;
    await log.write([{ key: '1', value, headers: log.headersOf(ticket(1, 100)) }]);
    await log.publish([ticket(2, 100)]);
    const reading = await read(log, { until: 'end' });
    await reading.subscription.done;
    expect(reading.applied).toEqual(['2@100']);
    const [letter] = await log.deadLetters();
    expect(letter).toMatchObject({ code: 'record.invalid_value', value: value.slice(0, 64 * 1024) });
  });

  it('is set aside before the position moves past it', async () => {
    const log = await openLog('dead-first');
    await log.write([{ key: '1', value: 'no ticket' }]);
    const lettersAtStep: number[] = [];
    const versions = memoryVersionStore();
    const reading = await read(log, {
      until: 'end',
      versions: {
        ...versions,
        async record(step, effect) {
          lettersAtStep.push((await log.deadLetters()).length);
          await versions.record(step, effect);
        },
      },
    });
    await reading.subscription.done;
    expect(lettersAtStep).toEqual([1]);
  });

  it('by the handler’s word is set aside alone, and the rest of its batch is applied', async () => {
    const log = await openLog('refused');
    await log.publish([1, 2, 3, 4].map((id) => ticket(id, 100)));
    const applied: string[] = [];
    const reading = await read(log, {
      until: 'end',
      handle(changes) {
        if (changes.some(({ ticketId }) => ticketId === '3')) {
          throw new TicketStreamError('ticket.too_deep', 'ticket 3 nests too deep');
        }
        applied.push(...changes.map(nameOf));
      },
    });
    await reading.subscription.done;
    expect(applied).toEqual(['1@100', '2@100', '4@100']);
    const books = { ...emptyBooks, consumed: 4, applied: 3, deadLettered: 1 };
    expect(reading.subscription.books()).toEqual(books);
    expect(await reading.versions.readBooks()).toEqual(books);
    expect(await reading.versions.readPositions()).toMatchObject([{ partition: 0, nextOffset: 5n }]);
    expect(await log.deadLetters()).toMatchObject([
      {
        key: `${log.topic}.group/${log.topic}/0/2`,
        code: 'ticket.too_deep',
        value: ticket(3, 100).value.toString(),
      },
    ]);
  });

  it('is no unknown error: after five tries it ends the subscription as a defect', async () => {
    const log = await openLog('defect');
    await log.publish([ticket(1, 100)]);
    let tries = 0;
    const reading = await read(log, {
      handle() {
        tries++;
        throw new Error('nobody foresaw this');
      },
    });
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'internal.defect', exitCode: 1 });
    expect(tries).toBe(5);
    expect(reading.subscription.books()).toEqual(emptyBooks);
    expect(await groupOffsets(log)).toEqual(new Map());
  });
});

describe('a change', () => {
  it('carries the ticket as it was before, also where that version came in the same batch', async () => {
    const log = await openLog('previous');
    await log.publish([ticket(1, 100, 'first'), ticket(2, 100, 'other'), ticket(1, 101, 'second')]);
    const kept = new Map<string, TicketChange['ticket']>();
    const versions = {
      ...memoryVersionStore(),
      readTickets: (ids: readonly string[]) => new Map([...kept].filter(([id]) => ids.includes(id))),
    };
    const told: unknown[] = [];
    const reading = await read(log, {
      versions,
      handle(changes) {
        for (const { ticketId, ticket, previous } of changes) {
          told.push([ticketId, previous?.['subject'], ticket['subject']]);
          kept.set(ticketId, ticket);
        }
      },
    });
    await expect.poll(() => told.length).toBe(3);
    await log.publish([ticket(1, 102, 'third')]);
    await expect
      .poll(() => told)
      .toEqual([
        ['1', undefined, 'first'],
        ['2', undefined, 'other'],
        ['1', 'first', 'second'],
        ['1', 'second', 'third'],
      ]);
    await reading.subscription.stop();
  });
});

describe('an end', () => {
  const refuse = () => {
    throw new TicketStreamError('sink.unavailable', 'the sink is down');
  };

  it('comes within a second while a sink is waited for, without an error, and nothing is counted', async () => {
    const log = await openLog('stop-paused');
    await log.publish([ticket(1, 100)]);
    const said: string[] = [];
    const logger = { ...silentLogger, error: (_context: object, message: string) => said.push(message) };
    const reading = await read(log, { handle: refuse, logger });
    await expect
      .poll(() => reading.waits.filter((reason) => reason?.includes('sink.unavailable')).length)
      .toBeGreaterThan(3);
    const askedAtMs = performance.now();
    await reading.subscription.stop();
    expect(performance.now() - askedAtMs).toBeLessThan(1_000);
    await expect(reading.subscription.done).resolves.toBeUndefined();
    expect(reading.subscription.books()).toEqual(emptyBooks);
    expect(said).toEqual([]);
  });

  it('comes within 3 s while the group waits for a member at work', async () => {
    const log = await openLog('stop-joining', 2);
    await log.publish([ticket(1, 100), ticket(2, 100), ticket(3, 100)]);
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const busy = await read(log, {
      async handle() {
        begun.resolve();
        await work.promise;
      },
    });
    await begun.promise;
    const joining = await read(log);
    const admin = log.kafka.admin();
    await admin.connect();
    await expect
      .poll(async () => (await admin.describeGroups([`${log.topic}.group`])).groups[0]?.state, {
        timeout: 10_000,
      })
      .toBe('PreparingRebalance');
    await admin.disconnect();
    const askedAtMs = performance.now();
    await joining.subscription.stop();
    expect(performance.now() - askedAtMs).toBeLessThan(3_000);
    work.resolve();
    await busy.subscription.stop();
  });

  it('lets the batch at work finish, and commits it', async () => {
    const log = await openLog('stop-working');
    await log.publish([ticket(1, 100)]);
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const reading = await read(log, {
      async handle() {
        begun.resolve();
        await work.promise;
      },
    });
    await begun.promise;
    const stopped = reading.subscription.stop();
    work.resolve();
    await stopped;
    expect(reading.subscription.books()).toMatchObject({ consumed: 1, applied: 1 });
    expect(await groupOffsets(log)).toEqual(await log.end());
  });

  it.each([undefined, 'end'] as const)('is an error when `onCaughtUp` fails (until: %s)', async (until) => {
    const log = await openLog('announce');
    await log.publish([ticket(1, 100)]);
    const reading = await read(log, {
      ...(until === undefined ? {} : { until }),
      onCaughtUp: () => Promise.reject(new Error('the announcement failed')),
    });
    await expect(reading.subscription.done).rejects.toMatchObject({
      code: 'internal.defect',
      message: 'the announcement failed',
    });
  });
});

describe('a group', () => {
  it('loses and doubles nothing when members join and leave, and no partition is read by two at once', async () => {
    const log = await openLog('rebalance', 6);
    const path = join(folder, 'rebalance.sqlite');
    const applied: string[] = [];
    const working = new Set<number>();
    const clashes: number[] = [];
    const member = () =>
      read(log, {
        versions: sqliteVersionStore({ path }),
        async handle(changes) {
          const partition = changes[0]?.version.place.partition ?? -1;
          if (working.has(partition)) clashes.push(partition);
          working.add(partition);
          await new Promise((resolve) => setImmediate(resolve));
          applied.push(...changes.map(nameOf));
          working.delete(partition);
        },
      });
    const publish = (stamp: number) =>
      log.publish(Array.from({ length: 300 }, (_, n) => ticket(n + 1, stamp)));
    const first = await member();
    await publish(1);
    await expect.poll(() => applied.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const second = await member();
    for (let stamp = 2; stamp <= 6; stamp++) await publish(stamp);
    await expect.poll(() => second.subscription.positions().size, { timeout: 20_000 }).toBe(3);
    for (let stamp = 7; stamp <= 10; stamp++) await publish(stamp);
    await expect.poll(() => second.subscription.books().applied, { timeout: 20_000 }).toBeGreaterThan(0);
    const stopped = second.subscription.stop();
    for (let stamp = 11; stamp <= 15; stamp++) await publish(stamp);
    await stopped;
    await expect.poll(() => applied.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4_500);
    await expect.poll(() => first.subscription.lag(), { timeout: 10_000 }).toBe(0);
    await first.subscription.stop();
    expect(applied.length).toBe(4_500);
    for (let id = 1; id <= 300; id++) {
      expect(applied.filter((name) => name.startsWith(`${id}@`))).toEqual(
        Array.from({ length: 15 }, (_, n) => `${id}@${n + 1}`),
      );
    }
    expect(clashes).toEqual([]);
    const books = await first.versions.readBooks();
    expect(books.applied).toBe(4_500);
    expect(booksBalance(books)).toBe(true);
  });

  it('gives the partitions of a member killed by -9 to its next start within 3 s', async () => {
    const log = await openLog('killed', 3);
    await log.publish(Array.from({ length: 50 }, (_, n) => ticket(n + 1, 100)));
    const [group, path, memberFile] = [
      `${log.topic}.group`,
      join(folder, 'killed.sqlite'),
      join(folder, 'member'),
    ];
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('./testing/member-to-kill.ts', import.meta.url)),
        ...[log.brokers, log.topic, group, path, memberFile],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await log.publish([ticket(1, 101)]);
    const startedAtMs = performance.now();
    const next = await read(log, { versions: sqliteVersionStore({ path }), memberFile, soleMember: true });
    await expect.poll(() => next.applied, { timeout: 10_000, interval: 20 }).toEqual(['1@101']);
    expect(performance.now() - startedAtMs).toBeLessThan(3_000);
    expect(await next.versions.readBooks()).toMatchObject({ applied: 51, duplicate: 0 });
  });
});

describe.concurrent('longer than a session lasts (10 s)', () => {
  it('a sink may be at work, or fail: the member stays, nothing is repeated, reading goes on after', async ({
    expect,
  }) => {
    const log = await openLog('long');
    await log.publish([ticket(1, 100)]);
    const memberFile = join(folder, 'long-member');
    const admin = log.kafka.admin();
    await admin.connect();
    const members = async () =>
      (await admin.describeGroups([`${log.topic}.group`])).groups[0]?.members.map(({ memberId }) => memberId);
    const applied: string[] = [];
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let failUntilMs = Number.POSITIVE_INFINITY;
    const reading = await read(log, {
      memberFile,
      async handle(changes) {
        begun.resolve();
        await work.promise;
        if (performance.now() < failUntilMs) throw new TicketStreamError('sink.unavailable', 'down');
        applied.push(...changes.map(nameOf));
      },
    });
    await begun.promise;
    const startedAtMs = performance.now();
    const before = await members();
    // At work for longer than a session, without a word; then failing for longer than another.
    await expect
      .poll(() => performance.now() - startedAtMs, { timeout: 15_000, interval: 250 })
      .toBeGreaterThan(11_500);
    work.resolve();
    failUntilMs = performance.now() + 11_500;
    await expect.poll(() => applied, { timeout: 25_000 }).toEqual(['1@100']);
    expect(await members()).toEqual(before);
    await admin.disconnect();
    expect(reading.subscription.books()).toMatchObject({ consumed: 1, applied: 1 });
    await log.publish([ticket(2, 100)]);
    await expect.poll(() => applied).toEqual(['1@100', '2@100']);
  });

  it('a second member that must be the only one waits, then is refused with the name of the holder', async ({
    expect,
  }) => {
    const log = await openLog('sole');
    const holder = await read(log, { brokers: [log.brokers], clientId: 'the-holder' });
    await expect.poll(() => holder.subscription.isCaughtUp(), { timeout: 20_000 }).toBe(true);
    const second = await read(log, { soleMember: true });
    await expect(second.subscription.done).rejects.toMatchObject({
      code: 'kafka.group_taken',
      exitCode: 4,
      message: expect.stringContaining('the-holder'),
    });
    expect(second.waits.some((reason) => reason?.includes('former member'))).toBe(true);
  });
});
