/** What a record stream is told, and what it offers; the stream itself is record-stream.ts. */
import type { Kafka } from 'kafkajs';
import type { Logger } from './kafka-connection.ts';
import type { LogReader } from './log-reader.ts';
import type { BatchControl, RecordBatch } from './record-batch.ts';

export interface RecordStreamOptions {
  readonly kafka: Kafka;
  readonly reader: LogReader;
  readonly topic: string;
  readonly groupId: string;
  readonly logger: Logger;
  /**
   * Where each partition of a new assignment starts; asked at every assignment, before its first record.
   * An error of disposition `stop` ends the stream.
   * @param commit  commits starts for the group; what is lost of it does not matter to the stream
   */
  readonly resolveStart: (
    partitions: readonly number[],
    commit: (starts: ReadonlyMap<number, bigint>) => Promise<void>,
  ) => Promise<ReadonlyMap<number, bigint>>;
  /**
   * Durable when it returns, unless it postponed; then the position moves to `nextOffset`, in steps where it says
   * `done` in between. It deals with its own failures (retry, dead letter).
   */
  readonly handle: (batch: RecordBatch, control: BatchControl) => Promise<void>;
  /** The first offset that is not wanted, where there is one: reading of that partition ends there. */
  readonly endOf?: (partition: number) => bigint | undefined;
  /** What stands beside each offset committed for that partition. */
  readonly commitMetadata?: (partition: number) => string | undefined;
  /** Below the log's end without progress for this long, a life ends and the next one begins. Default 30 s. */
  readonly stalledMs?: number;
  /** A file for this member's id, so that the next start after a kill need not wait for the session to end. */
  readonly memberFile?: string;
  readonly onWaiting?: (reason: string | undefined) => void;
  /** In the group anew, with partitions or, as a spare member, without. */
  readonly onJoined?: () => void;
  /** Called after each assignment was prepared and after each batch. */
  readonly onProgress?: () => void;
}

export interface RecordStream {
  /** Settles when the stream has ended: rejects with the error that ended it. */
  readonly done: Promise<void>;
  /** Next offset of each partition now assigned. */
  positions(): ReadonlyMap<number, bigint>;
  /** The last stable offset of each partition now assigned, as last asked; undefined until known. */
  stableEnds(): ReadonlyMap<number, bigint> | undefined;
  /** In the group, and there is no partition for it. */
  isSpare(): boolean;
  /**
   * Work on a partition of this member while no batch is at work and no other member can get it.
   * @returns undefined where the partition is not (or no longer) this member's: nothing was done
   */
  betweenBatches<T>(partition: number, work: (control: BetweenBatches) => Promise<T>): Promise<T | undefined>;
  /** Lets the batch at work finish, leaves the group. */
  stop(): Promise<void>;
}

export interface BetweenBatches {
  /** @throws kafka.consumer_stalled  the membership is over or about to be: do no more */
  check(): void;
  /** Commits for this group the next offset to read of a partition of another topic. */
  commit(topic: string, partition: number, nextOffset: bigint): Promise<void>;
}
