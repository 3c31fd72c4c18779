import { fc, it } from '@fast-check/vitest';
import type { BackfillProgress } from '@ticket-stream/service-kit';
import { describe, expect } from 'vitest';
import { type BackfillSettings, createBackfillTracker } from './backfill-progress.ts';

const NOW = Date.UTC(2026, 10, 24) / 1000;
const YEAR = 365 * 86_400;
const DELAY = 60;

function backfill(settings: Partial<BackfillSettings> = {}) {
  let ms = 7_000;
  let waiting: BackfillProgress['waiting'];
  const tracker = createBackfillTracker({
    startSecond: 1,
    resumedAtSecond: undefined,
    delaySeconds: DELAY,
    requestsAllowed: 10,
    requests: { lastMinute: () => 3 },
    waits: {
      seconds: () => ({ pace: 0, rate_limit: 0, zendesk: 0, kafka: 0 }),
      current: () => waiting,
    },
    clock: { nowMs: () => ms, nowSecond: () => NOW + ms / 1000 },
    ...settings,
  });
  return {
    tracker,
    /** Pages at an even pace, each moving the position on by the same time. */
    pages(count: number, everyMs: number, secondsEach: number, tickets = 1_000) {
      for (let page = 0; page < count; page++) {
        ms += everyMs;
        const { positionSecond = NOW - 2 * YEAR } = tracker.snapshot();
        tracker.page({ tickets, positionSecond: positionSecond + secondsEach });
      }
    },
    pass(passedMs: number) {
      ms += passedMs;
    },
    waits(wait: BackfillProgress['waiting']) {
      waiting = wait;
    },
  };
}

describe('how far a backfill is', () => {
  it('begins where the tickets begin, not at a START_TIME of 1970', () => {
    const { tracker, pages } = backfill();
    pages(1, 100, 0);
    expect(tracker.snapshot()).toMatchObject({ fraction: 0, positionSecond: NOW - 2 * YEAR });
    pages(1, 100, YEAR);
    expect(tracker.snapshot().fraction).toBeCloseTo(0.5, 4);
  });

  it('goes on after a restart where START_TIME says where it began', () => {
    const start = NOW - 4 * YEAR;
    const { tracker, pages } = backfill({ startSecond: start, resumedAtSecond: NOW - 2 * YEAR });
    pages(1, 100, YEAR);
    expect(tracker.snapshot().fraction).toBeCloseTo(0.75, 4);
  });

  it('is not known after a restart where START_TIME only says "everything"', () => {
    const { tracker, pages } = backfill({ startSecond: 1, resumedAtSecond: NOW - 2 * YEAR });
    pages(5, 2_000, YEAR / 10);
    expect(tracker.snapshot().fraction).toBeUndefined();
    expect(tracker.snapshot().endsInSeconds).toBeCloseTo(30, 0);
  });

  it('is all of it at the end, even where it was one page', () => {
    const { tracker, pages } = backfill();
    pages(1, 100, 0);
    tracker.end();
    expect(tracker.snapshot()).toMatchObject({ fraction: 1, endsInSeconds: 0 });
  });

  it('stays what it was at the end, for whoever asks later', () => {
    const { tracker, pages, pass } = backfill();
    pages(10, 6_000, YEAR / 5);
    tracker.end();
    const atEnd = tracker.snapshot();
    pass(3_600_000);
    tracker.end();
    expect(tracker.snapshot()).toEqual(atEnd);
    expect(atEnd).toMatchObject({ tickets: 10_000, elapsedSeconds: 60, positionSecond: NOW });
  });
});

