import { describe, expect, it } from 'vitest';
import { type LogBounds, startOffsets } from './start-offsets.ts';

const bounds: LogBounds = {
  topic: 'tickets',
  logId: 'this-log',
  writtenUpTo: new Map([[0, 90n]]),
  starts: new Map([[0, 5n]]),
  ends: new Map([[0, 100n]]),
  from: new Map([[0, 60n]]),
  allowGap: false,
};
const stored = (nextOffset: bigint, logId = 'this-log') => [{ partition: 0, logId, nextOffset }];
const startOf = (
  positions: ReturnType<typeof stored>,
  group: bigint | undefined,
  over: Partial<LogBounds> = {},
) => startOffsets([0], positions, new Map(group === undefined ? [] : [[0, group]]), { ...bounds, ...over });
const start = (...args: Parameters<typeof startOf>) => startOf(...args).offsets.get(0);

describe('reading starts', () => {
  it('where `from` says when nothing is stored', () => expect(start([], 90n)).toBe(60n));
  it('at the stored position when the group has none', () => expect(start(stored(40n), undefined)).toBe(40n));
  it('at the lower of stored position and group offset', () => {
    expect(start(stored(40n), 90n)).toBe(40n);
    expect(start(stored(90n), 40n)).toBe(40n);
  });
  it('where `from` says when the stored position is of another log', () => {
    expect(start(stored(40n, 'former-log'), undefined)).toBe(60n);
  });
  it('not before the log: the group may have slept longer than records are kept', () => {
    expect(start(stored(40n), 2n)).toBe(5n);
  });
  it('nowhere when the stored position is beyond the end: the topic was cut', () => {
    expect(() => start(stored(101n), undefined)).toThrow(
      expect.objectContaining({ code: 'log.cut', exitCode: 5 }),
    );
  });
  it('nowhere when the stored position is before the start: changes are gone', () => {
    expect(() => start(stored(4n), undefined)).toThrow(/outside the log \(5 to 100\)/);
  });
  it.each([4n, 101n])(
    'nowhere when nothing is stored and the group’s or the asked offset is %s',
    (offset) => {
      expect(() => start([], undefined, { from: new Map([[0, offset]]) })).toThrow(
        expect.objectContaining({
          code: 'log.cut',
          message: expect.stringContaining('outside the log (5 to 100)'),
        }),
      );
    },
  );
  it('nowhere when the log ends before what its checkpoint says was written', () => {
    for (const positions of [[], stored(40n)]) {
      expect(() => start(positions, undefined, { writtenUpTo: new Map([[0, 101n]]) })).toThrow(
        expect.objectContaining({ code: 'log.cut', message: expect.stringContaining('checkpoint') }),
      );
    }
  });
  it('at the end, and at the start, of the log', () => {
    expect(start(stored(100n), undefined)).toBe(100n);
    expect(start([], undefined, { from: new Map([[0, 5n]]) })).toBe(5n);
  });
});

describe('where gaps are allowed, reading starts', () => {
  const allowed = (
    positions: ReturnType<typeof stored>,
    group: bigint | undefined,
    over: Partial<LogBounds> = {},
  ) => {
    const { offsets, gaps } = startOf(positions, group, { allowGap: true, ...over });
    return [offsets.get(0), gaps.map(({ from, to }) => [from, to])];
  };

  it('at the start of the log when the stored position is before it', () => {
    expect(allowed(stored(2n), undefined)).toEqual([5n, [[2n, 5n]]]);
  });
  it('at the end when the stored position is beyond it', () => {
    expect(allowed(stored(120n), undefined)).toEqual([100n, [[100n, 120n]]]);
  });
  it('where the group was moved to beyond the stored position, and within the log', () => {
    expect(allowed(stored(40n), 70n)).toEqual([70n, [[40n, 70n]]]);
    expect(allowed(stored(40n), 170n)).toEqual([100n, [[40n, 100n]]]);
  });
  it('at the lower of both, without a gap, when the group is behind', () => {
    expect(allowed(stored(40n), 20n)).toEqual([20n, []]);
    expect(allowed(stored(40n), undefined)).toEqual([40n, []]);
  });
  it('at the nearest place where `from` is outside the log, and also when the checkpoint is', () => {
    expect(allowed([], undefined, { from: new Map([[0, 2n]]) })).toEqual([5n, [[2n, 5n]]]);
    expect(allowed([], undefined, { writtenUpTo: new Map([[0, 101n]]) })).toEqual([60n, []]);
  });
});
