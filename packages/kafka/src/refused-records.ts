/**
 * A batch that the broker refuses as too large although the topic's limit allows it: a segment size below it, a
 * limit of a managed cluster that the topic does not show. Which of its records are refused is found by sending them
 * again, halved and halved again, in a transaction that is aborted; the page is then done again, and those records
 * become dead letters.
 *
 * Not done: going on in the transaction that was refused. After a refused send kafkajs takes the sequence numbers
 * back of every partition of it, also where the broker took the batch, and the next batch of such a partition then
 * looks like a repeat: the broker says yes and drops it (kafkajs-defects/refused-batch.kafka.test.ts).
 */
import { kafkaErrorType } from './kafka-errors.ts';
import { type OutgoingRecord, recordBytes } from './record-chunk.ts';

/** MESSAGE_TOO_LARGE is about max.message.bytes, RECORD_LIST_TOO_LARGE about segment.bytes. */
const REFUSALS: ReadonlySet<string | undefined> = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

export function isRefusedAsTooLarge(error: unknown): boolean {
  return REFUSALS.has(kafkaErrorType(error));
}

export interface Refused {
  /** Refused even alone. */
  readonly records: readonly OutgoingRecord[];
  /** What a partition's batch may hold from now on: some batch was refused although each of its records was taken. */
  readonly partitionBytesMax: number | undefined;
}

/**
 * @param records  of one refused send, any partitions
 * @param send     sends records of one partition; fails as kafkajs does where the broker refuses them
 * @throws whatever else `send` fails with
 */
export async function findRefused(
  records: readonly OutgoingRecord[],
  send: (ofOnePartition: readonly OutgoingRecord[]) => Promise<void>,
): Promise<Refused> {
  const refused: OutgoingRecord[] = [];
  let partitionBytesMax: number | undefined;

  async function probe(batch: readonly OutgoingRecord[]): Promise<void> {
    try {
      await send(batch);
    } catch (error) {
      if (!isRefusedAsTooLarge(error)) throw error;
      const [first] = batch;
      if (batch.length === 1 && first !== undefined) {
        refused.push(first);
        return;
      }
      const refusedBefore = refused.length;
      const middle = Math.ceil(batch.length / 2);
      await probe(batch.slice(0, middle));
      await probe(batch.slice(middle));
      if (refused.length > refusedBefore) return;
      const bytes = batch.reduce((sum, record) => sum + recordBytes(record), 0);
      partitionBytesMax = Math.min(partitionBytesMax ?? bytes, Math.floor(bytes / 2));
    }
  }

  for (const ofOnePartition of Map.groupBy(records, ({ partition }) => partition).values()) {
    await probe(ofOnePartition);
  }
  return { records: refused, partitionBytesMax };
}
