import { fc, test } from '@fast-check/vitest';
import { TicketStreamError } from '@ticket-stream/errors';
import type { DeadLetter, LogRecord } from '@ticket-stream/kafka';
import type { TicketChange } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { pieceApplier } from './apply-piece.ts';
import { addBooks, type Books, booksBalance, emptyBooks } from './books.ts';
import { DEAD_LETTER_LIMIT, type DeadLetterLimit, deadLetterWindow } from './dead-letter-window.ts';
import type { Piece } from './pieces.ts';
import { LOG_ID, logRecord, ticket } from './testing/log-record.ts';
import { memoryVersionStore } from './version-store/memory.ts';

interface Sample {
  readonly id: number;
  readonly stamp: number;
  readonly content: string;
  readonly fields?: object;
}

function recordOf({ id, stamp, content, fields }: Sample, offset: number): LogRecord {
  const record = logRecord(ticket(id, stamp, content, fields), offset);
  return content === 'broken' ? { ...record, value: Buffer.from('no JSON') } : record;
}

interface Told {
  readonly offset: bigint;
  readonly previous: unknown;
  readonly changed: readonly string[];
}

/** Applies the pieces one after the other, parts of a refused one in its place, as the loop does. */
async function run(
  records: readonly LogRecord[],
  options: {
    readonly cuts?: readonly number[];
    readonly refuses?: (change: TicketChange) => boolean;
    readonly excludeSystemUpdates?: boolean;
    readonly limit?: DeadLetterLimit;
    /** Fails that many times, as a sink that is down, before it takes anything. */
    readonly downFor?: number;
  } = {},
) {
  const store = memoryVersionStore({ keepTickets: true });
  const letters: DeadLetter[] = [];
  const told: Told[] = [];
  let downFor = options.downFor ?? 0;
  const apply = pieceApplier({
    topic: 'tickets',
    group: 'tickets.mine',
    store,
    excludeSystemUpdates: options.excludeSystemUpdates ?? false,
    window: deadLetterWindow(options.limit ?? DEAD_LETTER_LIMIT, 'tickets.mine'),
    deadLetters: {
      async write(written) {
        letters.push(...written);
      },
    },
    handle(changes) {
      if (downFor-- > 0) throw new TicketStreamError('sink.unavailable', 'down');
      if (changes.some((change) => options.refuses?.(change))) {
        throw new TicketStreamError('ticket.too_deep', 'refused');
      }
      for (const { version, previous, changed } of changes) {
        told.push({ offset: version.place.offset, previous: previous?.['subject'], changed });
      }
    },
  });
  const edges = [...new Set([0, ...(options.cuts ?? []), records.length])]
    .filter((edge) => edge <= records.length)
    .sort((a, b) => a - b);
  const queue = edges.slice(1).map((end, index): Piece => {
    const part = records.slice(edges[index], end);
    return { partition: 0, records: part, nextOffset: (part.at(-1)?.offset ?? 0n) + 1n };
  });
  let books: Books = emptyBooks;
  for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
    const now = piece;
    const applied = await apply(now, LOG_ID).catch((error: unknown) => {
      if (error instanceof TicketStreamError && error.disposition === 'retry') return { parts: [now] };
      throw error;
    });
    if ('parts' in applied) queue.unshift(...applied.parts);
    else books = addBooks(books, applied.books);
  }
  const ids = [...new Set(records.map(({ key }) => key?.toString() ?? ''))];
  return {
    told,
    books,
    storeBooks: await store.readBooks(),
    // Those known by their headers or values come before those that the sink refuses.
    letters: letters
      .map(({ origin }) => (origin.kind === 'record' ? Number(origin.offset) : Number.NaN))
      .toSorted((a, b) => a - b),
    versions: await store.readVersions(ids),
    tickets: await store.readTickets?.(ids),
    positions: await store.readPositions(),
  };
}

const samples = fc.array(
  fc.record({
    id: fc.integer({ min: 1, max: 3 }),
    stamp: fc.integer({ min: 1, max: 6 }),
    content: fc.constantFrom('a', 'b', 'poison', 'broken'),
  }),
  { minLength: 1, maxLength: 30 },
);
const refuses = ({ ticket }: TicketChange) => ticket['subject'] === 'poison';

