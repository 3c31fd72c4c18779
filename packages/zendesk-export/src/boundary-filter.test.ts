import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Boundary, BoundaryFilter } from './boundary-filter.ts';

const NONE: Boundary = { second: 100, digests: {}, overflowed: false };
const digest = (letter: string) => letter.repeat(32);

/** A page as the producer walks it. @returns the keys that are published, and the boundary after it */
function walk(
  before: Boundary,
  page: readonly (readonly [key: string, digest: string, second: number | undefined])[],
  nextStartTime: number,
  entriesMax?: number,
) {
  const filter = new BoundaryFilter(before, entriesMax);
  const published: string[] = [];
  for (const [key, ticketDigest, second] of page) {
    if (!filter.isRepeat(key, ticketDigest)) published.push(key);
    filter.note(key, ticketDigest, second);
  }
  return { published, after: filter.close(nextStartTime) };
}

describe('the boundary second', () => {
  const first = walk(
    NONE,
    [
      ['1', digest('a'), 100],
      ['2', digest('b'), 105],
      ['3', digest('c'), 105],
    ],
    105,
  );

  it('is carried: what is at or after the next start, and nothing older', () => {
    expect(first.published).toEqual(['1', '2', '3']);
    expect(first.after).toEqual({
      second: 105,
      digests: { 2: 'b'.repeat(16), 3: 'c'.repeat(16) },
      overflowed: false,
    });
  });

  it('repeated on the next page in another order is dropped, and what is new in it is not', () => {
    const second = walk(
      first.after,
      [
        ['3', digest('c'), 105],
        ['4', digest('d'), 105],
        ['2', digest('b'), 105],
        ['5', digest('e'), 107],
      ],
      107,
    );
    expect(second.published).toEqual(['4', '5']);
    expect(second.after.digests).toEqual({ 5: 'e'.repeat(16) });
  });

  it('with other content is published, and the newer one is what counts then', () => {
    const changed = walk(first.after, [['2', digest('x'), 105]], 105);
    expect(changed.published).toEqual(['2']);
    expect(walk(changed.after, [['2', digest('x'), 105]], 105).published).toEqual([]);
    expect(walk(changed.after, [['2', digest('b'), 105]], 105).published).toEqual(['2']);
  });

  it('keeps its entries while it lasts, also those a page does not show', () => {
    const empty = walk(first.after, [], 105);
    expect(empty.after).toEqual(first.after);
    expect(walk(empty.after, [['3', digest('c'), 105]], 105).published).toEqual([]);
  });

  it('lets go of them once the export moved on', () => {
    expect(walk(first.after, [], 106).after.digests).toEqual({});
  });
});

describe('entries of later seconds', () => {
  it('are carried over pages that do not show them, until their second is passed', () => {
    const first = walk(NONE, [['1', digest('a'), 110]], 105);
    expect(first.after.digests).toEqual({ 1: `${'a'.repeat(16)}@110` });
    const second = walk(first.after, [], 108);
    expect(walk(second.after, [['1', digest('a'), 110]], 110).published).toEqual([]);
    expect(walk(second.after, [], 110).after.digests).toEqual({ 1: 'a'.repeat(16) });
    expect(walk(second.after, [], 111).after.digests).toEqual({});
  });
});

describe('tickets without a usable generated_timestamp', () => {
  it('are published once while the second lasts, however often they are shown', () => {
    let boundary = walk(NONE, [[digest('f'), digest('f'), undefined]], 100).after;
    for (let poll = 0; poll < 5; poll++) {
      const again = walk(boundary, [[digest('f'), digest('f'), undefined]], 100);
      expect(again.published).toEqual([]);
      boundary = again.after;
    }
  });

  it('stay known when the next page, of a later second, shows them again', () => {
    const first = walk(NONE, [['7', digest('a'), undefined]], 105);
    const second = walk(first.after, [['7', digest('a'), undefined]], 110);
    expect(second.published).toEqual([]);
    expect(walk(second.after, [['7', digest('a'), undefined]], 110).published).toEqual([]);
  });
});

