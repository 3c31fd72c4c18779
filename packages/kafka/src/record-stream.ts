/**
 * The records of a topic as a member of a consumer group: read_committed, in the order of each partition, one batch
 * at a time, the offset committed after the handler returned. kafkajs's own consumer does the group's protocol; this
 * file decides where reading starts, when an offset is committed and what a failure means.
 *
 * States of an assignment: *joined* (partitions known, fetching paused) → *prepared* (the caller named where each
 * partition starts; fetching) → *revoked* by the next join. A batch of a partition that is not prepared in the
 * present assignment is not handled: it comes again.
 *
 * A member's life ends by a crash of kafkajs (broker away, retries used up) or by the watchdog; the next life
 * follows after a pause. Only errors whose disposition is `stop` end the stream.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { leaveFormerMember, rememberMember } from './group-member.ts';
import type { Logger } from './kafka-connection.ts';
import { asKafkaError } from './kafka-errors.ts';
import type { LogReader } from './log-reader.ts';
import type { LogRecord } from './log-record.ts';

export interface RecordBatch {
  readonly partition: number;
  /** Empty when the fetch held only markers, aborted records or what compaction left. */
  readonly records: readonly LogRecord[];
  /** Where reading goes on: after the last record and whatever markers follow it. */
  readonly nextOffset: bigint;
}

export interface BatchControl {
  /**
   * Keeps the membership alive while a handler works or waits; call it at least every few seconds.
   * @throws when the group rebalances: let it through, the batch comes again to whoever owns the partition then
   */
  heartbeat(): Promise<void>;
}

export interface RecordStreamOptions {
  readonly kafka: Kafka;
  readonly reader: LogReader;
  readonly topic: string;
  readonly groupId: string;
  readonly logger: Logger;
  /**
   * Where each partition of a new assignment starts; asked at every assignment, before its first record.
   * An error of disposition `stop` ends the stream.
   */
  readonly resolveStart: (partitions: readonly number[]) => Promise<ReadonlyMap<number, bigint>>;
  /** Durable when it returns; then `nextOffset` is committed. It deals with its own failures (retry, dead letter). */
  readonly handle: (batch: RecordBatch, control: BatchControl) => Promise<void>;
  /** A file for this member's id, so that the next start after a kill need not wait for the session to end. */
  readonly memberFile?: string;
  readonly onWaiting?: (reason: string | undefined) => void;
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
  /** Lets the batch at work finish, leaves the group. */
  stop(): Promise<void>;
}

/** With kafkajs's defaults (30 s) a consumer restarted after kill -9 got its partitions after 29 s (measured). */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 2_000;
const FETCH_WAIT_MS = 250;
/** zstd makes about 5 of 1: a fetch is some 10 MB of tickets in memory. */
const PARTITION_FETCH_BYTES = 512 * 1024;
const FETCH_BYTES = 2 * 1024 * 1024;
const END_POLL_MS = 1_000;
const STALLED_MS = 30_000;
const RESTART_PAUSE_MS_FIRST = 200;
const RESTART_PAUSE_MS_MAX = 5_000;

