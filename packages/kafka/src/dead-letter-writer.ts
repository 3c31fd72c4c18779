import type { Kafka } from 'kafkajs';
import {
  DEAD_LETTER_HEAD_BYTES,
  type DeadLetter,
  type DeadLetterState,
  encodeDeadLetter,
  encodeDeadLetterState,
} from './dead-letter.ts';
import { asKafkaError, kafkaErrorType } from './kafka-errors.ts';
import { type LetterProducer, letterProducer } from './letter-producer.ts';
import { TICKET_BYTES_MAX } from './topics.ts';

/** A consumer's dead letters. */
export interface DeadLetterWriter {
  /** Durable on return; a repeat has the same key. @throws kafka.unavailable */
  write(letters: readonly DeadLetter[]): Promise<void>;
  /** Durable on return. @throws kafka.unavailable */
  settle(states: readonly DeadLetterState[]): Promise<void>;
  close(): Promise<void>;
}

export function openDeadLetterWriter(kafka: Kafka, topic: string): DeadLetterWriter {
  let producer: LetterProducer | undefined;

  async function sendLetter(
    to: LetterProducer,
    letter: DeadLetter,
    bytesMax = TICKET_BYTES_MAX,
  ): Promise<void> {
    try {
      await to.send(topic, encodeDeadLetter(letter, bytesMax));
    } catch (error) {
      // A topic that somebody else made may take less than ours. Waiting would not change that, and stop all reading.
      const tooLarge = kafkaErrorType(error) === 'MESSAGE_TOO_LARGE' && bytesMax > DEAD_LETTER_HEAD_BYTES;
      if (!tooLarge) throw error;
      await sendLetter(to, letter, DEAD_LETTER_HEAD_BYTES);
    }
  }

  async function writing<T>(items: readonly T[], sendOne: (to: LetterProducer, item: T) => Promise<void>) {
    if (items.length === 0) return;
    try {
      if (producer === undefined) {
        producer = letterProducer(kafka); // also where its first request is refused: it is connected then, and closed below
        await producer.connect();
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
    settle: (states) => writing(states, (to, state) => to.send(topic, encodeDeadLetterState(state))),
    async close() {
      await producer?.disconnect().catch(() => {});
      producer = undefined;
    },
  };
}
