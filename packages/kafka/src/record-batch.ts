import type { EachBatchPayload } from 'kafkajs';
import { type LogRecord, logRecord } from './log-record.ts';

export interface RecordBatch {
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** Where reading goes on: after the last record and whatever markers follow it. */
  readonly nextOffset: bigint;
}

export interface BatchControl {
  /**
   * Keeps the membership alive; call it before each part of the work, it costs nothing while none is due. While a
   * handler works or waits, heartbeats are sent without it, but only here is heard that the partition is lost.
   * @throws when the group rebalances: let it through, what is not done comes again to whoever owns the partition then
   */
  heartbeat(): Promise<void>;
  /**
   * All before `nextOffset` is durable: the position moves there, and is committed.
   * @throws when the membership is over: let it through
   */
  done(nextOffset: bigint): Promise<void>;
  /**
   * What is not done of this batch is dropped and comes again after the pause; the member's other partitions go on
   * meanwhile. Return after it.
   */
  postpone(pauseMs: number): void;
}

/** @param end  the first offset that is not wanted */
export function recordBatch(batch: EachBatchPayload['batch'], end: bigint | undefined): RecordBatch {
  const { partition } = batch;
  const fetchedUpTo = BigInt(batch.lastOffset()) + 1n;
  const records: LogRecord[] = [];
  for (const message of batch.messages) {
    const record = logRecord(partition, message);
    if (end !== undefined && record.offset >= end) break;
    records.push(record);
  }
  return { partition, records, nextOffset: boundedBy(end, fetchedUpTo) };
}

/** @param end  the first offset that is not wanted, where there is one */
export function boundedBy(end: bigint | undefined, offset: bigint): bigint {
  return end !== undefined && end < offset ? end : offset;
}

/** Where the fetch was asked to begin; kafkajs's types leave it out. */
export function fetchedFrom(batch: EachBatchPayload['batch']): bigint {
  return BigInt((batch as unknown as { readonly fetchedOffset: string }).fetchedOffset);
}
