import { describe, expect, it } from 'vitest';
import { backfillText, durationText } from './backfill-text.ts';
import type { BackfillProgress } from './progress.ts';

const progress: BackfillProgress = {
  tickets: 84_000,
  ticketsPerSecond: 9_600.4,
  positionSecond: Date.parse('2024-03-07T11:00:00Z') / 1000,
  fraction: 0.419,
  endsInSeconds: 240,
  elapsedSeconds: 9,
  requestsLastMinute: 10,
  requestsAllowed: 10,
  waitedSeconds: { pace: 12.2, rate_limit: 0, zendesk: 0.4, kafka: 0 },
  waiting: { cause: 'pace', forSeconds: 5.5, leftSeconds: 0.5 },
};

describe('a backfill in one line', () => {
  it('says when, how far, how fast, until when, the allowance and the waits', () => {
    expect(backfillText(progress)).toBe(
      'backfill 2024-03-07 · 41 % · 9,600/s · ends in 4 min · 10 of 10 requests a minute · waited 12 s for the pace',
    );
  });

  it('leaves out what is not known yet', () => {
    const start = {
      ...progress,
      ticketsPerSecond: 0,
      positionSecond: undefined,
      fraction: undefined,
      endsInSeconds: undefined,
      requestsLastMinute: 1,
      waitedSeconds: { pace: 0, rate_limit: 0, zendesk: 0, kafka: 0 },
      waiting: undefined,
    };
    expect(backfillText(start)).toBe('backfill 0/s · 1 of 10 requests a minute');
  });

  it('says what it waits for now, and how long still', () => {
    const limited = {
      ...progress,
      endsInSeconds: undefined,
      waitedSeconds: { pace: 12, rate_limit: 75, zendesk: 0, kafka: 0 },
      waiting: { cause: 'rate_limit', forSeconds: 10, leftSeconds: 83 },
    } as const;
    expect(backfillText(limited)).toMatch(
      /waited 12 s for the pace, 1 min for a 429 · waiting for a 429, 1 min left$/,
    );
  });

  it('does not say 100 % before it is', () => {
    expect(backfillText({ ...progress, fraction: 0.9999 })).toContain(' 99 % ');
    expect(backfillText({ ...progress, fraction: 1 })).toContain(' 100 % ');
  });
});

it.each([
  [0, '0 s'],
  [59.4, '59 s'],
  [59.6, '1 min'],
  [240, '4 min'],
  [3_599, '1 h'],
  [3_600 * 3 + 60 * 20, '3 h 20 min'],
  [3_600 * 47 + 3_599, '2 days'],
  [86_400 * 5, '5 days'],
])('%d seconds are %s', (seconds, text) => {
  expect(durationText(seconds)).toBe(text);
});
