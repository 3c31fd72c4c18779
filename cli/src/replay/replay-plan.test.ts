import { fc, it as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { directionOf, offsetsBetween, planReplay, type ReplayTarget } from './replay-plan.ts';
import { planText } from './replay-text.ts';
import { planSideReplay } from './side-replay.ts';

const offsets = fc.bigInt(0n, 1_000n);
const aLog = fc
  .array(fc.tuple(offsets, offsets, fc.option(offsets), offsets), { minLength: 1, maxLength: 6 })
  .map((rows) => ({
    partitions: rows.map((_, at) => at),
    committed: new Map(rows.flatMap(([, , from], at) => (from === null ? [] : [[at, from] as const]))),
    starts: new Map(rows.map(([start], at) => [at, start])),
    ends: new Map(rows.map(([start, length], at) => [at, start + length])),
    atTime: new Map(rows.map(([start, length, , inside], at) => [at, start + (inside % (length + 1n))])),
  }));
const targets: fc.Arbitrary<ReplayTarget> = fc.oneof(
  fc.constantFrom<ReplayTarget>({ kind: 'earliest' }, { kind: 'latest' }, { kind: 'time', timeMs: 0 }),
  fc.bigInt(-5_000n, 5_000n).map((offset): ReplayTarget => ({ kind: 'offset', offset })),
);

describe('a plan', () => {
  property.prop([aLog, targets])(
    'never leaves the log, and is the same when it is done twice',
    (log, target) => {
      const plan = planReplay(target, log.partitions, log.committed, log);
      for (const { partition, to } of plan) {
        expect(to >= (log.starts.get(partition) ?? -1n) && to <= (log.ends.get(partition) ?? -1n)).toBe(true);
      }
      const done = new Map(plan.map(({ partition, to }) => [partition, to]));
      const again = planReplay(target, log.partitions, done, log);
      expect(again.map(({ to }) => to)).toEqual(plan.map(({ to }) => to));
      expect(again.every((each) => directionOf(each) === 'stays' && offsetsBetween(each) === 0n)).toBe(true);
    },
  );

  property.prop([aLog, fc.bigInt(-2_000n, 2_000n)])(
    'shifts by so many, as far as the log goes',
    (log, by) => {
      const committed = new Map(log.partitions.map((each) => [each, log.committed.get(each) ?? 0n]));
      for (const each of planReplay({ kind: 'shift', by }, log.partitions, committed, log)) {
        if (each.clampedFrom === undefined) expect(each.to - (each.from ?? 0n)).toBe(by);
        else expect([log.starts.get(each.partition), log.ends.get(each.partition)]).toContain(each.to);
      }
    },
  );

  it('refuses to shift what stands nowhere, naming the partition', () => {
    const log = { starts: new Map([[3, 0n]]), ends: new Map([[3, 9n]]), atTime: new Map() };
    expect(() => planReplay({ kind: 'shift', by: 1n }, [3], new Map(), log)).toThrow(
      expect.objectContaining({ code: 'config.invalid', message: expect.stringContaining('partition 3') }),
    );
  });
});

describe('the plan as text', () => {
  const plan = [
    { partition: 0, from: 12_000n, to: 0n },
    { partition: 1, from: 5n, to: 9n, clampedFrom: 50n },
    { partition: 2, from: undefined, to: 4n },
  ];

  it('says what it means for a sink that keeps its positions', () => {
    const text = planText({ topic: 'tickets', group: 'tickets.search.x', service: 'search', plan });
    expect(text).toBe(
      [
        'Group tickets.search.x on tickets',
        '',
        'PARTITION    FROM  TO  RECORDS',
        '        0  12,000   0  -12,000',
        '        1       5   9       +4  asked for 50; the log ends at 9',
        '        2       -   4           nothing was committed',
        '',
        '12,000 records to be read again, 4 records to be skipped: at most, counted by offsets (markers of transactions are among them).',
        'Back: Search reads these records again and changes nothing by them: what it holds counts as duplicate or stale.',
        'Forward: does nothing by itself. Search keeps its positions with its data and goes on at the lower of the two, so that nothing is lost; ALLOW_GAP=true lets it skip, and records the gap.',
      ].join('\n'),
    );
  });

  it('says of any other group what its readers will see', () => {
    const text = planText({ topic: 'tickets', group: 'billing', service: undefined, plan });
    expect(text).toContain('Back: who reads as this group gets these records again.');
    expect(text).toContain('Forward: who reads as this group does not get the skipped records.');
  });
});

describe('a side replay', () => {
  property.prop([aLog, fc.boolean()])(
    'gives every partition an offset, and reads nothing beyond a bound',
    (log, isBounded) => {
      const chosen = log.partitions.filter((each) => each % 2 === 0);
      const starts = planReplay({ kind: 'earliest' }, chosen, log.committed, log);
      const plan = planSideReplay(starts, isBounded ? log.ends : undefined, log.ends);
      expect(plan.map(({ partition }) => partition)).toEqual(log.partitions);
      for (const { partition, start, until } of plan) {
        expect(until).toBe(isBounded ? log.ends.get(partition) : undefined);
        // What is not replayed begins where it ends.
        expect(start).toBe(chosen.includes(partition) ? log.starts.get(partition) : log.ends.get(partition));
      }
    },
  );

  it('that starts behind its end reads nothing', () => {
    const plan = planSideReplay(
      [{ partition: 0, from: undefined, to: 7n }],
      new Map([[0, 3n]]),
      new Map([[0, 9n]]),
    );
    expect(plan).toEqual([{ partition: 0, start: 3n, until: 3n }]);
  });
});
