import { TicketStreamError } from '@ticket-stream/errors';
import type { Kafka } from 'kafkajs';
import {
  DEAD_LETTER_HEAD_BYTES,
  type DeadLetter,
  type DeadLetterState,
  encodeDeadLetter,
  encodeDeadLetterState,
} from './dead-letter.ts';
import { asKafkaError } from './kafka-errors.ts';
import { type LetterProducer, letterProducer } from './letter-producer.ts';
import { isRefusedAsTooLarge } from './refused-records.ts';
import { BATCH_OVERHEAD_BYTES, TICKET_BYTES_MAX } from './wanted-topics.ts';

/** A consumer's dead letters. */
export interface DeadLetterWriter {
  /**
   * Durable on return; a repeat has the same key.
   * @throws kafka.unavailable
   * @throws kafka.topic_settings  the topic refuses a letter as too large, also without its value
   */
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
      if (!isRefusedAsTooLarge(error)) throw error;
      // A topic that somebody else made may take less than ours. Waiting would not change that, and stop all reading.
      const refusedBytes = Math.min(letter.bytes.byteLength, bytesMax);
      if (refusedBytes === 0) throw tooSmallFor(topic, error);
      const isHead = refusedBytes <= DEAD_LETTER_HEAD_BYTES;
      await sendLetter(to, letter, isHead ? Math.floor(refusedBytes / 2) : DEAD_LETTER_HEAD_BYTES);
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

function tooSmallFor(topic: string, cause: unknown): TicketStreamError {
  return new TicketStreamError(
    'kafka.topic_settings',
    `${topic} refuses a dead letter as too large, also without its value`,
    {
      ...{ cause, context: { topic } },
      remedy: `Raise max.message.bytes of ${topic} (ours is ${TICKET_BYTES_MAX + BATCH_OVERHEAD_BYTES}), its segment.bytes or the limit of the cluster, and start again; nothing is lost.`,
    },
  );
}