describe('a piece with changes that can never work', () => {
  test.prop([samples, fc.array(fc.nat(30), { maxLength: 4 })])(
    'ends as if each of its records had come alone: effects, previous states, versions, letters, books',
    async (log, cuts) => {
      const records = log.map(recordOf);
      const alone = await run(records, { cuts: records.map((_, index) => index), refuses });
      expect(await run(records, { cuts, refuses })).toEqual(alone);
      expect(booksBalance(alone.books)).toBe(true);
      expect(alone.storeBooks).toEqual(alone.books);
      expect(alone.books.consumed).toBe(records.length);
    },
  );

  it('applies later versions of the refused ticket on what is really stored, an older one that was not seen too', async () => {
    const records = [
      { id: 1, stamp: 10, content: 'first' },
      { id: 2, stamp: 10, content: 'other' },
      { id: 1, stamp: 12, content: 'poison' },
      { id: 1, stamp: 11, content: 'between' },
      { id: 1, stamp: 13, content: 'last' },
    ].map(recordOf);
    const { told, letters, versions, books } = await run(records, { refuses });
    expect(told).toMatchObject([
      { offset: 0n, previous: undefined },
      { offset: 1n, previous: undefined },
      { offset: 3n, previous: 'first', changed: ['subject'] },
      { offset: 4n, previous: 'between', changed: ['subject'] },
    ]);
    expect(letters).toEqual([2]);
    expect(versions.get('1')).toMatchObject({ stamp: 13 });
    expect(books).toEqual({ ...emptyBooks, consumed: 5, applied: 4, deadLettered: 1 });
  });

  it('claims no refused version where nothing comes after it', async () => {
    const { versions } = await run(
      [
        { id: 1, stamp: 10, content: 'first' },
        { id: 1, stamp: 12, content: 'poison' },
      ].map(recordOf),
      { refuses },
    );
    expect(versions.get('1')).toMatchObject({ stamp: 10, place: { offset: 0n } });
  });

  it('is set aside once, however often its step is tried again while the sink is down', async () => {
    const broken = { ...recordOf({ id: 2, stamp: 1, content: 'x' }, 1), value: Buffer.from('no JSON') };
    const records = [recordOf({ id: 1, stamp: 10, content: 'first' }, 0), broken];
    const { letters, books } = await run(records, { downFor: 7 });
    expect(letters).toEqual([1]);
    expect(books).toEqual({ ...emptyBooks, consumed: 2, applied: 1, deadLettered: 1 });
  });

  it('is set aside once too while another partition goes on between the tries', async () => {
    const letters: DeadLetter[] = [];
    let downFor = 3;
    const apply = pieceApplier({
      ...{ topic: 'tickets', group: 'tickets.mine', excludeSystemUpdates: false },
      store: memoryVersionStore(),
      deadLetters: {
        async write(written) {
          letters.push(...written);
        },
      },
      handle(changes) {
        const held = changes.some(({ version }) => version.place.partition === 0);
        if (held && downFor-- > 0) {
          throw new TicketStreamError('sink.unavailable', 'down', { context: { partition: 0 } });
        }
      },
    });
    const broken = { ...logRecord(ticket(2, 1), 1), value: Buffer.from('no JSON') };
    const postponed = { partition: 0, records: [logRecord(ticket(1, 1), 0), broken], nextOffset: 2n };
    for (let round = 0; round < 3; round++) {
      await expect(apply(postponed, LOG_ID)).rejects.toMatchObject({ code: 'sink.unavailable' });
      const other = { ...logRecord(ticket(3, round + 1), round), partition: 1 };
      await apply({ partition: 1, records: [other], nextOffset: BigInt(round + 1) }, LOG_ID);
    }
    await apply(postponed, LOG_ID);
    expect(letters.length).toBe(1);
  });

  it('that are too many stops before one too many is set aside', async () => {
    const records = Array.from({ length: 8 }, (_, offset) =>
      recordOf({ id: offset + 1, stamp: 1, content: offset % 2 === 0 ? 'poison' : 'fine' }, offset),
    );
    await expect(run(records, { refuses, limit: { size: 8, letters: 3 } })).rejects.toMatchObject({
      code: 'subscriber.too_many_dead_letters',
    });
    await expect(run(records, { refuses, limit: { size: 8, letters: 4 } })).resolves.toMatchObject({
      letters: [0, 2, 4, 6],
    });
  });
});

