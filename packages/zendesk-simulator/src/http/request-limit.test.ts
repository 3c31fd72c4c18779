import { expect, it } from 'vitest';
import { RequestLimit } from './request-limit.ts';

it('lets so many requests through in any sixty seconds and says how long the next one waits', () => {
  let now = 0;
  const limit = new RequestLimit(3, () => now);
  expect([limit.take(), limit.take()]).toEqual([undefined, undefined]);
  now = 30_000;
  expect(limit.take()).toBeUndefined();
  expect(limit.take()).toBe(30);
  now = 59_999;
  expect(limit.take()).toBe(1);
  now = 60_000;
  expect([limit.take(), limit.take()]).toEqual([undefined, undefined]);
  expect(limit.take()).toBe(30);
});

it('never says no where there is no limit', () => {
  const limit = new RequestLimit(Number.POSITIVE_INFINITY, () => 0);
  for (let request = 0; request < 1000; request++) expect(limit.take()).toBeUndefined();
});
