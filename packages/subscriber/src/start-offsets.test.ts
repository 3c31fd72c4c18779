import { describe, expect, it } from 'vitest';
import { type LogBounds, startOffsets } from './start-offsets.ts';

const bounds: LogBounds = {
  topic: 'tickets',
  logId: 'this-log',
  writtenUpTo: new Map([[0, 90n]]),
  starts: new Map([[0, 5n]]),
  ends: new Map([[0, 100n]]),
  from: new Map([[0, 60n]]),
};
const stored = (nextOffset: bigint, logId = 'this-log') => [{ partition: 0, logId, nextOffset }];
const start = (
  positions: ReturnType<typeof stored>,
  group: bigint | undefined,
  over: Partial<LogBounds> = {},
) =>
  startOffsets([0], positions, new Map(group === undefined ? [] : [[0, group]]), { ...bounds, ...over }).get(
    0,
  );

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
