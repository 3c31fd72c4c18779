import kafkajs, { type Kafka, type Producer } from 'kafkajs';
import {
  DEAD_LETTER_HEAD_BYTES,
  type DeadLetter,
  type DeadLetterState,
  type EncodedDeadLetter,
  encodeDeadLetter,
  encodeDeadLetterState,
} from './dead-letter.ts';
import { asKafkaError, kafkaErrorType } from './kafka-errors.ts';
import { TICKET_BYTES_MAX } from './topics.ts';

/** A consumer's dead letters: idempotent and never in a transaction (kafkajs leaks interleaved aborted ones). */
export interface DeadLetterWriter {
  /** Durable on return; a repeat has the same key. @throws kafka.unavailable */
  write(letters: readonly DeadLetter[]): Promise<void>;
  /** Durable on return. @throws kafka.unavailable */
  settle(states: readonly DeadLetterState[]): Promise<void>;
  close(): Promise<void>;
}

export function openDeadLetterWriter(kafka: Kafka, topic: string): DeadLetterWriter {
  let producer: Producer | undefined;

  async function sendLetter(to: Producer, letter: DeadLetter, bytesMax = TICKET_BYTES_MAX): Promise<void> {
    try {
      await send(to, encodeDeadLetter(letter, bytesMax));
    } catch (error) {
      // A topic that somebody else made may take less than ours. Waiting would not change that, and stop all reading.
      const tooLarge = kafkaErrorType(error) === 'MESSAGE_TOO_LARGE' && bytesMax > DEAD_LETTER_HEAD_BYTES;
      if (!tooLarge) throw error;
      await sendLetter(to, letter, DEAD_LETTER_HEAD_BYTES);
    }
  }

  async function send(to: Producer, message: EncodedDeadLetter): Promise<void> {
    await to.send({
      topic,
      acks: -1,
      compression: kafkajs.CompressionTypes.ZSTD,
      messages: [message],
    });
  }

  async function writing<T>(items: readonly T[], sendOne: (to: Producer, item: T) => Promise<void>) {
    if (items.length === 0) return;
    try {
      if (producer === undefined) {
        const next = kafka.producer({
          idempotent: true,
          maxInFlightRequests: 1,
          allowAutoTopicCreation: false,
          createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
          retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 8 },
        });
        producer = next; // also where its first request is refused: the connection is up then, and is closed below
        await next.connect();
      }
      for (const item of items) await sendOne(producer, item);
    } catch (error) {
      // In doubt the letter is written again, under the same key, by a new producer.
      await producer?.disconnect().catch(() => {});
      producer = undefined;
      throw asKafkaError(error, 'writing a dead letter', { topic });
    }
  }

  return {
    write: (letters) => writing(letters, sendLetter),
    settle: (states) => writing(states, (to, state) => send(to, encodeDeadLetterState(state))),
    async close() {
      await producer?.disconnect().catch(() => {});
      producer = undefined;
    },
  };
}
