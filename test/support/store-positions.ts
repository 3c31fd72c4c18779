import type { VersionStore } from '@ticket-stream/subscriber';

/** @returns the next offset to read, by partition */
export async function storedPositions(store: VersionStore): Promise<ReadonlyMap<number, bigint>> {
  const positions = await store.readPositions();
  return new Map(positions.map(({ partition, nextOffset }) => [partition, nextOffset]));
}

/**
 * @param ends  behind the last *record* of each partition: a commit marker that a fetch brings alone is in no store
 */
export function hasReached(stored: ReadonlyMap<number, bigint>, ends: ReadonlyMap<number, bigint>): boolean {
  return [...ends].every(([partition, end]) => (stored.get(partition) ?? 0n) >= end);
}
