/**
 * The records of a topic as a member of a consumer group: read_committed, in the order of each partition, one batch
 * at a time, the offset committed after the handler's work on it is durable. kafkajs's own consumer does the group's
 * protocol; this file decides where reading starts and ends, when an offset is committed and what a failure means.
 *
 * States of an assignment: *joined* (partitions known, fetching paused) → *prepared* (the caller named where each
 * partition starts; fetching) → *revoked*, when a heartbeat says that the group rebalances or knows this member no
 * more, until the next join. A batch of a partition that is not prepared in the present assignment is not handled: it
 * comes again. So neither does a batch that was fetched together with the one in whose work the news came.
 *
 * A member's life ends by a crash of kafkajs (broker away, retries used up) or by the watchdog; the next life
 * follows after a pause. Only errors whose disposition is `stop` end the stream.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import { disconnectSoon } from './disconnect-soon.ts';
import { leaveFormerMember, rememberMember } from './group-member.ts';
import { asKafkaError, kafkaErrorType } from './kafka-errors.ts';
import { memberTurns } from './member-turns.ts';
import { type BatchControl, boundedBy, fetchedFrom, recordBatch } from './record-batch.ts';
import type { BetweenBatches, RecordStream, RecordStreamOptions } from './record-stream-interface.ts';
import { stallWatchdog } from './stall-watchdog.ts';

/** With kafkajs's defaults (30 s) a consumer restarted after kill -9 got its partitions after 29 s (measured). */
const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 2_000;
const FETCH_WAIT_MS = 250;
/** zstd makes about 5 of 1: a fetch is some 10 MB of tickets in memory. */
const PARTITION_FETCH_BYTES = 512 * 1024;
const FETCH_BYTES = 2 * 1024 * 1024;
/** How long a stop waits for the group's answers; a join can hang for the 30 s that another member works. */
const LEAVE_WAIT_MS = 1_500;
const STALLED_MS = 30_000;
const RESTART_PAUSE_MS_FIRST = 200;
const RESTART_PAUSE_MS_MAX = 5_000;

/** What says that this member no longer, or not much longer, has its partitions; kafkajs joins again after each. */
const REVOKING = new Set([
  'REBALANCE_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
]);

/** One membership; nothing is handled once it is over. */
interface Life {
  over: boolean;
  readonly consumer: Consumer;
  /** Of the partitions postponed. */
  readonly timers: Map<number, NodeJS.Timeout>;
  end(error: Error | undefined): void;
}

