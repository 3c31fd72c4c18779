/**
 * Which of two copies of a ticket is newer. Keeps promise 4, "never backwards": a sink applies a copy only when
 * this file says `fresh`, whatever is replayed, rebalanced or overtaken.
 *
 * Seconds collide, so a version is (`updated_stamp`, digest, place in the log):
 *   newer stamp                → fresh
 *   same stamp, same digest    → duplicate
 *   same stamp, other digest   → fresh at a higher offset, else stale
 *   older stamp                → stale
 * Offsets compare only within one partition of one log; where either differs from what is stored, the log was made
 * again, the stored place says nothing, and at an equal stamp the record now read is fresh.
 */

/** Where a record lies: `logId` is the UUID made with the topic, `offset` Kafka's. */
export interface LogPlace {
  readonly logId: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface TicketVersion {
  /** Epoch seconds (updated-stamp.ts). */
  readonly stamp: number;
  /** First 32 hex digits of the SHA-256 of the value without its `_embedded`. */
  readonly digest: string;
  readonly place: LogPlace;
}

export type Freshness = 'fresh' | 'duplicate' | 'stale';

export function compareToStored(stored: TicketVersion | undefined, incoming: TicketVersion): Freshness {
  if (stored === undefined) return 'fresh';
  if (incoming.stamp !== stored.stamp) return incoming.stamp > stored.stamp ? 'fresh' : 'stale';
  if (incoming.digest === stored.digest) return 'duplicate';
  if (incoming.place.logId !== stored.place.logId || incoming.place.partition !== stored.place.partition) {
    return 'fresh';
  }
  return incoming.place.offset > stored.place.offset ? 'fresh' : 'stale';
}
