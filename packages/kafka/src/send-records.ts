import kafkajs, { type RecordMetadata, type Transaction } from 'kafkajs';
import type { OutgoingRecord } from './record-chunk.ts';

/** One produce request a broker, one record batch a partition; acknowledged by every replica in sync on return. */
export function sendRecords(
  transaction: Transaction,
  topic: string,
  records: readonly OutgoingRecord[],
  traceHeaders: Readonly<Record<string, string>> = {},
): Promise<RecordMetadata[]> {
  return transaction.send({
    topic,
    acks: -1,
    compression: kafkajs.CompressionTypes.ZSTD,
    // The records are ours: their headers are added to, not copied.
    messages: records.map(({ partition, key, value, headers }) => ({
      partition,
      key,
      value,
      headers: Object.assign(headers, traceHeaders),
    })),
  });
}
