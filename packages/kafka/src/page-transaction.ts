import { TicketStreamError } from '@ticket-stream/errors';
import { encodeEventHeaders, type TicketEvent } from '@ticket-stream/ticket';
import type { RecordMetadata, Transaction } from 'kafkajs';
import type { Checkpoint } from './checkpoint.ts';
import { sendCheckpoint } from './checkpoint-writer.ts';
import {
  type DeadLetterState,
  type ExportDeadLetter,
  encodeDeadLetter,
  encodeDeadLetterState,
} from './dead-letter.ts';
import { diagnostics } from './diagnostics.ts';
import { type ChunkLimits, type OutgoingRecord, RecordChunk } from './record-chunk.ts';
import { isRefusedAsTooLarge } from './refused-records.ts';
import { sendRecords } from './send-records.ts';
import { traceCommit, traceSend } from './send-span.ts';
import type { EnsuredTopics, TopicNames } from './topics.ts';

export interface PageTransaction<ExportState> {
  /**
   * Adds a ticket in export order; waits while earlier chunks are being sent (back-pressure to the socket).
   * @throws ticket.too_large  the broker refuses this very ticket: it belongs into a dead letter; the page goes on
   */
  publish(event: Omit<TicketEvent, 'source' | 'logId'>, value: Buffer): Promise<void>;
  deadLetter(letter: ExportDeadLetter): Promise<void>;
  /** What became of a letter that was tried again. */
  settleLetter(state: DeadLetterState): Promise<void>;
  /**
   * Sends what is left and the checkpoint, and commits. On return all of it is durable.
   * @param nextRetryOffset  where the requests to fetch tickets again go on; as it was where not given
   * @throws log.cut  a record got an offset before the checkpoint's: the topic was made again
   */
  commit(exportState: ExportState, nextRetryOffset?: bigint): Promise<Checkpoint<ExportState>>;
  /**
   * Gives the page up; nothing of it is ever visible.
   * @throws kafka.doubtful_transaction  the abort, or a send before it, failed: call `recover` before the next page
   */
  abort(): Promise<void>;
}

export interface PageParts<ExportState> {
  readonly transaction: Transaction;
  /** As last committed: the page begins there. */
  readonly checkpoint: Checkpoint<ExportState>;
  readonly names: TopicNames;
  readonly topics: EnsuredTopics;
  readonly limits: ChunkLimits;
  readonly partitionOf: (key: string) => number;
  /** The broker refused this record, even alone, when the page was tried before. */
  readonly isRefused: (record: OutgoingRecord) => boolean;
  /** The broker refused these records, or a dead letter (undefined), as too large. */
  readonly onRefused: (records: readonly OutgoingRecord[] | undefined) => void;
  /** Makes of a failed step the error to throw. */
  readonly inDoubt: (error: unknown) => Error;
  /** The broker has ended the transaction; `committed` is what it made durable, undefined after an abort. */
  readonly onEnded: (committed: Checkpoint<ExportState> | undefined) => void;
}