export function openRecordStream(options: RecordStreamOptions): RecordStream {
  const { kafka, reader, topic, groupId, logger } = options;
  const stopping = new AbortController();
  const positions = new Map<number, bigint>();
  /** Where each prepared partition goes on: its start, then the end of each handled batch. */
  const handledTo = new Map<number, bigint>();
  let stableEnds: ReadonlyMap<number, bigint> | undefined;
  let assignment = 0;
  let prepared = false;
  let handling = 0;
  let progressAtMs = performance.now();

  /** One membership from join to crash or stop. @returns why it ended; undefined after a stop */
  async function liveOnce(): Promise<Error | undefined> {
    await leaveFormerMember(kafka, groupId, options.memberFile, logger);
    const { promise: ended, resolve: end } = Promise.withResolvers<Error | undefined>();
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: 30_000,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS,
      minBytes: 1,
      maxBytes: FETCH_BYTES,
      maxBytesPerPartition: PARTITION_FETCH_BYTES,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 5, restartOnFailure: async () => false },
    });
    const onStop = () => end(undefined);
    stopping.signal.addEventListener('abort', onStop, { once: true });
    consumer.on(consumer.events.CRASH, ({ payload }) => end(payload.error));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? [];
      rememberMember(options.memberFile, payload.memberId);
      // kafkajs emits this before the first fetch of the assignment: paused here, nothing is fetched too early.
      assignment++;
      prepared = false;
      positions.clear();
      handledTo.clear();
      if (partitions.length === 0) return;
      consumer.pause([{ topic, partitions }]);
      prepare(consumer, assignment, partitions).catch(end);
    });
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      // A fetch of markers alone never reaches eachBatch; its position counts all the same.
      if (prepared && payload.batchSize === 0) advance(payload.partition, BigInt(payload.lastOffset) + 1n);
    });
    const watchdog = watch(end);
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: (payload) => eachBatch(payload, end),
      });
      return await ended;
    } finally {
      stopping.signal.removeEventListener('abort', onStop);
      clearInterval(watchdog);
      assignment++;
      prepared = false;
      await consumer
        .disconnect()
        .catch((error: unknown) => logger.debug({ err: error }, 'leaving the group'));
    }
  }

  async function prepare(consumer: Consumer, forAssignment: number, partitions: number[]): Promise<void> {
    const starts = await options.resolveStart(partitions);
    if (forAssignment !== assignment || stopping.signal.aborted) return;
    for (const partition of partitions) {
      const start = starts.get(partition) ?? 0n;
      positions.set(partition, start);
      handledTo.set(partition, start);
      consumer.seek({ topic, partition, offset: String(start) });
    }
    prepared = true;
    progressAtMs = performance.now();
    consumer.resume([{ topic, partitions }]);
    logger.info({ groupId, topic, partitions: partitions.length }, 'partitions assigned');
    options.onProgress?.();
  }

  async function eachBatch(payload: EachBatchPayload, end: (error: Error) => void): Promise<void> {
    const { batch, heartbeat, resolveOffset, commitOffsetsIfNecessary, isStale, isRunning } = payload;
    const { partition } = batch;
    const forAssignment = assignment;
    const position = handledTo.get(partition);
    if (!prepared || position === undefined || isStale() || !isRunning()) return;
    const nextOffset = BigInt(batch.lastOffset()) + 1n;
    const records: LogRecord[] = [];
    for (const message of batch.messages) {
      const offset = BigInt(message.offset);
      if (offset < position) continue; // fetched before a seek took effect: already handled
      records.push({
        partition,
        offset,
        publishedAtMs: Number(message.timestamp),
        key: message.key,
        value: message.value,
        headers: message.headers,
      });
    }
    handling++;
    try {
      await options.handle({ partition, records, nextOffset }, { heartbeat });
    } catch (error) {
      if (isTicketStreamError(error) && error.disposition === 'stop') end(error);
      throw error;
    } finally {
      handling--;
    }
    if (forAssignment !== assignment) return;
    resolveOffset(batch.lastOffset());
    handledTo.set(partition, nextOffset);
    advance(partition, nextOffset);
    await commitOffsetsIfNecessary({
      topics: [{ topic, partitions: [{ partition, offset: String(nextOffset) }] }],
    });
    await heartbeat();
  }

  function advance(partition: number, nextOffset: bigint): void {
    const position = positions.get(partition);
    if (position === undefined || nextOffset <= position) return;
    positions.set(partition, nextOffset);
    progressAtMs = performance.now();
    options.onProgress?.();
  }

  /** Keeps the log's end known, and ends a life that stands still below it: named, never silent. */
  function watch(end: (error: Error) => void): NodeJS.Timeout {
    let asking = false;
    return setInterval(() => {
      if (asking || !prepared) return;
      asking = true;
      reader
        .stableEndOffsets(topic)
        .then((ends) => {
          stableEnds = ends;
          options.onProgress?.();
          const behind = [...positions].find(
            ([partition, position]) => position < (ends.get(partition) ?? 0n),
          );
          const stillMs = performance.now() - progressAtMs;
          if (behind !== undefined && handling === 0 && stillMs > STALLED_MS) {
            const [partition, position] = behind;
            end(
              new TicketStreamError('kafka.consumer_stalled', `no progress below the end of ${topic}`, {
                context: { topic, partition, position, end: ends.get(partition) },
              }),
            );
          }
        })
        .catch((error: unknown) => logger.debug({ err: error }, 'asking for the end of the log'))
        .finally(() => {
          asking = false;
        });
    }, END_POLL_MS);
  }

  async function live(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const startedAtMs = performance.now();
      const error = await liveOnce().catch((thrown: unknown) => asKafkaError(thrown, `reading ${topic}`));
      if (error === undefined || stopping.signal.aborted) return;
      const known = asKafkaError(error, `reading ${topic}`);
      if (known.disposition === 'stop') throw known;
      failures = performance.now() - startedAtMs > STALLED_MS ? 0 : failures + 1;
      logger.warn({ err: known, groupId }, 'reading was cut off; joining again');
      options.onWaiting?.(`Kafka (${known.code})`);
      const pauseMs = Math.min(RESTART_PAUSE_MS_FIRST * 2 ** failures, RESTART_PAUSE_MS_MAX);
      await wait(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
      options.onWaiting?.(undefined);
    }
  }

  const done = live();
  // Whoever awaits `done` sees the error; a stream that fails before that must not end the process.
  done.catch(() => {});
  return {
    done,
    positions: () => positions,
    stableEnds: () => stableEnds,
    async stop() {
      stopping.abort();
      await done.catch(() => {});
    },
  };
}
