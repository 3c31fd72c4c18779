import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { encodeDeadLetter, encodeDeadLetterState, factHeaders } from './dead-letter.ts';
import { createLetterFold, type LetterRow } from './letter-fold.ts';
import { type LetterState, letterStates } from './letter-state.ts';
import type { LogRecord } from './log-record.ts';

let offset = 0n;
function record(key: string | null, value: Buffer, headers: LogRecord['headers'], atMs = 1_000): LogRecord {
  return {
    partition: 0,
    offset: offset++,
    publishedAtMs: atMs,
    key: key === null ? null : Buffer.from(key),
    value,
    headers,
  };
}

function letterAt(place: bigint, atMs = 1_000, bytesMax = 1_000_000): LogRecord {
  const { key, value, headers } = encodeDeadLetter(
    {
      code: 'record.invalid_value',
      cause: 'no JSON',
      origin: {
        kind: 'record',
        ...{ group: 'tickets.search.1', topic: 'tickets', partition: 3, offset: place },
        recordKey: Buffer.from('35'),
        headers: undefined,
      },
      bytes: Buffer.from('{"id":35'),
    },
    bytesMax,
  );
  return record(key, value, headers, atMs);
}

function stateOf(
  key: string,
  state: Exclude<LetterState, 'open'>,
  atMs = 1_000,
  who: { by?: string; reason?: string } = {},
  facts: Record<string, string> = {},
): LogRecord {
  const encoded = encodeDeadLetterState({ key, state, ...who });
  return record(encoded.key, encoded.value, { ...facts, ...encoded.headers }, atMs);
}

function fold(records: readonly LogRecord[]): LetterRow[] {
  const rows = createLetterFold();
  for (const each of records) rows.add(each);
  return [...rows.rows()];
}

const KEY = 'tickets.search.1/tickets/3/7';

describe('a letter', () => {
  it('is one row, with all that its headers say', () => {
    const [row] = fold([letterAt(7n, 5_000)]);
    expect(row).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{8}$/),
      key: KEY,
      state: 'open',
      code: 'record.invalid_value',
      cause: 'no JSON',
      ticketId: '35',
      origin: { kind: 'record', group: 'tickets.search.1', topic: 'tickets', partition: 3, offset: 7n },
      letters: 1,
      firstAtMs: 5_000,
      lastAtMs: 5_000,
      whole: undefined,
      bytesAt: { length: 8 },
    });
  });

  it('written again is a repeat of the same row, and open again whatever it was', () => {
    const rows = fold([
      letterAt(7n, 1_000),
      letterAt(8n, 1_500),
      stateOf(KEY, 'applied', 2_000),
      letterAt(7n, 3_000),
    ]);
    expect(rows.map(({ key, letters, state }) => [key, letters, state])).toEqual([
      [KEY, 2, 'open'],
      ['tickets.search.1/tickets/3/8', 1, 'open'],
    ]);
    expect(rows[0]).toMatchObject({ firstAtMs: 1_000, lastAtMs: 3_000, stateAtMs: 3_000 });
  });

  it('takes the newest state, with who decided it and why, and keeps its own facts and bytes', () => {
    const first = letterAt(7n);
    const [row] = fold([
      first,
      stateOf(KEY, 'retrying', 2_000, { by: 'ana@desk' }),
      stateOf(KEY, 'dropped', 3_000, { by: 'ben@desk', reason: 'a test ticket' }),
    ]);
    expect(row).toMatchObject({
      state: 'dropped',
      by: 'ben@desk',
      reason: 'a test ticket',
      code: 'record.invalid_value',
      letters: 1,
      lastAtMs: 1_000,
      stateAtMs: 3_000,
      bytesAt: { offset: first.offset, length: 8 },
    });
  });

  it('of which the topic kept the outcome alone still says what it was', () => {
    const [whole] = fold([letterAt(7n)]);
    const [left] = fold([stateOf(KEY, 'dropped', 9_000, {}, factHeaders(whole as LetterRow))]);
    expect(left).toMatchObject({
      state: 'dropped',
      letters: 0,
      code: 'record.invalid_value',
      origin: { offset: 7n },
    });
    expect(left?.bytesAt).toBeUndefined();
  });

  it('whose state this version does not know is open: better seen once too often', () => {
    const [row] = fold([letterAt(7n), record(KEY, Buffer.alloc(0), { 'dlq-state': 'archived' })]);
    expect(row?.state).toBe('open');
  });

  it('of a record without a value has no bytes, and one whose repeat has none keeps its own', () => {
    const empty = { ...letterAt(7n), value: Buffer.alloc(0) };
    expect(fold([empty])[0]?.bytesAt).toMatchObject({ offset: empty.offset, length: 0 });
    const first = letterAt(8n);
    expect(fold([first, { ...letterAt(8n), value: Buffer.alloc(0) }])[0]?.bytesAt).toMatchObject({
      offset: first.offset,
      length: 8,
    });
  });

  it('that is cut says of how many bytes', () => {
    expect(fold([letterAt(7n, 1_000, 4)])[0]).toMatchObject({
      whole: { byteLength: 8 },
      bytesAt: { length: 4 },
    });
  });

  it('of something else stands there without facts, and a record without a key in no row', () => {
    const rows = createLetterFold();
    rows.add(record('theirs', Buffer.from('x'), {}));
    rows.add(record('theirs', Buffer.from('x'), { 'dlq-code': null, 'dlq-origin': [null] }));
    rows.add(record(null, Buffer.from('x'), {}));
    expect([...rows.rows()]).toMatchObject([
      { key: 'theirs', state: 'open', code: undefined, origin: undefined },
    ]);
    expect(rows.unreadable).toBe(1);
  });
});

const step = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(...letterStates));
test.prop([fc.array(step, { maxLength: 60 })])(
  'any history of letters and states folds to one row a key: repeats counted, the newest record deciding',
  (history) => {
    const records = history.map(([place, state]) =>
      state === 'open' ? letterAt(BigInt(place)) : stateOf(`tickets.search.1/tickets/3/${place}`, state),
    );
    const rows = fold(records);
    expect(rows.length).toBe(new Set(history.map(([place]) => place)).size);
    for (const row of rows) {
      const own = history.filter(([place]) => row.key.endsWith(`/${place}`));
      expect(row.state).toBe(own.at(-1)?.[1]);
      expect(row.letters).toBe(own.filter(([, state]) => state === 'open').length);
    }
  },
);