/** One page in one Kafka transaction, its chunks sent while the page is still being parsed. */
export function openPageTransaction<ExportState>(
  parts: PageParts<ExportState>,
): PageTransaction<ExportState> {
  const { transaction, checkpoint, names, limits } = parts;
  const sequence = checkpoint.sequence + 1;
  const nextOffsets = new Map(checkpoint.nextOffsets);
  let chunk = new RecordChunk(limits);
  let sending: Promise<void> = Promise.resolve();

  async function guarded<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step();
    } catch (error) {
      throw parts.inDoubt(error);
    }
  }

  /** Sends the chunk while the caller goes on parsing; the next chunk waits for it, so at most two are held. */
  async function flush(): Promise<void> {
    await sending;
    const full = chunk;
    chunk = new RecordChunk(limits);
    if (full.records.length === 0) return;
    sending = sendChunk(full);
    // Its failure is thrown at the next await of `sending`; until then it must not count as unhandled.
    sending.catch(() => {});
  }

  async function sendChunk({ records, bytes }: RecordChunk): Promise<void> {
    const point = { topic: names.tickets, sequence, records: records.length, bytes };
    try {
      const metadata = await traceSend(names.tickets, records.length, (traceHeaders) => {
        diagnostics.sendStart.publish(point);
        return sendRecords(transaction, names.tickets, records, traceHeaders);
      });
      diagnostics.sendEnd.publish(point);
      noteOffsets(metadata, records);
    } catch (error) {
      if (isRefusedAsTooLarge(error)) parts.onRefused(records);
      throw error;
    }
  }

  function noteOffsets(metadata: readonly RecordMetadata[], records: readonly OutgoingRecord[]): void {
    const sent = new Map<number, number>();
    for (const { partition } of records) sent.set(partition, (sent.get(partition) ?? 0) + 1);
    for (const { partition, baseOffset } of metadata) {
      if (baseOffset === undefined) throw new Error('the broker named no offset');
      const nextOffset = nextOffsets.get(partition) ?? 0n;
      if (BigInt(baseOffset) < nextOffset) {
        throw new TicketStreamError(
          'log.cut',
          `a record got offset ${baseOffset} of ${names.tickets}-${partition}, which was at ${nextOffset} before`,
          { context: { topic: names.tickets, partition, nextOffset, baseOffset } },
        );
      }
      nextOffsets.set(partition, BigInt(baseOffset) + BigInt(sent.get(partition) ?? 0));
    }
  }

  return {
    publish: (event, value) =>
      guarded(async () => {
        const record: OutgoingRecord = {
          partition: parts.partitionOf(event.ticketId),
          key: event.ticketId,
          value,
          headers: encodeEventHeaders({ ...event, source: checkpoint.source, logId: checkpoint.logId }),
        };
        if (parts.isRefused(record)) {
          throw new TicketStreamError(
            'ticket.too_large',
            `the broker refuses a ticket of ${value.byteLength} bytes`,
            { context: { ticketId: event.ticketId, byteLength: value.byteLength } },
          );
        }
        if (!chunk.fits(record)) await flush();
        chunk.add(record);
      }),

    deadLetter: (letter) =>
      guarded(async () => {
        await sending;
        const record = { ...encodeDeadLetter(letter, parts.topics.deadLetterBytesMax), partition: 0 };
        try {
          await sendRecords(transaction, names.deadLetters, [record]);
        } catch (error) {
          if (isRefusedAsTooLarge(error)) parts.onRefused(undefined);
          throw error;
        }
      }),

    settleLetter: (state) =>
      guarded(async () => {
        await sending;
        await sendRecords(transaction, names.deadLetters, [
          { ...encodeDeadLetterState(state), partition: 0 },
        ]);
      }),

    commit: (exportState, nextRetryOffset) =>
      guarded(async () => {
        await flush();
        await sending;
        const next: Checkpoint<ExportState> = {
          ...{ ...checkpoint, sequence, nextOffsets, exportState },
          ...(nextRetryOffset === undefined ? {} : { nextRetryOffset }),
        };
        await traceCommit(names.tickets, async () => {
          await sendCheckpoint(transaction, names.checkpoints, next);
          diagnostics.commitBefore.publish({ topic: names.tickets, sequence });
          await transaction.commit();
        });
        diagnostics.commitAfter.publish({ topic: names.tickets, sequence });
        parts.onEnded(next);
        return next;
      }),

    abort: () =>
      guarded(async () => {
        const sent = await sending.then(
          () => undefined,
          (error: unknown) => ({ error }),
        );
        // After a commit in doubt kafkajs sends no abort: whether the broker has ended anything, nobody knows.
        if (transaction.isActive()) {
          await transaction.abort();
          parts.onEnded(undefined);
        }
        // Of a failed send kafkajs took the sequence numbers back. If the broker has it all the same, the next page's
        // batch would be a repeat for it, taken with a yes and dropped.
        if (sent !== undefined) throw sent.error;
      }),
  };
}
