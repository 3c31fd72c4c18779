/**
 * Holding the export: the transactional id of a tickets topic, `ticket-stream.<topic>`, which one producer has at a
 * time. Whoever takes it fences the holder before, and ends its open transaction.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { Kafka, Transaction } from 'kafkajs';
import type { Checkpoint } from './checkpoint.ts';
import { readNewestCheckpoint } from './checkpoint-reader.ts';
import type { Logger } from './kafka-connection.ts';
import { kafkaErrorType, refusalOf } from './kafka-errors.ts';
import type { LogReader } from './log-reader.ts';
import type { TopicNames } from './topics.ts';
import {
  startTransactionalProducer,
  TRANSACTION_TIMEOUT_MS,
  type TransactionalProducer,
} from './transactional-producer.ts';

export interface ExportLog<ExportState> {
  readonly kafka: Kafka;
  readonly reader: LogReader;
  readonly names: TopicNames;
  /** Reads the exporter's part of a checkpoint. @throws checkpoint.unreadable */
  readonly parseState: (value: unknown) => ExportState;
  readonly logger: Logger;
  /**
   * Longer than a page may be in the making, and as long as a dead producer holds readers back. Brokers allow 15
   * minutes. Default: 6 minutes.
   */
  readonly transactionTimeoutMs?: number;
}

export interface ExportHolder<ExportState> {
  /**
   * Fence, *then* read: a fresh producer takes the id, and the newest checkpoint is read after it did. Read earlier,
   * it may be old: right after a commit returned, the last stable offset was still behind in 26 of 40 transactions,
   * by up to 188 ms (measured).
   * @throws config.invalid  the brokers allow no transaction as long as ours may be
   */
  take(): Promise<Checkpoint<ExportState> | undefined>;
  begin(): Promise<Transaction>;
  /** Ends the producer's life; never throws. */
  discard(): Promise<void>;
}

const transactionalIdOf = (names: TopicNames): string => `ticket-stream.${names.tickets}`;

export function createExportHolder<ExportState>(log: ExportLog<ExportState>): ExportHolder<ExportState> {
  let producer: TransactionalProducer | undefined;
  return {
    async take() {
      await producer?.discard();
      producer = undefined;
      const timeoutMs = log.transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS;
      const next = await startTransactionalProducer(log.kafka, {
        transactionalId: transactionalIdOf(log.names),
        transactionTimeoutMs: timeoutMs,
        logger: log.logger,
      }).catch((error: unknown) => {
        throw refusalOf(error, 'opening the producer', { topic: log.names.checkpoints }) ?? error;
      });
      producer = next;
      await next.fence().catch((error: unknown) => {
        throw tooLong(error, timeoutMs) ?? error;
      });
      return readNewestCheckpoint(log.reader, log.names.checkpoints, log.parseState);
    },
    async begin() {
      if (producer === undefined) throw new TicketStreamError('internal.defect', 'no producer at work');
      return producer.begin();
    },
    async discard() {
      await producer?.discard();
      producer = undefined;
    },
  };
}

function tooLong(error: unknown, timeoutMs: number): TicketStreamError | undefined {
  if (kafkaErrorType(error) !== 'INVALID_TRANSACTION_TIMEOUT') return undefined;
  return new TicketStreamError('config.invalid', `the brokers allow no transaction of ${timeoutMs} ms`, {
    ...{ cause: error, context: { timeoutMs } },
    remedy: `Set transaction.max.timeout.ms of the brokers to ${timeoutMs} or more, and start again.`,
  });
}

export function fencedBy(names: TopicNames, cause?: unknown): TicketStreamError {
  return new TicketStreamError('kafka.fenced', `another producer took over the export to ${names.tickets}`, {
    ...(cause === undefined ? {} : { cause }),
    context: { transactionalId: transactionalIdOf(names) },
  });
}
