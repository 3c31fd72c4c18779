import kafkajs, { type Kafka, type Message } from 'kafkajs';

/** Topic settings with which Kafka compacts as soon as its cleaner looks (`log.cleaner.backoff.ms` of the broker). */
export const eagerCompaction = {
  'cleanup.policy': 'compact',
  'segment.ms': '100',
  'min.cleanable.dirty.ratio': '0',
  'min.compaction.lag.ms': '0',
  'max.compaction.lag.ms': '1',
  'delete.retention.ms': '0',
} as const;

/**
 * Writes what compaction makes emptied batches of. Kafka keeps the last batch of each producer, so each round is a
 * producer of its own: a transaction that is aborted and one that is committed. With the same keys in each, the next
 * round takes every record of it away; what stays of it is its last batch, without records.
 * @returns the timestamp, epoch milliseconds, that records after the last round may have
 */
export async function writeRounds(
  kafka: Kafka,
  topic: string,
  rounds: number,
  messagesOf: (round: number, end: 'abort' | 'commit') => readonly Message[],
): Promise<number> {
  const anHourAgo = Date.now() - 3_600_000;
  // A segment ends by its records' own times, so a second between the rounds makes a segment of each.
  const timeOf = (round: number) => anHourAgo + round * 1_000;
  for (let round = 0; round < rounds; round++) {
    const timestamp = String(timeOf(round));
    for (const end of ['abort', 'commit'] as const) {
      const producer = kafka.producer({
        transactionalId: `${topic}-${round}-${end}`,
        idempotent: true,
        maxInFlightRequests: 1,
      });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({
        topic,
        acks: -1,
        compression: kafkajs.CompressionTypes.ZSTD,
        messages: messagesOf(round, end).map((message) => ({ ...message, timestamp })),
      });
      await transaction[end]();
      await producer.disconnect();
    }
  }
  return timeOf(rounds);
}
