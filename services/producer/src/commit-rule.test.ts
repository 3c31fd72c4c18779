import { startState } from '@ticket-stream/zendesk-export';
import { describe, expect, it } from 'vitest';
import { mustCommit } from './commit-rule.ts';

const before = { ...startState(100), position: 90 };

describe('a page that brought nothing to write', () => {
  it('is committed when the export goes on from a later second, however soon', () => {
    expect(mustCommit(before, { ...before, next: { mode: 'time', startTime: 101 } }, 0)).toBe(true);
  });

  it('is committed for its position alone at most once a second', () => {
    const moved = { ...before, position: 91 };
    expect(mustCommit(before, moved, 999)).toBe(false);
    expect(mustCommit(before, moved, 1_000)).toBe(true);
  });

  it('is committed for its first position', () => {
    expect(mustCommit(startState(100), before, Number.POSITIVE_INFINITY)).toBe(true);
  });

  it('is committed when the boundary overflows', () => {
    const overflowed = { ...before, boundary: { ...before.boundary, overflowed: true } };
    expect(mustCommit(before, overflowed, 0)).toBe(true);
  });

  it('costs the broker nothing when nothing changed', () => {
    expect(mustCommit(before, { ...before }, Number.POSITIVE_INFINITY)).toBe(false);
  });
});