describe('a ticket twice on one page', () => {
  it('is published once with the same bytes', () => {
    expect(
      walk(
        NONE,
        [
          ['1', digest('a'), 100],
          ['1', digest('a'), 100],
        ],
        100,
      ).published,
    ).toEqual(['1']);
  });

  it('leaves the later of two contents as the last in the log, at every repetition', () => {
    const page = [
      ['1', digest('a'), 100],
      ['1', digest('b'), 100],
    ] as const;
    const first = walk(NONE, page, 100);
    expect(first.published).toEqual(['1', '1']);
    // The first was replaced: to drop only the second of them would end with the first.
    expect(walk(first.after, page, 100).published).toEqual(['1', '1']);
  });
});

describe('more than the bound', () => {
  const many = (count: number, second: number | undefined) =>
    Array.from({ length: count }, (_, index) => [`${index + 1}`, digest('a'), second] as const);

  it('in one second stops filtering until that second is over', () => {
    const first = walk(NONE, many(11, 100), 100, 10);
    expect(first.after).toEqual({ second: 100, digests: {}, overflowed: true });
    const second = walk(first.after, many(3, 100), 100, 10);
    expect(second.published).toHaveLength(3);
    expect(second.after.overflowed).toBe(true);
    const third = walk(second.after, [...many(3, 100), ['9', digest('z'), 120]], 120, 10);
    expect(third.after).toEqual({ second: 120, digests: { 9: 'z'.repeat(16) }, overflowed: false });
  });

  it('exactly the bound still filters', () => {
    expect(walk(NONE, many(10, 100), 100, 10).after.overflowed).toBe(false);
  });

  it.each([100, undefined])('far more in one second (%s) is the same', (second) => {
    expect(walk(NONE, many(1_000, second), 100, 10).after.overflowed).toBe(true);
    expect(walk(NONE, many(1_000, second), 101, 10).after.overflowed).toBe(second === undefined);
  });

  it('over many seconds lets go of the old ones and filters the newest', () => {
    const page = Array.from({ length: 1_000 }, (_, index) => [`${index}`, digest('a'), 100 + index] as const);
    const first = walk(NONE, page, 1_099, 10);
    expect(first.after).toEqual({ second: 1_099, digests: { 999: 'a'.repeat(16) }, overflowed: false });
    // Had the page ended with an early second, what repeats would not be known any more: said, not guessed.
    expect(walk(NONE, page, 500, 10).after.overflowed).toBe(true);
  });
});

describe('against an export that repeats its boundary', () => {
  const ticket = fc.record({
    id: fc.integer({ min: 1, max: 30 }),
    second: fc.integer({ min: 100, max: 112 }),
  });
  test.prop([
    fc.uniqueArray(ticket, { selector: ({ id }) => id, maxLength: 30 }),
    fc.integer({ min: 1, max: 6 }),
    fc.func(fc.nat()),
  ])(
    'everything is published exactly once, whatever the page size and the order within a second',
    (tickets, perPage, tie) => {
      const exported = [...tickets].sort((a, b) => a.second - b.second);
      let boundary: Boundary = { second: 0, digests: {}, overflowed: false };
      const published: string[] = [];
      for (let start = 0, pages = 0; pages < 100; pages++) {
        const from = exported.filter(({ second }) => second >= start);
        const last = from[Math.min(perPage, from.length) - 1]?.second ?? start;
        // A page is extended to its whole second, so that it always advances; ties come in another order each time.
        const shown = from
          .filter(({ second }) => second <= last)
          .sort((a, b) => a.second - b.second || tie(a.id, pages) - tie(b.id, pages));
        const end = last > start ? last : shown.length > 0 && shown.length < from.length ? last + 1 : last;
        const step = walk(
          boundary,
          shown.map(({ id, second }) => [String(id), digest(String(id % 10)), second] as const),
          end,
        );
        published.push(...step.published);
        boundary = step.after;
        if (end === start && shown.length === from.length) break;
        start = end;
      }
      const numbers = (a: number, b: number) => a - b;
      expect(published.map(Number).sort(numbers)).toEqual(exported.map(({ id }) => id).sort(numbers));
    },
  );
});
