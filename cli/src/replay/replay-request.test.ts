import { describe, expect, it } from 'vitest';
import { checkFlags, choosePartitions, type ReplayFlags, readTarget, readUntil } from './replay-request.ts';

const refusal = (message: string) =>
  expect.objectContaining({ code: 'config.invalid', message: expect.stringContaining(message) });

describe('the flags of a replay', () => {
  it.each<[string, ReplayFlags]>([
    ['none is given', {}],
    ['--to-earliest and --shift-by are given', { toEarliest: true, shiftBy: '1' }],
    ['--execute and --dry-run', { toEarliest: true, execute: true, dryRun: true }],
    ['--export and --json', { toEarliest: true, export: true, json: true }],
    ['--until ends a side replay', { toEarliest: true, until: 'now' }],
    ['--wait has nothing to wait for', { toEarliest: true, wait: true, execute: true, into: 'side' }],
    ['--wait waits before something is done', { toEarliest: true, wait: true }],
  ])('are refused where %s', (message, flags) => {
    expect(() => checkFlags(flags)).toThrow(refusal(message));
  });

  it.each<[ReplayFlags, object]>([
    [{ toEarliest: true }, { kind: 'earliest' }],
    [{ toLatest: true }, { kind: 'latest' }],
    [{ toCurrent: true }, { kind: 'current' }],
    [{ toOffset: '-7' }, { kind: 'offset', offset: -7n }],
    [{ shiftBy: '+7' }, { kind: 'shift', by: 7n }],
    [{ byDuration: 'PT1H' }, { kind: 'time', timeMs: 1_800_000_000_000 - 3_600_000 }],
  ])('%o is one place to go', (flags, target) => {
    expect(() => checkFlags(flags)).not.toThrow();
    expect(readTarget(flags, 'tickets', 'billing', 1_800_000_000_000)).toEqual(target);
  });

  it.each(['1.5', '1e3', '', '9223372036854775808', 'ten'])('%j is no number of offsets', (text) => {
    expect(() => readTarget({ toOffset: text }, 'tickets', 'billing', 0)).toThrow(refusal('--to-offset'));
  });

  it('name an end as now, a moment, or a file', () => {
    expect(readUntil('now', 'tickets', 'billing')).toEqual({ kind: 'now' });
    expect(readUntil('1970-01-02', 'tickets', 'billing')).toEqual({ kind: 'time', timeMs: 86_400_000 });
    expect(() => readUntil('/no/such/file', 'tickets', 'billing')).toThrow(refusal('cannot be read'));
    expect(() => readUntil('2026-02-30', 'tickets', 'billing')).toThrow(refusal('does not exist'));
  });

  it('choose partitions: all, the named ones once, or those of the file; never one that is not there', () => {
    const file = { kind: 'file', offsets: new Map([[2, 5n]]) } as const;
    expect(choosePartitions({}, { kind: 'earliest' }, [0, 1, 2], 'tickets')).toEqual([0, 1, 2]);
    expect(choosePartitions({ partition: [2, 0, 2] }, { kind: 'earliest' }, [0, 1, 2], 'tickets')).toEqual([
      0, 2,
    ]);
    expect(choosePartitions({}, file, [0, 1, 2], 'tickets')).toEqual([2]);
    expect(() => choosePartitions({ partition: [3] }, { kind: 'earliest' }, [0, 1, 2], 'tickets')).toThrow(
      refusal('no partition 3'),
    );
  });
});
