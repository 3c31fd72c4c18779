import { describe, expect, it } from 'vitest';
import { createBackoff } from './backoff.ts';
import { CountRule } from './count-rule.ts';
import { createPageSize } from './page-size.ts';
import { readRetryAfter } from './retry-after.ts';

describe('Retry-After', () => {
  const now = Date.parse('Tue, 19 Sep 2023 00:46:52 GMT');
  it.each([
    ['93', 93_000, false],
    ['0', 0, false],
    [' 7 ', 7_000, false],
    ['1.5', 1_500, false],
    ['3600', 3_600_000, false],
    ['3601', 3_600_000, true],
    ['99999999999', 3_600_000, true],
    ['Tue, 19 Sep 2023 00:48:25 GMT', 93_000, false],
    ['Tue, 19 Sep 2023 00:46:00 GMT', 0, false],
    ['Wed, 19 Sep 2033 00:46:00 GMT', 3_600_000, true],
  ])('%s is %i ms', (header, ms, capped) => {
    expect(readRetryAfter(header, now)).toEqual({ ms, capped });
  });

  it.each([undefined, '', 'soon', '-5', 'NaN', '1e3', 'Foo, 99 Bar 2023'])('%s says nothing', (header) => {
    expect(readRetryAfter(header, now)).toBeUndefined();
  });
});

describe('backoff', () => {
  it('doubles up to its bound, anywhere in the upper half, and begins again after a success', () => {
    const draws = [0, 0.999999, 0.5, 0, 0, 0];
    const backoff = createBackoff({ firstMs: 1_000, maxMs: 5_000, random: () => draws.shift() ?? 0 });
    expect([backoff.nextMs(), backoff.nextMs(), backoff.nextMs(), backoff.nextMs()]).toEqual([
      500, 2_000, 3_000, 2_500,
    ]);
    backoff.reset();
    expect(backoff.nextMs()).toBe(500);
  });
});

describe('a count that is not the number of tickets', () => {
  const wrong = { count: 1_000, ticketCount: 999 };
  const right = { count: 999, ticketCount: 999 };

  it('has the page fetched twice more, then accepted loudly', () => {
    const rule = new CountRule();
    expect([rule.judge(wrong), rule.judge(wrong), rule.judge(wrong)]).toEqual([
      'fetch_again',
      'fetch_again',
      'accept_loudly',
    ]);
  });

  it('that comes right is forgotten', () => {
    const rule = new CountRule();
    expect([
      rule.judge(wrong),
      rule.judge(right),
      rule.judge(wrong),
      rule.judge(wrong),
      rule.judge(wrong),
    ]).toEqual(['fetch_again', 'accept', 'fetch_again', 'fetch_again', 'accept_loudly']);
  });

  it('on three pages in a row is no criterion any more', () => {
    const rule = new CountRule();
    for (let judged = 0; judged < 9; judged++) rule.judge(wrong);
    expect(rule.ignored).toBe(true);
    expect(rule.judge(wrong)).toBe('accept');
  });

  it('on pages with a right one between stays one', () => {
    const rule = new CountRule();
    for (let page = 0; page < 5; page++) {
      for (let judged = 0; judged < 3; judged++) rule.judge(wrong);
      rule.judge(right);
    }
    expect(rule.ignored).toBe(false);
  });

  it('that is missing says nothing', () => {
    expect(new CountRule().judge({ count: undefined, ticketCount: 7 })).toBe('accept');
  });
});

describe('the page size', () => {
  it('is halved down to one, and then there is nothing left to try', () => {
    const size = createPageSize(1_000);
    const seen: number[] = [];
    while (size.halve()) seen.push(size.current);
    expect(seen).toEqual([500, 250, 125, 62, 31, 15, 7, 3, 1]);
    expect(size.current).toBe(1);
  });

  it('recovers after ten good pages in a row, never above what was wanted', () => {
    const size = createPageSize(1_000);
    size.halve();
    size.halve();
    for (let page = 0; page < 9; page++) size.succeeded();
    expect(size.current).toBe(250);
    size.succeeded();
    expect(size.current).toBe(500);
    for (let page = 0; page < 9; page++) size.succeeded();
    size.halve();
    for (let page = 0; page < 9; page++) size.succeeded();
    expect(size.current).toBe(250);
    for (let page = 0; page < 100; page++) size.succeeded();
    expect(size.current).toBe(1_000);
  });
});
