import type { RawHeaders } from '@ticket-stream/ticket';

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
