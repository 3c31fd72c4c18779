/**
 * The order in which letters are tried again. Keeps this: what one group reads of one partition comes in the order in
 * which it once came. An older version that came after a newer one would be stale, and never act.
 */
import type { LetterRow } from '@ticket-stream/kafka';

/** Whole partitions of a group one after the other, and the producer's letters; what was set aside first begins. */
export function inLogOrder(rows: readonly LetterRow[]): LetterRow[] {
  // By time among partitions and by offset within one, in one comparison, would be no order: it is not transitive.
  const together = [...Map.groupBy(rows, readTogether).values()];
  const dated = together.map((letters) => ({
    letters: letters.toSorted(byOffset),
    firstAtMs: letters.reduce((first, { firstAtMs }) => Math.min(first, firstAtMs), Number.POSITIVE_INFINITY),
  }));
  return dated.toSorted((a, b) => a.firstAtMs - b.firstAtMs).flatMap(({ letters }) => letters);
}

function readTogether({ key, origin }: LetterRow): string {
  if (origin?.kind !== 'record') return key;
  return JSON.stringify([origin.group, origin.topic, origin.partition]);
}

function byOffset({ origin: one }: LetterRow, { origin: other }: LetterRow): number {
  if (one?.kind !== 'record' || other?.kind !== 'record' || one.offset === other.offset) return 0;
  return one.offset < other.offset ? -1 : 1;
}
