import { expect, it } from 'vitest';
import { RequestCounts } from './request-counts.ts';

it('tells the most requests in any sixty seconds, and how long they took together', () => {
  let now = 0;
  const counts = new RequestCounts(() => now);
  expect(counts.figures()).toMatchObject({ total: 0, busiestMinute: 0, spanSeconds: 0 });
  for (const second of [0, 30, 59, 60, 89, 90, 200, 201]) {
    now = second * 1000;
    counts.arrived();
  }
  // 30, 59, 60, 89: the one at 90 is a minute after the one at 30.
  expect(counts.figures()).toMatchObject({ total: 8, busiestMinute: 4, spanSeconds: 201 });
});

it('holds no more arrivals than a minute has', () => {
  let now = 0;
  const counts = new RequestCounts(() => now);
  for (let second = 0; second < 100_000; second += 6) {
    now = second * 1000;
    counts.arrived();
  }
  expect(counts.figures().busiestMinute).toBe(10);
  expect(Reflect.get(counts, 'arrivalsMs').length).toBeLessThan(2000);
});
