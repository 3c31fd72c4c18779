import { describe, expect, it } from 'vitest';
import { type ExportActivity, exportHealth, exportReadiness } from './export-health.ts';

const live: ExportActivity = {
  stage: 'live',
  secondsSinceMoved: 5,
  secondsSinceTried: 1,
  spacingSeconds: 6.03,
  waiting: { cause: 'pace', forSeconds: 1, leftSeconds: 5 },
  waitingFor: undefined,
};

describe('ready', () => {
  it.each<[string, Partial<ExportActivity>, string | undefined]>([
    ['while it polls', {}, undefined],
    ['while a page is read for four minutes, ticket after ticket', { secondsSinceTried: 240 }, undefined],
    ['after its end', { stage: 'ended', secondsSinceMoved: 3_600 }, undefined],
    ['through a short blip of Kafka', { waitingFor: 'Kafka', secondsSinceMoved: 30 }, undefined],
    [
      'through a 429 of 30 s',
      { waiting: { cause: 'rate_limit', forSeconds: 1, leftSeconds: 29 }, waitingFor: 'Zendesk, 30 s (429)' },
      undefined,
    ],
    ['not before the first page', { stage: 'starting', waitingFor: undefined }, 'starting'],
    [
      'not while it starts without Kafka',
      { stage: 'starting', waitingFor: 'Kafka' },
      'starting: waiting for Kafka',
    ],
    [
      'not when Kafka is away for more than a minute',
      { waitingFor: 'Kafka (fencing)', secondsSinceMoved: 61 },
      'nothing moved for 1 min: waiting for Kafka (fencing)',
    ],
    [
      'not from the first moment of a 429 of ten minutes',
      {
        waiting: { cause: 'rate_limit', forSeconds: 0, leftSeconds: 600 },
        waitingFor: 'Zendesk, 600 s (429)',
      },
      'stands for another 10 min: waiting for Zendesk, 600 s (429)',
    ],
    ['not when nothing moves and nobody says why', { secondsSinceMoved: 90 }, 'nothing moved for 2 min'],
    [
      'at one request a minute, while it waits for its turn',
      { spacingSeconds: 60.3, secondsSinceMoved: 120 },
      undefined,
    ],
    [
      'not after three such turns',
      { spacingSeconds: 60.3, secondsSinceMoved: 200 },
      'nothing moved for 3 min',
    ],
  ])('%s', (_, activity, reason) => {
    expect(exportReadiness({ ...live, ...activity })).toEqual(
      reason === undefined ? { ok: true } : { ok: false, reason },
    );
  });
});

describe('healthy', () => {
  it.each<[string, Partial<ExportActivity>, boolean]>([
    [
      'while it tries, though nothing moved for a day',
      { secondsSinceMoved: 86_400, secondsSinceTried: 5 },
      true,
    ],
    [
      'through a wait of an hour that Zendesk asked for',
      { secondsSinceTried: 1_800, waiting: { cause: 'rate_limit', forSeconds: 1_800, leftSeconds: 1_800 } },
      true,
    ],
    [
      'through the longest page and the longest transaction',
      { secondsSinceTried: 660, waiting: undefined },
      true,
    ],
    [
      'not when nothing was tried for a quarter of an hour',
      { secondsSinceTried: 901, waiting: undefined },
      false,
    ],
    [
      'not when the wait is over and nothing came after it',
      { secondsSinceTried: 1_000, waiting: { cause: 'pace', forSeconds: 1_000, leftSeconds: 0 } },
      false,
    ],
  ])('%s', (_, activity, ok) => {
    expect(exportHealth({ ...live, ...activity }).ok).toBe(ok);
  });
});
