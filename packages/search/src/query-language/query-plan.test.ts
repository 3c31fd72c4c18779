import { TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { parseQuery } from './parse-query.ts';
import { planQuery } from './query-plan.ts';

const nowSecond = Date.UTC(2026, 2, 31, 12, 30) / 1000;
const plan = (text: string, deleted = false) => planQuery(parseQuery(text), { deleted, nowSecond });
const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 1000;

describe('planQuery', () => {
  it('makes one condition with alternatives of a key given twice', () => {
    expect(plan('status:open tags:vip status:new tags:"a b"').conditions).toEqual([
      {
        excluded: false,
        anyOf: [
          { kind: 'oneOf', field: 'status', values: ['open'] },
          { kind: 'oneOf', field: 'status', values: ['new'] },
        ],
      },
      {
        excluded: false,
        anyOf: [
          { kind: 'tags', all: ['vip'] },
          { kind: 'tags', all: ['a', 'b'] },
        ],
      },
    ]);
  });

  it('keeps exclusions of one key apart, so that each of them holds', () => {
    expect(plan('-status:open -status:new').conditions).toHaveLength(2);
  });

  it.each([
    ['status<solved', ['new', 'open', 'pending', 'hold']],
    ['status<=open', ['new', 'open']],
    ['status>hold', ['solved', 'closed']],
    ['priority>=high', ['high', 'urgent']],
    ['priority<low', []],
  ])('turns %s into the list of what it means', (text, values) => {
    expect(plan(text).conditions[0]?.anyOf[0]).toMatchObject({ kind: 'oneOf', values });
  });

  it.each([
    ['created:2026-03-01', day('2026-03-01'), day('2026-03-02')],
    ['created>2026-03-01', day('2026-03-02'), undefined],
    ['created>=2026-03-01', day('2026-03-01'), undefined],
    ['created<2026-03-01', undefined, day('2026-03-01')],
    ['created<=2026-03-01', undefined, day('2026-03-02')],
    ['created>=1970-01-01', 0, undefined],
    ['created>=4hours', nowSecond - 4 * 3600, undefined],
    ['created<2weeks', undefined, nowSecond - 14 * 86_400],
    ['created<1month', undefined, Date.UTC(2026, 1, 28, 12, 30) / 1000],
    ['created<2years', undefined, Date.UTC(2024, 2, 31, 12, 30) / 1000],
    ['created>=999999years', 0, undefined],
    ['created>=2026-03-01T10:00:00+02:00', day('2026-03-01') + 8 * 3600, undefined],
  ])('turns %s into a range of seconds', (text, from, before) => {
    expect(plan(text).conditions[0]?.anyOf[0]).toEqual({ kind: 'range', field: 'created', from, before });
  });

  it('ANDs two comparisons of a date to a range', () => {
    expect(plan('created>2026-03-01 created<2026-03-05').conditions).toHaveLength(2);
  });

  it('sorts by relevance where there are words, else by date, unless told otherwise', () => {
    expect(plan('refund').order).toEqual({ by: 'relevance', ascending: false });
    expect(plan('-refund').order).toEqual({ by: 'updated', ascending: false });
    expect(plan('status:open').order).toEqual({ by: 'updated', ascending: false });
    expect(plan('refund order_by:created_at sort:asc').order).toEqual({ by: 'created', ascending: true });
  });

  it('refuses what could only be answered wrongly', () => {
    expect(() => plan('status:deleted')).toThrow(TicketStreamError);
    expect(() => plan('status:deleted')).toThrow(/left out unless asked for/);
    expect(plan('status:deleted', true).conditions).toHaveLength(1);
    expect(plan('-status:deleted').conditions).toHaveLength(1);
    expect(() => plan('order_by:created order_by:updated')).toThrow(/twice/);
  });
});
