import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { compareToStored, type TicketVersion } from './ticket-version.ts';

const logId = '00000000-0000-4000-8000-000000000001';
const base: TicketVersion = {
  stamp: 100,
  digest: 'a'.repeat(32),
  place: { logId, partition: 0, offset: 10n },
};
const other = 'b'.repeat(32);
const at = (place: Partial<TicketVersion['place']>) => ({ ...base.place, ...place });

describe('a copy against the stored one', () => {
  it.each([
    ['fresh when nothing is stored', undefined, base, 'fresh'],
    ['fresh with a newer stamp', base, { ...base, stamp: 101, place: at({ offset: 1n }) }, 'fresh'],
    [
      'stale with an older stamp, whatever its offset',
      base,
      { ...base, stamp: 99, place: at({ offset: 99n }) },
      'stale',
    ],
    [
      'a duplicate with the same stamp and digest',
      base,
      { ...base, place: at({ offset: 11n }) },
      'duplicate',
    ],
    [
      'fresh with other content of the same second, later in the log',
      base,
      { ...base, digest: other, place: at({ offset: 11n }) },
      'fresh',
    ],
    [
      'stale with other content of the same second, earlier in the log',
      base,
      { ...base, digest: other, place: at({ offset: 9n }) },
      'stale',
    ],
    [
      'fresh in another log, whose offsets say nothing',
      base,
      { ...base, digest: other, place: at({ offset: 1n, logId: 'x' }) },
      'fresh',
    ],
    [
      'fresh in another partition',
      base,
      { ...base, digest: other, place: at({ offset: 1n, partition: 1 }) },
      'fresh',
    ],
    [
      'stale in another log when its stamp is older',
      base,
      { ...base, stamp: 99, place: at({ logId: 'x' }) },
      'stale',
    ],
  ] as const)('is %s', (_, stored, incoming, expected) => {
    expect(compareToStored(stored, incoming)).toBe(expected);
  });

  const versions = fc.array(
    fc.record({ stamp: fc.integer({ min: 1, max: 4 }), digest: fc.constantFrom('a', 'b', 'c') }),
    { minLength: 1, maxLength: 30 },
  );

  /** Applies a log front to back, any prefix of it again any number of times, as replays and rebalances do. */
  test.prop([versions, fc.array(fc.nat(29), { maxLength: 8 })])(
    'ends at the same version whatever is replayed',
    (log, replays) => {
      const records = log.map(
        ({ stamp, digest }, index): TicketVersion => ({
          stamp,
          digest,
          place: { logId, partition: 0, offset: BigInt(index) },
        }),
      );
      const apply = (from: number, stored: TicketVersion | undefined) =>
        records
          .slice(from)
          .reduce<TicketVersion | undefined>(
            (current, record) => (compareToStored(current, record) === 'fresh' ? record : current),
            stored,
          );
      const once = apply(0, undefined);
      const replayed = replays.reduce((stored, from) => apply(from, stored), once);
      expect(replayed?.stamp).toBe(once?.stamp);
      expect(replayed?.digest).toBe(once?.digest);
    },
  );
});
