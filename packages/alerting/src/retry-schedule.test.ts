import { describe, expect, it } from 'vitest';
import { ATTEMPTS_MAX, nextAttemptInMs } from './retry-schedule.ts';

const HOUR_MS = 3_600_000;

describe('the retry schedule', () => {
  it('makes ten attempts over about 75 hours', () => {
    const waits: number[] = [];
    for (let attempts = 1; ; attempts++) {
      const wait = nextAttemptInMs(attempts, undefined, 0);
      if (wait === undefined) break;
      waits.push(wait);
    }
    expect(waits).toHaveLength(ATTEMPTS_MAX - 1);
    expect(ATTEMPTS_MAX).toBe(10);
    expect(waits[0]).toBe(5_000);
    expect(waits.reduce((sum, wait) => sum + wait) / HOUR_MS).toBeCloseTo(75.6, 1);
  });

  it('spreads each wait over a fifth more, never less', () => {
    expect(nextAttemptInMs(1, undefined, 0.999_999)).toBe(6_000);
    expect(nextAttemptInMs(2, undefined, 0.5)).toBe(330_000);
  });

  it('waits at least as long as the receiver asks for, up to a day', () => {
    expect(nextAttemptInMs(1, 60_000, 0)).toBe(60_000);
    expect(nextAttemptInMs(3, 60_000, 0)).toBe(1_800_000);
    expect(nextAttemptInMs(1, 365 * 24 * HOUR_MS, 0)).toBe(24 * HOUR_MS);
  });

  it('ends after the tenth, whatever the receiver asks for', () => {
    expect(nextAttemptInMs(10, 1_000, 0)).toBeUndefined();
  });
});
