/**
 * Publishes export pages to the tickets topic. Keeps promise 1, "nothing lost", and promise 2, "nothing twice in
 * the log, in the normal case", by four rules:
 *
 * - **One transaction a page**, with the checkpoint inside: a page's events and the place to go on from become
 *   visible together, or neither does.
 * - **Fence, then read, then claim.** Boot takes the transactional id (an empty transaction fences every earlier
 *   producer and ends its open transaction), *then* reads the checkpoint to its end, *then* commits it with this
 *   instance's id. Read earlier, it may be old: right after a commit returned, the last stable offset was still
 *   behind in 26 of 40 transactions, by up to 188 ms (measured).
 * - **Doubt ends a producer's life.** After a timeout, a cut or a coordinator's error nobody knows whether the
 *   commit happened. The producer is thrown away, the next one fences it, and the checkpoint's sequence says which.
 * - **A fencing error is asked about, not believed.** It may come from another producer or from our own former
 *   life: fence again and read. The owner is still this instance → go on; another → exit code 4.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { encodeEventHeaders, type TicketEvent } from '@ticket-stream/ticket';
import kafkajs, { type Kafka, type RecordMetadata, type Transaction } from 'kafkajs';
import { CHECKPOINT_KEY, type Checkpoint, encodeCheckpoint } from './checkpoint.ts';
import { readNewestCheckpoint } from './checkpoint-reader.ts';
import { type DeadLetter, encodeDeadLetter } from './dead-letter.ts';
import type { Logger } from './kafka-connection.ts';
import { asKafkaError, isFencing, kafkaErrorType } from './kafka-errors.ts';
import type { LogReader } from './log-reader.ts';
import { type ChunkLimits, keyPartitioner, type OutgoingRecord, RecordChunk } from './record-chunk.ts';
import { traceCommit, traceSend } from './send-span.ts';
import { type EnsuredTopics, ensureTopics, type TopicNames } from './topics.ts';
import { startTransactionalProducer, type TransactionalProducer } from './transactional-producer.ts';

const { CompressionTypes } = kafkajs;

export interface PublisherOptions<ExportState> {
  readonly kafka: Kafka;
  readonly reader: LogReader;
  readonly names: TopicNames;
  readonly topics: EnsuredTopics;
  readonly source: string;
  /** Where the export begins when there is no checkpoint yet. */
  readonly initialState: () => ExportState;
  /** Reads the exporter's part of a checkpoint. @throws checkpoint.unreadable */
  readonly parseState: (value: unknown) => ExportState;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told when the publisher has to wait for the cluster, and with undefined when it goes on. */
  readonly onWaiting?: (reason: string | undefined) => void;
}

export interface PagePublisher<ExportState> {
  /** As last committed, by this instance. */
  readonly checkpoint: Checkpoint<ExportState>;
  /** Largest ticket in bytes; `recover` may lower it, so ask for it at every page. */
  readonly ticketBytesMax: number;
  /**
   * Begins a page's transaction; at most one at a time.
   * @throws kafka.doubtful_transaction  call `recover`, then do the page again from the checkpoint
   */
  beginPage(): Promise<PageTransaction<ExportState>>;
  /**
   * After doubt: throws the producer away, fences it by a new one, and reads which page was the last committed.
   * Waits for a cluster that is away. On return `checkpoint` is the truth.
   * @throws kafka.fenced  another instance owns the export now
   */
  recover(): Promise<void>;
  close(): Promise<void>;
}

export interface PageTransaction<ExportState> {
  /** Adds a ticket in export order; waits while earlier chunks are being sent (back-pressure to the socket). */
  publish(event: Omit<TicketEvent, 'source' | 'logId'>, value: Buffer): Promise<void>;
  deadLetter(letter: DeadLetter): Promise<void>;
  /** Sends what is left and the checkpoint, and commits. On return all of it is durable. */
  commit(exportState: ExportState): Promise<Checkpoint<ExportState>>;
  /** Gives the page up; nothing of it is ever visible. A failing abort leaves the producer in doubt: recycled at once. */
  abort(): Promise<void>;
}

/** Well below the usual 1 MB limit; measured: larger batches are no faster. */
const PARTITION_BYTES_MAX = 900 * 1024;
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;
const CHUNK_RECORDS_MAX = 1_000;
const RETRY_MS_FIRST = 200;
const RETRY_MS_MAX = 5_000;

