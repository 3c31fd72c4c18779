import { expect, it } from 'vitest';
import { msToFirstTurn } from './first-turn.ts';

const SPACING_MS = 6_030;
const WRITTEN_MS = 1_700_000_000_000;

it.each([
  ['at once where nothing was ever exported', undefined, WRITTEN_MS, 0],
  [
    'one spacing after the start: requests that failed leave no checkpoint',
    WRITTEN_MS,
    WRITTEN_MS + 60_000,
    6_030,
  ],
  ['two spacings after a life that ended just now', WRITTEN_MS, WRITTEN_MS, 12_060],
  ['what is left of them after a while', WRITTEN_MS, WRITTEN_MS + 5_000, 7_060],
  ['no longer than that where the clock was set back', WRITTEN_MS, WRITTEN_MS - 3_600_000, 12_060],
])('the first turn comes %s', (_name, writtenAtMs, nowMs, expected) => {
  expect(msToFirstTurn(writtenAtMs, nowMs, SPACING_MS)).toBe(expected);
});
