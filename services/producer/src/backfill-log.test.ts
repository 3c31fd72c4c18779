import type { BackfillProgress } from '@ticket-stream/service-kit';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startBackfillLog } from './backfill-log.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function setup(supervised = false) {
  const lines: [object, string][] = [];
  let tickets = 0;
  const log = startBackfillLog({
    logger: { info: (fields, text) => lines.push([fields, text]) },
    snapshot: (): BackfillProgress => ({
      tickets,
      ticketsPerSecond: 166.7,
      positionSecond: Date.UTC(2024, 2, 7) / 1000,
      fraction: 0.41,
      endsInSeconds: 240,
      elapsedSeconds: 24,
      requestsLastMinute: 4,
      requestsAllowed: 10,
      waitedSeconds: { pace: 20, rate_limit: 0, zendesk: 0, kafka: 0 },
      waiting: undefined,
    }),
    supervised,
  });
  return {
    lines,
    log,
    later(ms: number, read: number) {
      tickets = read;
      vi.advanceTimersByTime(ms);
    },
  };
}

it('a backfill says every ten seconds how far it is, for people and for machines', () => {
  const { lines, later } = setup();
  later(9_999, 2_000);
  expect(lines).toEqual([]);
  later(10_001, 4_000);
  expect(lines).toHaveLength(2);
  expect(lines[1]).toMatchObject([
    { backfill: { tickets: 4_000, ticketsPerSecond: 166.7, waitedSeconds: { pace: 20 } } },
    'backfill 2024-03-07 · 41 % · 167/s · ends in 4 min · 4 of 10 requests a minute · waited 20 s for the pace',
  ]);
});

it('it says at its end what it was, once, and nothing after it', () => {
  const { lines, log, later } = setup();
  later(15_000, 4_000);
  log.end();
  log.end();
  later(60_000, 9_000);
  expect(lines.map(([, text]) => text)).toEqual([
    expect.stringMatching(/^backfill 2024/),
    'backfill done: 4,000 tickets in 24 s, 167/s; waited 20 s for the pace',
  ]);
  expect(vi.getTimerCount()).toBe(0);
});

it('stopped before its end, it says nothing more', () => {
  const { lines, log, later } = setup();
  log.stop();
  log.end();
  later(60_000, 9_000);
  expect(lines).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

it('under a supervisor, who shows it, it says nothing and keeps no timer', () => {
  const { lines, log, later } = setup(true);
  expect(vi.getTimerCount()).toBe(0);
  later(60_000, 9_000);
  log.end();
  expect(lines).toEqual([]);
});
