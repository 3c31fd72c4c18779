import { describe, expect, it } from 'vitest';
import type { Comparison } from './comparison-store.ts';
import { type Grounds, judge } from './verdict.ts';

const P = 1_000;
const grounds: Grounds = {
  position: P,
  start: 100,
  reached: 2_000,
  unreadSeconds: new Set(),
  state: {
    scope: { excludeDeleted: false, supportTypes: 'agent' },
    hiddenSince: { ai_agent: 0 },
    unseen: [],
    gaps: [],
  },
};

function shownAt(second: number, more: Partial<NonNullable<Comparison['shown']>> = {}) {
  return {
    second,
    stamp: second,
    digest: 'a',
    deleted: false,
    supportType: 'agent' as const,
    refusedBecause: undefined,
    ...more,
  };
}

function compare(more: Partial<Comparison>, on: Partial<Grounds> = {}) {
  const comparison = {
    key: '1',
    shown: undefined,
    logStamp: undefined,
    held: false,
    letter: undefined,
    shownById: false,
    ...more,
  };
  return judge(comparison, { ...grounds, ...on });
}

describe('a ticket that Zendesk shows at or before the position', () => {
  it.each([
    ['held as it is, or newer', { held: true, logStamp: P }, 'equal'],
    ['not in the log', {}, 'missing'],
    ['in the log with an earlier second alone', { logStamp: P - 1 }, 'older'],
    ['in the log with that second and other content', { logStamp: P }, 'different'],
  ] as const)('%s', (_, more, verdict) => {
    expect(compare({ shown: shownAt(P), ...more })).toEqual({ verdict });
  });

  it('is not asked of the log when it was shown a second later', () => {
    expect(compare({ shown: shownAt(P + 1) })).toEqual({ verdict: 'changed_since' });
  });

  it('is explained by the dead letter of that version, and by what can never be published', () => {
    expect(compare({ shown: shownAt(P), letter: 'ticket.too_large' })).toEqual({
      verdict: 'dead_lettered',
      code: 'ticket.too_large',
    });
    expect(compare({ shown: shownAt(P, { refusedBecause: 'ticket.no_id' }) })).toEqual({
      verdict: 'dead_lettered',
      code: 'ticket.no_id',
    });
  });

  it('is on record where a gap was accepted, and still told what it is', () => {
    const gaps = [{ from: 500, until: 510, why: 'stuck', acceptedAt: 600 } as const];
    const state = { ...grounds.state, gaps };
    const inGap = compare({ shown: shownAt(510), logStamp: 400 }, { state });
    expect(inGap).toEqual({ verdict: 'on_record', would: 'older', record: 'gap' });
    expect(compare({ shown: shownAt(511) }, { state })).toEqual({ verdict: 'missing' });
  });

  it('is on record where it was left out, by its kind', () => {
    const unseen = [{ what: 'deleted', from: 500, until: 510 } as const];
    const state = { ...grounds.state, unseen };
    const deleted = shownAt(505, { deleted: true });
    expect(compare({ shown: deleted }, { state })).toEqual({
      verdict: 'on_record',
      would: 'missing',
      record: 'unseen',
    });
    expect(compare({ shown: shownAt(505) }, { state })).toEqual({ verdict: 'missing' });
  });

  it('is left out as asked only since it is asked', () => {
    const state = {
      ...grounds.state,
      scope: { excludeDeleted: true, supportTypes: 'agent' } as const,
      hiddenSince: { deleted: 500, ai_agent: 700 },
    };
    const verdictOf = (shown: Comparison['shown']) => compare({ shown }, { state }).verdict;
    expect(verdictOf(shownAt(499, { deleted: true }))).toBe('missing');
    expect(verdictOf(shownAt(500, { deleted: true }))).toBe('left_out');
    expect(verdictOf(shownAt(500))).toBe('missing');
    expect(verdictOf(shownAt(699, { supportType: 'ai_agent' }))).toBe('missing');
    expect(verdictOf(shownAt(700, { supportType: 'ai_agent' }))).toBe('left_out');
  });
});

describe('a ticket that is in the log and was not shown', () => {
  it('is extra only where the walk would have shown it', () => {
    expect(compare({ logStamp: P })).toEqual({ verdict: 'extra' });
    expect(compare({ logStamp: P + 1 })).toEqual({ verdict: 'not_compared' });
    expect(compare({ logStamp: 99 })).toEqual({ verdict: 'not_compared' });
    expect(compare({ logStamp: 900 }, { reached: 899 })).toEqual({ verdict: 'not_compared' });
    expect(compare({ logStamp: 900 }, { unreadSeconds: new Set([900]) })).toEqual({
      verdict: 'not_compared',
    });
  });

  it('has changed since where Zendesk shows it by its id', () => {
    expect(compare({ logStamp: P, shownById: true })).toEqual({ verdict: 'changed_since' });
    expect(compare({ logStamp: P + 1, shownById: true })).toEqual({ verdict: 'not_compared' });
  });
});
