import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { isTicketStreamError } from '@ticket-stream/errors';
import { readGroupOffsets } from '@ticket-stream/kafka';
import type { TicketChange } from '@ticket-stream/ticket';
import { afterAll, describe, expect, it } from 'vitest';
import { booksBalance } from './books.ts';
import { type ChangesOptions, changes } from './changes.ts';
import { ticket } from './testing/log-record.ts';
import { openTicketsLog, type TicketsLog } from './testing/tickets-log.ts';
import { memoryVersionStore } from './version-store/memory.ts';

const toClose: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of toClose.reverse()) await close();
});

async function openLog(name: string): Promise<TicketsLog> {
  const log = await openTicketsLog(sharedKafka().brokers, `${topicPrefix(name)}tickets`);
  toClose.push(log.close);
  return log;
}

const optionsFor = (log: TicketsLog, options: Partial<ChangesOptions> = {}): ChangesOptions => ({
  brokers: log.brokers.split(','),
  topic: log.topic,
  group: `${log.topic}.group`,
  versions: memoryVersionStore(),
  ...options,
});

const nameOf = ({ ticketId, version }: TicketChange) => `${ticketId}@${version.stamp}`;
const committed = async (log: TicketsLog) =>
  (await readGroupOffsets(log.kafka, `${log.topic}.group`, log.topic)).get(0);

describe('a subscription as a loop', () => {
  it('hands over every change once, in order, and ends at `until`', async () => {
    const log = await openLog('loop');
    await log.publish([ticket(1, 100), ticket(2, 100)]);
    await log.publish([ticket(1, 200)]);
    const versions = memoryVersionStore();
    const seen: string[] = [];
    for await (const batch of changes(optionsFor(log, { versions, until: 'end' })))
      seen.push(...batch.map(nameOf));
    expect(seen).toEqual(['1@100', '2@100', '1@200']);
    const books = await versions.readBooks();
    expect(books).toMatchObject({ consumed: 3, applied: 3 });
    expect(booksBalance(books)).toBe(true);
    expect(await committed(log)).toBe((await log.end()).get(0));
  });

  it('acknowledges a batch when the next one is asked for, and not before', async () => {
    const log = await openLog('acknowledge');
    await log.publish([ticket(1, 100)]);
    const versions = memoryVersionStore();
    const loop = changes(optionsFor(log, { versions }));
    const first = await loop.next();
    expect(first.value?.map(nameOf)).toEqual(['1@100']);
    // Nothing of it is stored while it is at work, however long that takes: the next one's arrival changes nothing.
    await log.publish([ticket(2, 100)]);
    expect(await versions.readVersions(['1'])).toEqual(new Map());
    expect(await versions.readPositions()).toEqual([]);
    expect(await committed(log)).toBeUndefined();
    const second = await loop.next();
    expect(second.value?.map(nameOf)).toEqual(['2@100']);
    expect([...(await versions.readVersions(['1', '2'])).keys()]).toEqual(['1']);
    expect(await committed(log)).toBe(2n);
    await loop.return();
  });

  it.for(['break', 'throw'] as const)(
    'left by %s: the batch at hand comes again, the ones before it do not',
    async (how) => {
      const log = await openLog(`left-by-${how}`);
      await log.publish([ticket(1, 100)]);
      const versions = memoryVersionStore();
      const mishap = new Error('of the loop’s body');
      const leave = async () => {
        for await (const batch of changes(optionsFor(log, { versions }))) {
          if (batch.map(nameOf).includes('2@100')) {
            if (how === 'throw') throw mishap;
            break;
          }
          await log.publish([ticket(2, 100)]);
        }
      };
      expect(
        await leave().then(
          () => undefined,
          (error: unknown) => error,
        ),
      ).toBe(how === 'throw' ? mishap : undefined);
      expect([...(await versions.readVersions(['1', '2'])).keys()]).toEqual(['1']);

      const again: string[] = [];
      for await (const batch of changes(optionsFor(log, { versions, until: 'end' })))
        again.push(...batch.map(nameOf));
      expect(again).toEqual(['2@100']);
      expect(await versions.readBooks()).toMatchObject({ consumed: 2, applied: 2, duplicate: 0 });
      expect(await log.deadLetters()).toEqual([]);
    },
  );

  it('ends by its signal: the batch at hand is acknowledged when its body is done, and no other comes', async () => {
    const log = await openLog('signal');
    await log.publish([ticket(1, 100)]);
    const versions = memoryVersionStore();
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const batch of changes(optionsFor(log, { versions, signal: stop.signal }))) {
      seen.push(...batch.map(nameOf));
      await log.publish([ticket(2, 100)]);
      stop.abort();
    }
    expect(seen).toEqual(['1@100']);
    expect([...(await versions.readVersions(['1', '2'])).keys()]).toEqual(['1']);
  });

  it('ends by its signal while it waits for a change, and where it was given before the start', async () => {
    const log = await openLog('signal-waiting');
    await log.publish([ticket(1, 100)]);
    const versions = memoryVersionStore();
    const stop = new AbortController();
    const loop = changes(optionsFor(log, { versions, signal: stop.signal, onCaughtUp: () => stop.abort() }));
    expect((await loop.next()).value?.map(nameOf)).toEqual(['1@100']);
    expect((await loop.next()).done).toBe(true);
    expect((await changes(optionsFor(log, { signal: AbortSignal.abort() })).next()).done).toBe(true);
  });

  it('throws in its head what ended the subscription', async () => {
    const log = await openLog('ended');
    await log.publish([ticket(1, 100)]);
    const versions = memoryVersionStore();
    await versions.record(
      {
        versions: new Map(),
        positions: [{ partition: 0, logId: log.logId, nextOffset: 1_000n }],
        books: { consumed: 0, applied: 0, duplicate: 0, stale: 0, skipped: 0, deadLettered: 0 },
      },
      () => {},
    );
    const error = await changes(optionsFor(log, { versions }))
      .next()
      .catch((thrown: unknown) => thrown);
    expect(isTicketStreamError(error, 'log.cut')).toBe(true);
  });
});
