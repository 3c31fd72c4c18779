import { setTimeout as pause } from 'node:timers/promises';
import type { LogReader } from '../log-reader.ts';

const POLL_MS = 25;
const WITHIN_MS = 60_000;

/**
 * Waits until readers see everything that was committed: a commit is answered before its markers lie in the partitions
 * (measured: up to 188 ms), and until then the last stable offset stays before it. No transaction may be open.
 * @returns the next offset of each partition
 * @throws when readers are still held back after a minute
 */
export async function readableEnds(
  reader: Pick<LogReader, 'stableEndOffsets' | 'highWatermarks'>,
  topic: string,
): Promise<ReadonlyMap<number, bigint>> {
  const deadlineMs = performance.now() + WITHIN_MS;
  for (;;) {
    const [stable, ends] = await Promise.all([reader.stableEndOffsets(topic), reader.highWatermarks(topic)]);
    if ([...ends].every(([partition, end]) => stable.get(partition) === end)) return stable;
    if (performance.now() > deadlineMs)
      throw new Error(`not within ${WITHIN_MS} ms: all of ${topic} readable`);
    await pause(POLL_MS);
  }
}
