import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import { DEAD_LETTER_HEAD_BYTES, type DeadLetter, encodeDeadLetter } from './dead-letter.ts';
import { asKafkaError, kafkaErrorType } from './kafka-errors.ts';
import { TICKET_BYTES_MAX } from './topics.ts';

/** A consumer's dead letters: idempotent and never in a transaction (kafkajs leaks interleaved aborted ones). */
export interface DeadLetterWriter {
  /** Durable on return; a repeat has the same key. @throws kafka.unavailable */
  write(letters: readonly DeadLetter[]): Promise<void>;
  close(): Promise<void>;
}

export function openDeadLetterWriter(kafka: Kafka, topic: string): DeadLetterWriter {
  let producer: Producer | undefined;

  async function send(to: Producer, letter: DeadLetter, bytesMax = TICKET_BYTES_MAX): Promise<void> {
    const { key, value, headers } = encodeDeadLetter(letter, bytesMax);
    try {
      await to.send({
        topic,
        acks: -1,
        compression: kafkajs.CompressionTypes.ZSTD,
        messages: [{ key, value, headers }],
      });
    } catch (error) {
      // A topic that somebody else made may take less than ours. Waiting would not change that, and stop all reading.
      const tooLarge = kafkaErrorType(error) === 'MESSAGE_TOO_LARGE' && bytesMax > DEAD_LETTER_HEAD_BYTES;
      if (!tooLarge) throw error;
      await send(to, letter, DEAD_LETTER_HEAD_BYTES);
    }
  }

  return {
    async write(letters) {
      try {
        if (producer === undefined) {
          const next = kafka.producer({
            idempotent: true,
            maxInFlightRequests: 1,
            allowAutoTopicCreation: false,
            createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
            retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 8 },
          });
          await next.connect();
          producer = next;
        }
        for (const letter of letters) await send(producer, letter);
      } catch (error) {
        // In doubt the letter is written again, under the same key, by a new producer.
        await producer?.disconnect().catch(() => {});
        producer = undefined;
        throw asKafkaError(error, 'writing a dead letter', { topic });
      }
    },
    async close() {
      await producer?.disconnect().catch(() => {});
      producer = undefined;
    },
  };
}