export function openRecordStream(options: RecordStreamOptions): RecordStream {
  const { kafka, reader, topic, groupId, logger, stalledMs = STALLED_MS } = options;
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => {
    stopping.signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const positions = new Map<number, bigint>();
  const turns = memberTurns();
  let present: Life | undefined;
  let assignment = 0;
  let prepared = false;
  let spare = false;
  const watchdog = stallWatchdog({
    ...{ reader, topic, logger, stalledMs },
    isReading: () => prepared,
    isAtWork: turns.isAtWork,
    toMove: () =>
      [...positions].filter(([partition]) => !isAtEnd(partition) && present?.timers.has(partition) !== true),
    onLook: () => options.onProgress?.(),
  });

  /** One membership from join to crash or stop. @returns why it ended; undefined after a stop */
  async function liveOnce(): Promise<Error | undefined> {
    // A broker that says nothing is given up after many seconds: a stop must not wait for them.
    const { signal } = stopping;
    await Promise.race([leaveFormerMember(kafka, groupId, options.memberFile, logger, signal), stopped]);
    if (signal.aborted) return undefined;
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
      partitionAssigners: [turns.assigner],
      retry: { initialRetryTime: 50, maxRetryTime: 1_000, retries: 5, restartOnFailure: async () => false },
    });
    const { promise: ended, resolve } = Promise.withResolvers<Error | undefined>();
    const life: Life = {
      over: false,
      consumer,
      timers: new Map(),
      end(error) {
        life.over = true;
        resolve(error);
      },
    };
    present = life;
    const { end } = life;
    const onStop = () => end(undefined);
    stopping.signal.addEventListener('abort', onStop, { once: true });
    consumer.on(consumer.events.CRASH, ({ payload }) => end(crashOf(payload.error)));
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      // A join that was under way when this life ended: nobody reads for it.
      if (life.over) return;
      options.onWaiting?.(undefined);
      options.onJoined?.();
      const partitions = payload.memberAssignment[topic] ?? [];
      remember(payload.memberId);
      // kafkajs emits this before the first fetch of the assignment: paused here, nothing is fetched too early.
      assignment++;
      prepared = false;
      positions.clear();
      clearTimers(life);
      spare = partitions.length === 0;
      if (spare) return;
      consumer.pause([{ topic, partitions }]);
      prepare(consumer, assignment, partitions).catch(end);
    });
    consumer.on(consumer.events.REBALANCING, () => {
      prepared = false;
    });
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      // A fetch of markers or aborted records alone never reaches eachBatch; its position counts all the same, and is
      // committed, so that the lag others see is 0 at the end of the log. Lost, it is only read again.
      if (!prepared || payload.batchSize > 0) return;
      const { partition } = payload;
      const nextOffset = boundedBy(options.endOf?.(partition), BigInt(payload.lastOffset) + 1n);
      if (!advance(partition, nextOffset)) return;
      if (isAtEnd(partition)) consumer.pause([{ topic, partitions: [partition] }]);
      void commitUnhandled(consumer, new Map([[partition, nextOffset]]));
    });
    const watch = watchdog.watch(end);
    const subscribed = consumer
      .connect()
      .then(() => consumer.subscribe({ topics: [topic], fromBeginning: true }));
    try {
      await Promise.race([subscribed, stopped]);
      if (life.over) return await ended;
      const running = consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 1,
        eachBatch: (payload) => eachBatch(payload, life),
      });
      // `run` returns after the first join, which waits for members at work: a stop must not.
      running.catch(end);
      return await ended;
    } finally {
      stopping.signal.removeEventListener('abort', onStop);
      clearInterval(watch);
      clearTimers(life);
      await turns.idle(); // the batch at work, however long it takes: its offset is committed by this membership
      await leave(consumer, subscribed);
      assignment++;
      prepared = false;
      spare = false;
    }
  }

  /** A position that the log has no more: the log was cut, or made again under us. The next start is checked against it. */
  function crashOf(error: Error): Error {
    const type = kafkaErrorType(error);
    if (type !== 'OFFSET_OUT_OF_RANGE') return error;
    return new TicketStreamError('kafka.consumer_stalled', `a position of ${topic} is outside its log`, {
      cause: error,
      context: { topic, type },
    });
  }

  function clearTimers({ timers }: Life): void {
    for (const timer of timers.values()) clearTimeout(timer);
    timers.clear();
  }

  /** Not remembered, a start after a kill waits for the session to end: no reason to read nothing now. */
  function remember(memberId: string): void {
    try {
      rememberMember(options.memberFile, memberId);
    } catch (error) {
      logger.debug({ err: error, groupId }, 'the member id could not be kept');
    }
  }

  const isAtEnd = (partition: number): boolean => {
    const end = options.endOf?.(partition);
    return end !== undefined && (positions.get(partition) ?? 0n) >= end;
  };

  const committable = (partition: number, nextOffset: bigint) => {
    const metadata = options.commitMetadata?.(partition);
    return { partition, offset: String(nextOffset), ...(metadata === undefined ? {} : { metadata }) };
  };

  /** Of offsets no record was handled for. Lost, records are only read again. */
  function commitUnhandled(consumer: Consumer, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    return consumer
      .commitOffsets(
        [...offsets].map(([partition, nextOffset]) => ({ topic, ...committable(partition, nextOffset) })),
      )
      .catch((error: unknown) =>
        logger.debug({ err: error, topic, partitions: [...offsets.keys()] }, 'committing offsets'),
      );
  }

  async function leave(consumer: Consumer, subscribed: Promise<void>): Promise<void> {
    // Its first request may have failed, and the connection be up.
    const left = subscribed.catch(() => {}).then(() => consumer.disconnect());
    await disconnectSoon(left, { withinMs: LEAVE_WAIT_MS, logger, what: 'leaving the group' });
  }

  async function prepare(consumer: Consumer, forAssignment: number, partitions: number[]): Promise<void> {
    const starts = await options.resolveStart(partitions, async (offsets) => {
      if (forAssignment === assignment) await commitUnhandled(consumer, offsets);
    });
    if (forAssignment !== assignment || stopping.signal.aborted) return;
    for (const partition of partitions) {
      const start = starts.get(partition) ?? 0n;
      positions.set(partition, start);
      consumer.seek({ topic, partition, offset: String(start) });
    }
    prepared = true;
    watchdog.progressed();
    const open = partitions.filter((partition) => !isAtEnd(partition));
    if (open.length > 0) consumer.resume([{ topic, partitions: open }]);
    logger.info({ groupId, topic, partitions: partitions.length }, 'partitions assigned');
    options.onProgress?.();
  }

  async function eachBatch(payload: EachBatchPayload, life: Life): Promise<void> {
    // A handler may take longer than the session lasts, and so may the wait for a turn.
    let revoked: unknown;
    const beat = setInterval(() => {
      heartbeat(payload).catch((error: unknown) => {
        if (REVOKING.has(kafkaErrorType(error) ?? '')) revoked ??= error;
      });
    }, HEARTBEAT_MS);
    const forAssignment = assignment;
    try {
      await turns.take(() => handleBatch(payload, life));
      // Heard of by a beat alone: kafkajs joins again only if it hears of it too, and till then nothing is handled.
      if (revoked !== undefined && forAssignment === assignment) throw revoked;
    } catch (error) {
      if (isTicketStreamError(error) && error.disposition === 'stop') life.end(error);
      if (REVOKING.has(kafkaErrorType(error) ?? '')) prepared = false;
      throw error;
    } finally {
      clearInterval(beat);
    }
  }

  async function heartbeat(payload: EachBatchPayload): Promise<void> {
    const forAssignment = assignment;
    try {
      await payload.heartbeat();
    } catch (error) {
      if (forAssignment === assignment && REVOKING.has(kafkaErrorType(error) ?? '')) prepared = false;
      throw error;
    }
  }

  async function handleBatch(payload: EachBatchPayload, life: Life): Promise<void> {
    const { batch, resolveOffset, commitOffsetsIfNecessary, isStale, isRunning } = payload;
    const { partition } = batch;
    const forAssignment = assignment;
    const isMine = () => !life.over && prepared && positions.has(partition) && isRunning();
    if (!isMine() || isStale() || isAtEnd(partition)) return;
    await heartbeat(payload);
    if (!isMine()) return;
    const fetchedOffset = fetchedFrom(batch);
    if (fetchedOffset !== positions.get(partition)) {
      // A fetch from before the assignment came late. Handling it would hide a gap: begin anew, where the start is
      // checked against the log.
      const error = new TicketStreamError('kafka.consumer_stalled', `reading of ${topic} jumped`, {
        context: { topic, partition, position: positions.get(partition), fetchedOffset },
      });
      life.end(error);
      throw error;
    }
    const records = recordBatch(batch, options.endOf?.(partition));
    let postponed = false;
    const control: BatchControl = {
      heartbeat: () => heartbeat(payload),
      async done(nextOffset) {
        // Joined again meanwhile, kafkajs would commit this in the name of the new assignment, over what the
        // partition's present owner committed.
        if (forAssignment !== assignment) {
          throw new TicketStreamError('kafka.consumer_stalled', `${topic}-${partition} was given away`, {
            context: { topic, partition, nextOffset },
          });
        }
        if (nextOffset <= (positions.get(partition) ?? nextOffset)) return;
        resolveOffset(String(nextOffset - 1n));
        advance(partition, nextOffset);
        if (isAtEnd(partition)) payload.pause();
        await commitOffsetsIfNecessary({
          topics: [{ topic, partitions: [committable(partition, nextOffset)] }],
        });
      },
      postpone(pauseMs) {
        postponed = true;
        const resume = payload.pause();
        const timer = setTimeout(() => {
          life.timers.delete(partition);
          watchdog.progressed();
          if (forAssignment === assignment && !life.over) resume();
        }, pauseMs);
        life.timers.set(partition, timer);
      },
    };
    await options.handle(records, control);
    if (!postponed) await control.done(records.nextOffset);
  }

  async function betweenBatches<T>(
    partition: number,
    work: (control: BetweenBatches) => Promise<T>,
  ): Promise<T | undefined> {
    const life = present;
    const forAssignment = assignment;
    const isMine = () =>
      life !== undefined &&
      !life.over &&
      prepared &&
      forAssignment === assignment &&
      positions.has(partition) &&
      !stopping.signal.aborted;
    if (life === undefined || !isMine()) return undefined;
    return turns.take(
      async () => {
        if (!isMine()) return undefined;
        return work({
          check() {
            if (isMine()) return;
            throw new TicketStreamError('kafka.consumer_stalled', `${topic}-${partition} is given away`, {
              context: { topic, partition },
            });
          },
          commit: (other, otherPartition, nextOffset) =>
            life.consumer.commitOffsets([
              { topic: other, partition: otherPartition, offset: String(nextOffset) },
            ]),
        });
      },
      { holdsJoin: true },
    );
  }

  /** @returns whether this is further than before, in a partition now assigned */
  function advance(partition: number, nextOffset: bigint): boolean {
    const position = positions.get(partition);
    if (position === undefined || nextOffset <= position) return false;
    positions.set(partition, nextOffset);
    watchdog.progressed();
    options.onProgress?.();
    return true;
  }

  async function live(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const startedAtMs = performance.now();
      const error = await liveOnce().catch((thrown: unknown) => asKafkaError(thrown, `reading ${topic}`));
      if (error === undefined || stopping.signal.aborted) return;
      const known = asKafkaError(error, `reading ${topic}`);
      if (known.disposition === 'stop') throw known;
      failures = performance.now() - startedAtMs > stalledMs ? 0 : failures + 1;
      logger.warn({ err: known, groupId }, 'reading was cut off; joining again');
      // Until the group is joined again: the next life may try in vain for as long as the cluster is away.
      options.onWaiting?.(`Kafka (${known.code})`);
      const pauseMs = Math.min(RESTART_PAUSE_MS_FIRST * 2 ** failures, RESTART_PAUSE_MS_MAX);
      await wait(pauseMs, undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  const done = live().finally(() => options.onWaiting?.(undefined));
  // Whoever awaits `done` sees the error; a stream that fails before that must not end the process.
  done.catch(() => {});
  return {
    done,
    positions: () => positions,
    stableEnds: watchdog.stableEnds,
    isSpare: () => spare,
    betweenBatches,
    async stop() {
      stopping.abort();
      await done.catch(() => {});
    },
  };
}
