import { TicketStreamError } from '@ticket-stream/errors';
import kafkajs, { type Transaction } from 'kafkajs';
import { CHECKPOINT_KEY, type Checkpoint, encodeCheckpoint } from './checkpoint.ts';
import { isRefusedAsTooLarge } from './refused-records.ts';

/**
 * Adds a checkpoint to a transaction; it counts once that is committed.
 * @throws kafka.topic_settings  the topic's max.message.bytes or segment.bytes is below what an export has to keep
 */
export async function sendCheckpoint(
  transaction: Transaction,
  topic: string,
  checkpoint: Checkpoint<unknown>,
): Promise<void> {
  try {
    await transaction.send({
      topic,
      acks: -1,
      compression: kafkajs.CompressionTypes.ZSTD,
      messages: [{ key: CHECKPOINT_KEY, value: encodeCheckpoint(checkpoint), partition: 0 }],
    });
  } catch (error) {
    if (!isRefusedAsTooLarge(error)) throw error;
    throw new TicketStreamError('kafka.topic_settings', `${topic} refuses a checkpoint as too large`, {
      cause: error,
      context: { topic },
      remedy: `Set max.message.bytes of ${topic} to 2097152 and segment.bytes to 4194304, and start again; nothing is lost.`,
    });
  }
}
