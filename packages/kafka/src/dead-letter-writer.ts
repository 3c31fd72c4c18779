import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import { type DeadLetter, encodeDeadLetter } from './dead-letter.ts';
import { asKafkaError } from './kafka-errors.ts';
import { TICKET_BYTES_MAX } from './topics.ts';

/** A consumer's dead letters: idempotent and never in a transaction (kafkajs leaks interleaved aborted ones). */
export interface DeadLetterWriter {
  /** Durable on return; a repeat has the same key. @throws kafka.unavailable */
  write(letters: readonly DeadLetter[]): Promise<void>;
  close(): Promise<void>;
}

export function openDeadLetterWriter(kafka: Kafka, topic: string): DeadLetterWriter {
  let producer: Producer | undefined;
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
        for (const letter of letters) {
          const { key, value, headers } = encodeDeadLetter(letter, TICKET_BYTES_MAX);
          await producer.send({
            topic,
            acks: -1,
            compression: kafkajs.CompressionTypes.ZSTD,
            messages: [{ key, value, headers }],
          });
        }
      } catch (error) {
        // In doubt the letter is written again, under the same key, by a new producer.
        await producer?.disconnect().catch(() => {});
        producer = undefined;
        throw asKafkaError(error, 'writing a dead letter');
      }
    },
    async close() {
      await producer?.disconnect().catch(() => {});
      producer = undefined;
    },
  };
}
