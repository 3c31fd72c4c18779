import { fc, test } from '@fast-check/vitest';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { parseQuery } from './parse-query.ts';
import { printQuery } from './print-query.ts';
import type { Clause, Query, TextClause } from './query.ts';
import { queryLimits } from './query-token.ts';

function refusal(text: string): TicketStreamError {
  try {
    parseQuery(text);
  } catch (error) {
    if (error instanceof TicketStreamError) return error;
    throw error;
  }
  throw new Error(`"${text}" was accepted`);
}

function withoutPlaces(query: Query): unknown[] {
  return query.clauses.map(({ at: _, ...clause }) => clause);
}

describe('parseQuery', () => {
  it('reads words, phrases, numbers and what is excluded', () => {
    expect(withoutPlaces(parseQuery('refund "not happy" -spam 4711 -"by mail"'))).toEqual([
      { kind: 'text', form: 'word', text: 'refund', excluded: false },
      { kind: 'text', form: 'phrase', text: 'not happy', excluded: false },
      { kind: 'text', form: 'word', text: 'spam', excluded: true },
      { kind: 'text', form: 'number', text: '4711', excluded: false },
      { kind: 'text', form: 'phrase', text: 'by mail', excluded: true },
    ]);
  });

  it('reads every kind of value', () => {
    const text =
      'status<solved priority:HIGH assignee:none group:12345678901234567 tags:vip tags:"vip Refund" ' +
      'created>=2026-03-01 updated<2026-03-01T10:00:00+02:00 created>4hours subject:photo* -status:new';
    expect(parseQuery(text).clauses.map((clause) => clause.kind === 'property' && clause.value)).toEqual([
      { kind: 'choice', name: 'solved' },
      { kind: 'choice', name: 'high' },
      { kind: 'none' },
      { kind: 'id', digits: '12345678901234567' },
      { kind: 'tags', all: ['vip'] },
      { kind: 'tags', all: ['vip', 'refund'] },
      { kind: 'day', day: '2026-03-01' },
      { kind: 'instant', second: Date.UTC(2026, 2, 1, 8) / 1000 },
      { kind: 'ago', count: 4, unit: 'hour' },
      { kind: 'text', form: 'word', text: 'photo', prefix: true },
      { kind: 'choice', name: 'new' },
    ]);
  });

  it('takes curled quotes and blanks of any script', () => {
    expect(withoutPlaces(parseQuery('\u201cnot happy\u201d\u3000refund'))).toEqual([
      { kind: 'text', form: 'phrase', text: 'not happy', excluded: false },
      { kind: 'text', form: 'word', text: 'refund', excluded: false },
    ]);
  });

  it('takes a * in quotes for a mark like any other', () => {
    expect(withoutPlaces(parseQuery('"5 * 4"'))).toMatchObject([{ form: 'phrase', text: '5 * 4' }]);
    expect(parseQuery('tags:"a*"').clauses).toMatchObject([{ value: { kind: 'tags', all: ['a*'] } }]);
    expect(parseQuery('subject:"a*"').clauses).toMatchObject([{ value: { form: 'phrase', prefix: false } }]);
  });

  it('takes a time of day for a word, and the empty query for every ticket', () => {
    expect(withoutPlaces(parseQuery('12:30'))).toEqual([
      { kind: 'text', form: 'word', text: '12:30', excluded: false },
    ]);
    expect(parseQuery('  ').clauses).toEqual([]);
  });

  it.each([
    ['stauts:open', 0, 6, 'did you mean "status"', 'status'],
    ['refund status:opne', 14, 4, 'did you mean "open"', 'open'],
    ['refund foo:bar', 7, 3, 'unknown key "foo"; in quotes it is searched as text', undefined],
    ['-prioritty:low', 1, 9, 'did you mean "priority"', 'priority'],
    ['comment:hello', 0, 7, 'the export carries no comments', undefined],
    ['custom_field_360012:x', 0, 19, 'this version does not answer it yet', undefined],
    ['assignee:anna@example.com', 9, 16, 'the export carries no names', undefined],
    ['requester:none', 10, 4, 'the export carries no names', undefined],
    ['status: open', 0, 7, 'nothing stands after "status:"', undefined],
    ['refund - x', 7, 1, '"-" excludes what follows', undefined],
    ['say "hello', 4, 1, 'does not close', undefined],
    ['""', 0, 2, 'no letter or digit', undefined],
    ['status<deleted', 7, 7, 'stands outside the order', undefined],
    ['tags>vip', 0, 8, 'tags has no order', undefined],
    ['created:2026-02-30', 8, 10, 'not a day of the calendar', undefined],
    ['created:2026-03-01T10:00:00', 8, 19, 'and a zone', undefined],
    ['created:4hours', 0, 14, 'say "created>4hours"', undefined],
    ['created>4huors', 8, 6, 'no unit of time', 'hours'],
    ['created>yesterday', 8, 9, 'is no date', undefined],
    ['refund OR return', 7, 2, 'there is no OR', undefined],
    ['-order_by:created', 0, 17, 'only says how to sort', undefined],
    ['refund photo*', 7, 6, '"*" goes on with a word of subject: or description: only', undefined],
    ['-5*4', 0, 4, 'in quotes', undefined],
    ['tags:vip*', 5, 4, '"*" goes on with a word of subject: or description: only', undefined],
    ['subject:pho*graph', 8, 9, '"*" stands at the end of a word only', undefined],
    ['description:photo**', 12, 7, '"*" stands at the end of a word only', undefined],
    // A voiced mark without its letter: in the form that is searched it is a mark and no letter.
    ['refund \uff9e', 7, 1, 'no letter or digit', undefined],
    ['subject:\uff9e', 8, 1, 'no letter or digit', undefined],
  ])('refuses %s with the place and the reason', (text, position, length, reason, suggestion) => {
    const error = refusal(text);
    expect(error.code).toBe('search.bad_query');
    expect(error.message).toContain(reason);
    expect(error.context).toEqual({
      position,
      length,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  });

  it('says of none of the keys inherited by every object that it knows them', () => {
    expect(refusal('constructor:x').message).toContain('unknown key "constructor"');
    expect(refusal('hasOwnProperty:x').message).toContain('unknown key');
    expect(refusal('order_by:toString').code).toBe('search.bad_query');
  });

  it('refuses a query that is too long or has too many parts, naming the limit', () => {
    expect(refusal('a'.repeat(queryLimits.charactersMax + 1)).message).toContain('2048 characters');
    expect(refusal('a '.repeat(queryLimits.clausesMax + 1)).message).toContain('256 parts');
    expect(parseQuery('a '.repeat(queryLimits.clausesMax)).clauses).toHaveLength(256);
  });

  // Text close to the language finds more than random text does.
  const piece = fc.oneof(
    fc.constantFrom('status', 'tags', 'created', 'assignee', 'subject', 'nokey', 'none', 'open', '4hours'),
    fc.constantFrom(':', '<', '>', '<=', '>=', '-', '"', '\u201c', '*', ' ', '\t', '\u3000', '#', '\\', '0'),
    fc.string({ unit: 'grapheme', maxLength: 8 }),
    fc.string({ unit: 'binary', maxLength: 4 }),
  );
  const anyText = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

  test.prop([anyText], { numRuns: 2000 })('answers any text with a query or with its place in it', (text) => {
    try {
      for (const { at } of parseQuery(text).clauses) {
        expect(text.slice(at.start, at.start + at.length).trim()).toHaveLength(at.length);
      }
    } catch (error) {
      if (!isTicketStreamError(error, 'search.bad_query')) throw error;
      const { position, length } = error.context;
      expect(Number(position)).toBeGreaterThanOrEqual(0);
      expect(Number(length)).toBeGreaterThan(0);
      expect(Number(position) + Number(length)).toBeLessThanOrEqual(text.length);
    }
  });

  test.prop([anyText], { numRuns: 2000 })('reads back what it prints', (text) => {
    let query: Query;
    try {
      query = parseQuery(text);
    } catch {
      return;
    }
    const again = parseQuery(printQuery(query));
    expect(withoutPlaces(again)).toEqual(withoutPlaces(query));
    expect(printQuery(again)).toBe(printQuery(query));
  });

  const place = { start: 0, length: 0 };
  const word = fc
    .stringMatching(/^[a-z]{1,8}$/)
    .map((text): TextClause => ({ kind: 'text', form: 'word', text, excluded: false, at: place }));
  const clause: fc.Arbitrary<Clause> = fc.oneof(
    word,
    fc.constantFrom('<', '<=', '>', '>=' as const).chain((operator) =>
      fc.record({
        kind: fc.constant('property' as const),
        key: fc.constantFrom('created', 'updated'),
        operator: fc.constant(operator as '<' | '<=' | '>' | '>='),
        value: fc.oneof(
          fc.record({
            kind: fc.constant('instant' as const),
            second: fc.integer({ min: 1, max: 253_402_300_799 }),
          }),
          fc.record({
            kind: fc.constant('ago' as const),
            count: fc.integer({ min: 0, max: 999_999 }),
            unit: fc.constantFrom('minute' as const, 'hour' as const, 'month' as const, 'year' as const),
          }),
        ),
        excluded: fc.boolean(),
        at: fc.constant(place),
      }),
    ),
  );
  test.prop([fc.array(clause, { maxLength: 20 })])('reads every query that can be printed', (clauses) => {
    expect(withoutPlaces(parseQuery(printQuery({ clauses })))).toEqual(withoutPlaces({ clauses }));
  });

  test.prop([fc.array(word, { minLength: 1, maxLength: 30 }), fc.nat({ max: 30 })])(
    'says the place of the one part that is wrong, wherever it stands',
    (words, at) => {
      const parts = words.map(({ text }) => text);
      const wrong = Math.min(at, parts.length);
      parts.splice(wrong, 0, 'stauts:open');
      const error = refusal(parts.join(' '));
      expect(error.context['position']).toBe(parts.slice(0, wrong).join(' ').length + (wrong > 0 ? 1 : 0));
    },
  );
});
