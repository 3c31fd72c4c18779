/** Writes what is decided about dead letters: their states, and the records that go through the normal path again. */
import type { RawHeaders } from '@ticket-stream/ticket';
import type { Kafka, Message } from 'kafkajs';
import { type DeadLetterState, encodeDeadLetterState, writableHeaders } from './dead-letter.ts';
import { asKafkaError } from './kafka-errors.ts';
import { letterProducer } from './letter-producer.ts';
import { retryHeaders } from './retry-topics.ts';

/** A record to be consumed again, as it was. */
interface RetriedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** The original's own. */
  readonly headers: RawHeaders;
  /** Its offset in the tickets topic, by which it is compared. */
  readonly originOffset: bigint;
  readonly letterKey: string;
}

/** Every write is durable on return; in doubt it may stand twice, which a reader of states and of retries bears. */
export interface LetterDesk {
  /**
   * @param facts  the letter's own headers, so that they outlive it where the topic forgets it first
   * @throws kafka.unavailable, kafka.not_allowed
   */
  setState(state: DeadLetterState, facts: Readonly<Record<string, string>>): Promise<void>;
  /** @throws as above */
  retryRecord(record: RetriedRecord): Promise<void>;
  /** Asks the producer to fetch a ticket again. @throws as above */
  retryTicket(request: { topic: string; ticketId: string; letterKey: string }): Promise<void>;
  close(): Promise<void>;
}

export async function openLetterDesk(kafka: Kafka, deadLetters: string): Promise<LetterDesk> {
  const producer = letterProducer(kafka);
  try {
    await producer.connect();
  } catch (error) {
    // The connection may be up although its first request was refused; left open, it keeps the process alive.
    await producer.disconnect().catch(() => {});
    throw asKafkaError(error, 'connecting to Kafka', { topic: deadLetters });
  }

  async function send(topic: string, message: Message): Promise<void> {
    try {
      await producer.send(topic, message);
    } catch (error) {
      throw asKafkaError(error, `writing to ${topic}`);
    }
  }

  return {
    async setState(state, facts) {
      const { key, value, headers } = encodeDeadLetterState(state);
      await send(deadLetters, { key, value, headers: { ...facts, ...headers } });
    },
    retryRecord: ({ topic, partition, key, value, headers, originOffset, letterKey }) =>
      send(topic, {
        partition,
        key,
        value,
        headers: {
          ...writableHeaders(headers),
          [retryHeaders.partition]: String(partition),
          [retryHeaders.offset]: String(originOffset),
          [retryHeaders.letter]: letterKey,
        },
      }),
    retryTicket: ({ topic, ticketId, letterKey }) =>
      send(topic, {
        partition: 0,
        key: ticketId,
        value: Buffer.alloc(0),
        headers: { [retryHeaders.letter]: letterKey },
      }),
    close: () => producer.disconnect(),
  };
}

/** A letter's headers without what the letter and a retry before added: those of the original record. */
export function originalHeaders(headers: RawHeaders): RawHeaders {
  const added = new Set<string>(Object.values(retryHeaders));
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !name.startsWith('dlq-') && !added.has(name)),
  );
}