describe('a store that several members share', () => {
  it('is held for the partition from the lookup of versions to their record, and let go after a failure', async () => {
    const store = memoryVersionStore();
    const seen: string[] = [];
    const apply = pieceApplier({
      ...{ topic: 'tickets', group: 'tickets.mine', excludeSystemUpdates: false },
      store: {
        ...store,
        readVersions(ids) {
          seen.push('lookup');
          return store.readVersions(ids);
        },
        async record(step, effect) {
          await store.record(step, effect);
          seen.push('record');
        },
        async exclusively(partition, work) {
          seen.push(`hold ${partition}`);
          try {
            return await work();
          } finally {
            seen.push('let go');
          }
        },
      },
      deadLetters: { async write() {} },
      handle: () => {
        if (seen.length < 4) throw new TicketStreamError('sink.unavailable', 'down');
      },
    });
    const piece = { partition: 5, records: [logRecord(ticket(1, 10), 0)], nextOffset: 1n };
    await expect(apply(piece, LOG_ID)).rejects.toMatchObject({ code: 'sink.unavailable' });
    await apply(piece, LOG_ID);
    expect(seen).toEqual(['hold 5', 'lookup', 'let go', 'hold 5', 'lookup', 'record', 'let go']);
  });
});

describe('system updates, excluded', () => {
  const at = (updated_at: string, more: object = {}) => ({ fields: { updated_at, ...more } });

  it('are skipped where updated_at is the stored one, and counted; the next change has what is stored as its previous', async () => {
    const log = [
      { id: 1, stamp: 10, content: 'seen', ...at('t1') },
      { id: 1, stamp: 12, content: 'by the system', ...at('t1') },
      { id: 1, stamp: 14, content: 'by a person', ...at('t2') },
    ].map(recordOf);
    const { told, books, versions } = await run(log, { excludeSystemUpdates: true });
    expect(told).toMatchObject([{ offset: 0n }, { offset: 2n, previous: 'seen' }]);
    expect(books).toEqual({ ...emptyBooks, consumed: 3, applied: 2, skipped: 1 });
    expect(versions.get('1')).toMatchObject({ stamp: 14 });
    expect((await run(log)).books.applied).toBe(3);
  });

  it('come all the same for a ticket not stored, deleted or scrubbed, or without a time', async () => {
    const deleted = (sample: Sample, offset: number): LogRecord => {
      const record = recordOf(sample, offset);
      return { ...record, headers: { ...record.headers, ce_type: 'com.zendesk.ticket.deleted' } };
    };
    const log = [
      recordOf({ id: 1, stamp: 10, content: 'open', ...at('t1') }, 0),
      deleted({ id: 1, stamp: 12, content: 'gone', ...at('t1', { status: 'deleted' }) }, 1),
      deleted({ id: 1, stamp: 14, content: 'SCRUBBED', ...at('t1', { status: 'deleted' }) }, 2),
      recordOf({ id: 2, stamp: 10, content: 'without' }, 3),
      recordOf({ id: 2, stamp: 12, content: 'without, again' }, 4),
    ];
    expect((await run(log, { excludeSystemUpdates: true })).books).toMatchObject({ applied: 5, skipped: 0 });
  });

  test.prop([
    fc.array(
      fc.record({
        id: fc.integer({ min: 1, max: 2 }),
        stamp: fc.integer({ min: 1, max: 5 }),
        content: fc.constantFrom('a', 'b'),
        fields: fc.record({ updated_at: fc.constantFrom('t1', 't2') }),
      }),
      { minLength: 1, maxLength: 25 },
    ),
    fc.array(fc.nat(25), { maxLength: 4 }),
  ])('are the same however the log is cut', async (log, cuts) => {
    const records = log.map(recordOf);
    const alone = await run(records, { cuts: records.map((_, at) => at), excludeSystemUpdates: true });
    expect(await run(records, { cuts, excludeSystemUpdates: true })).toEqual(alone);
  });
});
