import type { RawHeaders } from '@ticket-stream/ticket';

/** What kafkajs hands over of a record. */
interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: RawHeaders | undefined;
}

/** An event as it lies in Kafka. */
export interface LogRecord {
  readonly partition: number;
  readonly offset: bigint;
  /** Kafka's timestamp, epoch milliseconds: when the record was published, not when the ticket changed. */
  readonly publishedAtMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: RawHeaders | undefined;
}

export function logRecord(partition: number, message: FetchedMessage): LogRecord {
  return {
    partition,
    offset: BigInt(message.offset),
    publishedAtMs: Number(message.timestamp),
    key: message.key,
    value: message.value,
    headers: message.headers,
  };
}