export async function openPagePublisher<ExportState>(
  options: PublisherOptions<ExportState>,
): Promise<PagePublisher<ExportState>> {
  const { kafka, reader, names, logger, signal } = options;
  let { topics } = options;
  /** A batch was refused as too large: the topic's limit is not what it was at the start. */
  let limitChanged = false;
  const transactionalId = `ticket-stream.${names.tickets}`;
  const instanceId = randomUUID();
  const partitionOf = keyPartitioner(topics.partitions);
  const limitsNow = (): ChunkLimits => ({
    partitionBytesMax: Math.min(PARTITION_BYTES_MAX, topics.ticketBytesMax),
    chunkBytesMax: CHUNK_BYTES_MAX,
    recordsMax: CHUNK_RECORDS_MAX,
  });

  let producer: TransactionalProducer | undefined;
  let checkpoint: Checkpoint<ExportState>;

  /** A fresh producer that holds the transactional id, and the newest checkpoint read after it took it. */
  async function fenceAndRead(): Promise<Checkpoint<ExportState> | undefined> {
    await producer?.discard();
    producer = undefined;
    const next = await startTransactionalProducer(kafka, transactionalId, logger);
    producer = next;
    await next.fence();
    return readNewestCheckpoint(reader, names.checkpoints, options.parseState);
  }

  /** Repeats a step until the cluster lets it through; every pause is announced and can be aborted. */
  async function insist<T>(doing: string, step: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        const result = await step();
        if (attempt > 0) options.onWaiting?.(undefined);
        return result;
      } catch (error) {
        const known = asKafkaError(error, doing);
        if (known.disposition !== 'retry') throw known;
        const pauseMs = Math.min(RETRY_MS_FIRST * 2 ** attempt, RETRY_MS_MAX);
        if (attempt === 0) logger.warn({ err: known }, `${doing}: waiting for Kafka`);
        options.onWaiting?.(`Kafka (${doing})`);
        await wait(pauseMs, undefined, { signal });
      }
    }
  }

  /**
   * Asks for the topic's limit again; the page that is done again keeps to it, and a ticket above is a dead letter.
   * @throws kafka.topic_settings  the topic has the limit we kept to: something else on the way refuses
   */
  async function readLimit(): Promise<void> {
    const before = topics.ticketBytesMax;
    topics = await ensureTopics(kafka, names, { acceptSettings: true, logger });
    if (topics.ticketBytesMax >= before) {
      throw new TicketStreamError(
        'kafka.topic_settings',
        `the brokers refuse batches that ${names.tickets} allows (max.message.bytes)`,
        { context: { topic: names.tickets, ticketBytesMax: before } },
      );
    }
    limitChanged = false;
  }

  async function sendCheckpoint(transaction: Transaction, next: Checkpoint<ExportState>): Promise<void> {
    await transaction.send({
      topic: names.checkpoints,
      acks: -1,
      compression: CompressionTypes.ZSTD,
      messages: [{ key: CHECKPOINT_KEY, value: encodeCheckpoint(next), partition: 0 }],
    });
  }

  async function boot(): Promise<Checkpoint<ExportState>> {
    const found = await fenceAndRead();
    if (found !== undefined && found.source !== options.source) {
      throw new TicketStreamError(
        'source.mismatch',
        `the checkpoint of ${names.tickets} belongs to ${found.source}, and this export reads ${options.source}`,
        { context: { topic: names.tickets } },
      );
    }
    if (found !== undefined) await refuseCutLog(reader, names.tickets, found);
    const claimed: Checkpoint<ExportState> = {
      sequence: (found?.sequence ?? 0) + 1,
      owner: instanceId,
      source: options.source,
      logId: found?.logId ?? randomUUID(),
      nextOffsets: found?.nextOffsets ?? new Map(),
      exportState: found?.exportState ?? options.initialState(),
    };
    const transaction = await producerAtWork().begin();
    await sendCheckpoint(transaction, claimed);
    await transaction.commit();
    logger.info(
      { logId: claimed.logId, sequence: claimed.sequence, resumed: found !== undefined },
      'export claimed',
    );
    return claimed;
  }

  function producerAtWork(): TransactionalProducer {
    if (producer === undefined) throw new TicketStreamError('internal.defect', 'no producer at work');
    return producer;
  }

  function fencedBy(cause: unknown): TicketStreamError {
    return new TicketStreamError(
      'kafka.fenced',
      `another producer took over the export to ${names.tickets}`,
      { cause, context: { transactionalId } },
    );
  }

  checkpoint = await insist('claiming the export', async () => {
    try {
      return await boot();
    } catch (error) {
      // Fenced before our own claim: somebody else is booting or at work, and was later. A claim in any other doubt
      // is simply made again.
      if (isFencing(error)) throw fencedBy(error);
      throw error;
    }
  });

  return {
    get checkpoint() {
      return checkpoint;
    },
    get ticketBytesMax() {
      return topics.ticketBytesMax;
    },

    async beginPage() {
      let transaction: Transaction;
      try {
        transaction = await producerAtWork().begin();
      } catch (error) {
        throw doubt(error);
      }
      return pageTransaction(transaction);
    },

    async recover() {
      const found = await insist('asking the checkpoint', fenceAndRead);
      if (found === undefined || found.owner !== instanceId) throw fencedBy(undefined);
      checkpoint = found;
      if (limitChanged) await insist('reading the settings of the topic', readLimit);
    },

    async close() {
      await producer?.discard();
      producer = undefined;
    },
  };

  function pageTransaction(transaction: Transaction): PageTransaction<ExportState> {
    const nextOffsets = new Map(checkpoint.nextOffsets);
    const limits = limitsNow();
    let chunk = new RecordChunk(limits);
    let sending: Promise<void> = Promise.resolve();

    async function guarded<T>(step: () => Promise<T>): Promise<T> {
      try {
        return await step();
      } catch (error) {
        throw doubt(error);
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

    async function sendChunk(full: RecordChunk): Promise<void> {
      const metadata = await traceSend(names.tickets, full.records.length, (traceHeaders) =>
        transaction.send({
          topic: names.tickets,
          acks: -1,
          compression: CompressionTypes.ZSTD,
          messages: full.records.map(({ headers, ...record }) => ({
            ...record,
            headers: { ...headers, ...traceHeaders },
          })),
        }),
      );
      noteOffsets(metadata, full.records);
    }

    function noteOffsets(metadata: readonly RecordMetadata[], records: readonly OutgoingRecord[]): void {
      const sent = new Map<number, number>();
      for (const { partition } of records) sent.set(partition, (sent.get(partition) ?? 0) + 1);
      for (const { partition, baseOffset } of metadata) {
        if (baseOffset === undefined) throw new Error('the broker named no offset');
        nextOffsets.set(partition, BigInt(baseOffset) + BigInt(sent.get(partition) ?? 0));
      }
    }

    return {
      publish: (event, value) =>
        guarded(async () => {
          const record: OutgoingRecord = {
            partition: partitionOf(event.ticketId),
            key: event.ticketId,
            value,
            headers: encodeEventHeaders({ ...event, source: checkpoint.source, logId: checkpoint.logId }),
          };
          if (!chunk.fits(record)) await flush();
          chunk.add(record);
        }),

      deadLetter: (letter) =>
        guarded(async () => {
          await sending;
          const { key, value, headers } = encodeDeadLetter(letter, topics.deadLetterBytesMax);
          await transaction.send({
            topic: names.deadLetters,
            acks: -1,
            compression: CompressionTypes.ZSTD,
            messages: [{ key, value, headers, partition: 0 }],
          });
        }),

      commit: (exportState) =>
        guarded(async () => {
          await flush();
          await sending;
          const next: Checkpoint<ExportState> = {
            ...checkpoint,
            sequence: checkpoint.sequence + 1,
            nextOffsets,
            exportState,
          };
          await traceCommit(names.tickets, async () => {
            await sendCheckpoint(transaction, next);
            await transaction.commit();
          });
          checkpoint = next;
          return next;
        }),

      abort: () =>
        guarded(async () => {
          await sending.catch(() => {});
          if (transaction.isActive()) await transaction.abort();
        }),
    };
  }

  function doubt(error: unknown): TicketStreamError {
    if (isTicketStreamError(error)) return error;
    if (kafkaErrorType(error) === 'MESSAGE_TOO_LARGE') limitChanged = true;
    return new TicketStreamError('kafka.doubtful_transaction', 'a transaction is in doubt', {
      cause: error,
      context: { fenced: isFencing(error) },
    });
  }
}

/** @throws log.cut  the checkpoint names offsets that the topic does not have: it was made again, or cut */
async function refuseCutLog(
  reader: LogReader,
  topic: string,
  checkpoint: Checkpoint<unknown>,
): Promise<void> {
  const ends = await reader.highWatermarks(topic);
  for (const [partition, nextOffset] of checkpoint.nextOffsets) {
    const end = ends.get(partition) ?? 0n;
    if (nextOffset > end) {
      throw new TicketStreamError(
        'log.cut',
        `the checkpoint goes on at offset ${nextOffset} of ${topic}-${partition}, which ends at ${end}`,
        { context: { topic, partition, nextOffset, end } },
      );
    }
  }
}
