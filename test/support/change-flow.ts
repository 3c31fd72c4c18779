import { ticketDigest } from '@ticket-stream/ticket';
import { seededRandom } from './seeded-random.ts';
import type { MadeVersion } from './tickets-log.ts';

/**
 * Changes of many tickets without an end, as a log may show them: mostly newer versions, some of the same second as the
 * one before, some deletions, and of every hundred records about four that must not be applied: a copy of the newest
 * version, or an older one that comes late. Beside them the oracle of what a sink must apply, which knows the order of
 * the log and nothing of the code under test.
 */
export interface ChangeFlow {
  /** The next records of the log. */
  next(count: number): MadeVersion[];
  /** By ticket id: what must be applied, in order, each as `<stamp>-<digest>`. */
  readonly expected: ReadonlyMap<string, readonly string[]>;
  /** How many of the records so far must be applied. */
  readonly fresh: number;
}

/** Few are raised to urgent or opened again, so that what alerting has to deliver is a part of what it reads. */
const statuses = ['open', 'open', 'open', 'open', 'open', 'hold', 'hold', 'hold', 'hold', 'solved'] as const;
const priorities = ['low', 'normal', 'high'] as const;
const words = 'printer refund invoice login crash delay parcel password upgrade timeout outage thanks'.split(
  ' ',
);

export function changeFlow(options: {
  readonly seed: number;
  readonly tickets: number;
  /** The first version's second; the ones after it go on from there. */
  readonly firstStamp: number;
  /**
   * Share of records that are the only version of a ticket of its own, 0 to 1: whatever is lost of one is lost for
   * good, where a ticket that changes on is made whole again by its next version. Default 0.
   */
  readonly singles?: number;
  /** Characters of a ticket's description. Default 200. */
  readonly descriptionLength?: number;
}): ChangeFlow {
  const { seed, tickets, firstStamp, singles = 0, descriptionLength = 200 } = options;
  let single = tickets;
  const random = seededRandom(seed);
  const whole = (below: number) => Math.floor(random() * below);
  const one = <T>(of: readonly T[]): T => of[whole(of.length)] as T;
  const newest = new Map<number, MadeVersion>();
  const older = new Map<number, MadeVersion>();
  const expected = new Map<string, string[]>();
  let fresh = 0;
  let made = 0;

  function newVersion(id: number): MadeVersion {
    const before = newest.get(id);
    // One in ten in the second of the version before it: then the offset decides.
    const stamp = before === undefined ? firstStamp : before.stamp + (whole(10) === 0 ? 0 : 1 + whole(5));
    const deleted = before !== undefined && whole(200) === 0;
    const at = new Date(stamp * 1000).toISOString();
    let description = '';
    while (description.length < descriptionLength) description += `${one(words)} `;
    const value = Buffer.from(
      JSON.stringify({
        id,
        subject: `${one(words)} ${one(words)} ${made++}`,
        description,
        status: deleted ? 'deleted' : one(statuses),
        priority: whole(20) === 0 ? 'urgent' : one(priorities),
        tags: [one(words), one(words)],
        created_at: new Date(firstStamp * 1000).toISOString(),
        updated_at: at,
        generated_timestamp: stamp,
      }),
    );
    const version = { id, stamp, deleted, value };
    if (before !== undefined && before.stamp < stamp) older.set(id, before);
    newest.set(id, version);
    const name = versionName(stamp, ticketDigest(value));
    const list = expected.get(String(id));
    if (list === undefined) expected.set(String(id), [name]);
    else list.push(name);
    fresh++;
    return version;
  }

  return {
    next: (count) =>
      Array.from({ length: count }, () => {
        if (singles > 0 && random() < singles) return newVersion(++single);
        const id = 1 + whole(tickets);
        const kind = whole(100);
        const repeat = kind < 2 ? newest.get(id) : kind < 4 ? older.get(id) : undefined;
        return repeat ?? newVersion(id);
      }),
    expected,
    get fresh() {
      return fresh;
    },
  };
}

export function versionName(stamp: number | bigint, digest: string): string {
  return `${stamp}-${digest}`;
}