describe('when a backfill will end', () => {
  it('is not said before four pages and three seconds', () => {
    const slow = backfill();
    slow.pages(3, 6_000, YEAR / 100);
    expect(slow.tracker.snapshot().endsInSeconds).toBeUndefined();
    slow.pages(1, 6_000, YEAR / 100);
    expect(slow.tracker.snapshot().endsInSeconds).toBeDefined();
    const quick = backfill();
    quick.pages(20, 100, YEAR / 100);
    expect(quick.tracker.snapshot().endsInSeconds).toBeUndefined();
  });

  it('is what is left divided by the speed', () => {
    const { tracker, pages } = backfill();
    // Two years, the first page at their beginning; a hundredth of a year every 6 s.
    pages(101, 6_000, YEAR / 100);
    expect(tracker.snapshot().endsInSeconds).toBeCloseTo(99 * 6, -1);
  });

  it('is hardly moved by one page that jumps over a quiet half year', () => {
    const { tracker, pages } = backfill();
    pages(20, 6_000, YEAR / 200);
    const before = tracker.snapshot();
    pages(1, 6_000, YEAR / 2);
    pages(5, 6_000, YEAR / 200);
    const after = tracker.snapshot();
    const stepsLeft = (2 * YEAR - YEAR / 2 - (25 * YEAR) / 200) / (YEAR / 200);
    expect(before.endsInSeconds).toBeGreaterThan(0);
    expect(after.endsInSeconds).toBeGreaterThan(stepsLeft * 6 * 0.7);
    expect(after.endsInSeconds).toBeLessThan(stepsLeft * 6 * 1.3);
  });

  it('forgets the speed of more than five minutes ago', () => {
    const { tracker, pages } = backfill();
    pages(60, 3_000, YEAR / 1_000);
    pages(25, 13_000, YEAR / 10_000);
    const left = 2 * YEAR - (60 * YEAR) / 1_000 - (25 * YEAR) / 10_000;
    const atThisSpeed = (left / (YEAR / 10_000)) * 13;
    expect((tracker.snapshot().endsInSeconds ?? 0) / atThisSpeed).toBeCloseTo(1, 1);
  });

  it('is never, so not said, where the export is no faster than time', () => {
    const { tracker, pages } = backfill();
    pages(50, 6_000, 5);
    expect(tracker.snapshot().endsInSeconds).toBeUndefined();
  });

  it('is not said any more after a minute without a page', () => {
    const { tracker, pages, pass } = backfill();
    pages(20, 6_000, YEAR / 100);
    pass(59_000);
    expect(tracker.snapshot().endsInSeconds).toBeDefined();
    pass(2_000);
    expect(tracker.snapshot().endsInSeconds).toBeUndefined();
  });

  it('is later by what is left of a 429', () => {
    const { tracker, pages, pass, waits } = backfill();
    pages(20, 6_000, YEAR / 100);
    const before = tracker.snapshot().endsInSeconds ?? 0;
    waits({ cause: 'rate_limit', forSeconds: 100, leftSeconds: 500 });
    pass(100_000);
    expect(tracker.snapshot().endsInSeconds).toBeCloseTo(before + 500, 0);
  });
});

describe('how fast a backfill is', () => {
  it('is told over the last minute', () => {
    const { tracker, pages } = backfill();
    expect(tracker.snapshot().ticketsPerSecond).toBe(0);
    pages(100, 6_000, YEAR / 1_000, 600);
    expect(tracker.snapshot().ticketsPerSecond).toBeCloseTo(100, 0);
    pages(20, 6_000, YEAR / 1_000, 60);
    expect(tracker.snapshot().ticketsPerSecond).toBeCloseTo(10, 0);
  });

  it('falls towards nothing while no page comes', () => {
    const { tracker, pages, pass } = backfill();
    pages(10, 1_000, YEAR / 1_000, 1_000);
    pass(600_000);
    expect(tracker.snapshot().ticketsPerSecond).toBeLessThan(1);
  });
});

const step = fc.record({
  afterMs: fc.oneof(fc.nat(10), fc.nat(10_000), fc.nat(2_000_000)),
  tickets: fc.nat(1_000),
  // Also backwards, far beyond now, and unknown: whatever a checkpoint may hold.
  position: fc.option(fc.integer({ min: 0, max: NOW + YEAR }), { nil: undefined }),
  clockJumpSeconds: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.integer({ min: -YEAR, max: YEAR })),
});

it.prop([
  fc.record({
    startSecond: fc.nat(NOW),
    resumedAtSecond: fc.option(fc.nat(NOW), { nil: undefined }),
    steps: fc.array(step, { maxLength: 300 }),
  }),
])('whatever happens, nothing is negative or no number, and the fraction never falls', (given) => {
  let [ms, jump] = [0, 0];
  const { tracker } = backfill({
    startSecond: given.startSecond,
    resumedAtSecond: given.resumedAtSecond,
    clock: { nowMs: () => ms, nowSecond: () => NOW + ms / 1000 + jump },
  });
  let [fraction, position] = [0, 0];
  for (const { afterMs, tickets, position: positionSecond, clockJumpSeconds } of given.steps) {
    ms += afterMs;
    jump += clockJumpSeconds;
    tracker.page({ tickets, positionSecond });
    ms += afterMs;
    const shown = tracker.snapshot();
    const numbers = [
      shown.tickets,
      shown.ticketsPerSecond,
      shown.elapsedSeconds,
      shown.fraction ?? 0,
      shown.endsInSeconds ?? 0,
      shown.positionSecond ?? 0,
    ];
    for (const number of numbers) expect(number >= 0 && Number.isFinite(number)).toBe(true);
    expect(shown.fraction ?? fraction).toBeGreaterThanOrEqual(fraction);
    expect(shown.fraction ?? 1).toBeLessThanOrEqual(1);
    expect(shown.positionSecond ?? position).toBeGreaterThanOrEqual(position);
    fraction = shown.fraction ?? fraction;
    position = shown.positionSecond ?? position;
  }
});
