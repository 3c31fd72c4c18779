/**
 * The consumer loop, one for our services and for everybody else's. For each batch, in the order of the log:
 *
 *   decode headers → look up stored versions → decide fresh | duplicate | stale → parse what is fresh
 *   → set dead letters aside → one step of the store: effects, versions, positions, books → commit the offset
 *
 * Promise 3, "effects once": the store's step is one durable act, and the offset is committed to Kafka after it.
 * Promise 4, "never backwards": only what dedupe.ts calls fresh reaches `handle`.
 * Promise 5, "everything counted": every record handed over gets exactly one outcome, added up in that same step.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { asTicketStreamError, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  type BatchControl,
  type Checkpoint,
  connectKafka,
  type DeadLetter,
  type KafkaConnection,
  type Logger,
  type LogRecord,
  openDeadLetterWriter,
  openLogReader,
  openRecordStream,
  type RecordBatch,
  type RecordStream,
  readGroupOffsets,
  readNewestCheckpoint,
  requireSoleMember,
  silentLogger,
  topicNames,
} from '@ticket-stream/kafka';
import { type Ticket, type TicketChange, type TicketVersion, ticketChange } from '@ticket-stream/ticket';
import { addBooks, type Books, emptyBooks } from './books.ts';
import { type Decision, decideBatch, decodeRecord } from './dedupe.ts';
import { recordTraceId, traceBatch } from './process-span.ts';
import { type StartFrom, startOffsets } from './start-offsets.ts';
import type { StoreStep, VersionStore } from './version-store/version-store.ts';

/** With where the cluster is and how to be let in: `brokers`, `tls`, `sasl`. */
export interface SubscribeOptions extends KafkaConnection {
  /** The tickets topic; its checkpoints and dead letters have names that follow it. */
  readonly topic: string;
  /** The consumer group; members of one group share the partitions. */
  readonly group: string;
  /** Where to start where the store has no position yet. Default `committed`: the group's offset, else the earliest. */
  readonly from?: StartFrom;
  /** End by itself: at the last stable offset as of now, or at these offsets (the next to read, by partition). */
  readonly until?: 'end' | ReadonlyMap<number, bigint>;
  readonly versions: VersionStore;
  /**
   * Applies changes, in log order, one version of a ticket after the other. Runs inside the store's step where the
   * store can take it in; otherwise it is at-least-once, and a change may come again after a crash.
   * Throwing a `retry` error pauses and repeats the batch, a `dead_letter` error sets that change aside, any other
   * is tried five times and then ends the subscription.
   */
  readonly handle: (changes: readonly TicketChange[]) => void | Promise<void>;
  /** Once, when the position first reached the last stable offset as of the start; awaited before the next batch. */
  readonly onCaughtUp?: () => void | Promise<void>;
  /** After each step, and when the log's end moved: read `books`, `positions` and `lag` then. */
  readonly onProgress?: () => void;
  readonly onWaiting?: (reason: string | undefined) => void;
  /** Refuse to start while another member is in the group; for services that must run once. */
  readonly soleMember?: boolean;
  /** A file for the member id: a start after a kill gets its partitions at once. Only with a store this process locks. */
  readonly memberFile?: string;
  /** A pino logger or the like; nothing is logged without one. */
  readonly logger?: Logger;
  readonly signal?: AbortSignal;
}

export interface Subscription {
  /** Settles when the subscription has ended, by `until`, `stop` or the error that ended it. */
  readonly done: Promise<void>;
  /** What this run counted. */
  books(): Books;
  /** Next offset of each assigned partition, stored. */
  positions(): ReadonlyMap<number, bigint>;
  /** Offsets between position and last stable offset, all assigned partitions; undefined until known. */
  lag(): number | undefined;
  isCaughtUp(): boolean;
  stop(): Promise<void>;
}

const CHUNK_RECORDS_MAX = 1_000;
const RETRY_MS_FIRST = 100;
const RETRY_MS_MAX = 5_000;
const UNKNOWN_ERROR_TRIES = 5;
const LOG_POLL_MS = 500;

export async function subscribe(options: SubscribeOptions): Promise<Subscription> {
  const { topic, group, versions: store, logger = silentLogger } = options;
  const names = topicNames(topic);
  const kafka = connectKafka({ ...options, clientId: options.clientId ?? group }, logger);
  const stopping = new AbortController();
  const signal =
    options.signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, options.signal]);
  const deadLetters = openDeadLetterWriter(kafka, names.deadLetters);
  const reader = await patiently('connecting to Kafka', () => openLogReader(kafka));

  let books = emptyBooks;
  let caughtUp = false;
  let caughtUpTargets: ReadonlyMap<number, bigint> | undefined;
  let endTargets: ReadonlyMap<number, bigint> | undefined =
    options.until === 'end' ? undefined : options.until;
  let stream: RecordStream | undefined;
  /** Of the log whose partitions are assigned now; a stray record may name another. */
  let assignedLogId = '';
  let untilReached = false;
  let announcing: Promise<void> = Promise.resolve();

  /** Repeats until it works; waits are announced. Errors that waiting cannot mend go through. */
  async function patiently<T>(doing: string, step: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      try {
        const result = await step();
        if (attempt > 0) options.onWaiting?.(undefined);
        return result;
      } catch (error) {
        const known = asTicketStreamError(error);
        if (known.disposition !== 'retry') throw known;
        if (attempt === 0) logger.warn({ err: known }, `${doing}: waiting`);
        options.onWaiting?.(`${doing} (${known.code})`);
        await wait(Math.min(RETRY_MS_FIRST * 2 ** attempt, RETRY_MS_MAX), undefined, { signal });
      }
    }
  }

  /** The newest checkpoint, which names the log; a topic not there yet is waited for, and said so. */
  async function awaitLog(): Promise<Pick<Checkpoint<unknown>, 'logId' | 'nextOffsets'>> {
    for (let asked = 0; ; asked++) {
      signal.throwIfAborted();
      const checkpoint = await patiently('looking for the log', async () => {
        if (!(await reader.topicExists(topic)) || !(await reader.topicExists(names.checkpoints)))
          return undefined;
        return await readNewestCheckpoint(reader, names.checkpoints, (state) => state);
      });
      if (checkpoint !== undefined) {
        if (asked > 0) options.onWaiting?.(undefined);
        return checkpoint;
      }
      if (asked === 0) logger.info({ topic }, 'waiting for the topic and its first checkpoint');
      options.onWaiting?.(`topic ${topic} and its first checkpoint`);
      await wait(LOG_POLL_MS, undefined, { signal });
    }
  }

  async function resolveStart(partitions: readonly number[]): Promise<ReadonlyMap<number, bigint>> {
    const { logId, nextOffsets } = await awaitLog();
    return patiently('finding where to start', async () => {
      const [stored, groupOffsets] = await Promise.all([
        store.readPositions(),
        readGroupOffsets(kafka, group, topic),
      ]);
      // Asked for after them: the log grows, and what was stored a moment ago must not seem to lie beyond its end.
      const [starts, ends, stableEnds] = await Promise.all([
        reader.startOffsets(topic),
        reader.highWatermarks(topic),
        reader.stableEndOffsets(topic),
      ]);
      assignedLogId = logId;
      const from = await resolveFrom(options.from ?? 'committed', { groupOffsets, starts, stableEnds });
      caughtUpTargets ??= stableEnds;
      if (options.until === 'end') endTargets ??= stableEnds;
      return startOffsets(partitions, stored, groupOffsets, {
        topic,
        logId,
        writtenUpTo: nextOffsets,
        starts,
        ends,
        from,
      });
    });
  }

  async function resolveFrom(
    from: StartFrom,
    known: Record<'groupOffsets' | 'starts' | 'stableEnds', ReadonlyMap<number, bigint>>,
  ): Promise<ReadonlyMap<number, bigint>> {
    if (from === 'earliest') return known.starts;
    if (from === 'latest') return known.stableEnds;
    if (from === 'committed') return new Map([...known.starts, ...known.groupOffsets]);
    if ('offsets' in from) return from.offsets;
    return reader.offsetsAt(topic, from.timeMs);
  }

  async function handleBatch(batch: RecordBatch, control: BatchControl): Promise<void> {
    await announcing;
    const { records, partition, nextOffset } = batch;
    for (let done = 0; done < records.length; done += CHUNK_RECORDS_MAX) {
      const chunk = records.slice(done, done + CHUNK_RECORDS_MAX);
      const last = chunk.at(-1);
      const isLast = done + CHUNK_RECORDS_MAX >= records.length;
      const next = isLast || last === undefined ? nextOffset : last.offset + 1n;
      await traceBatch(topic, group, chunk, async (span) => {
        const counted = await untilDone(control, () => handleChunk(chunk, partition, next));
        books = addBooks(books, counted);
        span.setAttributes({
          'ticket_stream.applied': counted.applied,
          'ticket_stream.duplicate': counted.duplicate,
          'ticket_stream.stale': counted.stale,
          'ticket_stream.dead_lettered': counted.deadLettered,
        });
      });
      await control.heartbeat();
    }
  }

  /** Decides and applies one chunk. Repeating it is harmless: nothing is kept outside the store's step. */
  async function handleChunk(
    chunk: readonly LogRecord[],
    partition: number,
    nextOffset: bigint,
  ): Promise<Books> {
    const decoded = chunk.map(decodeRecord);
    const ids = new Set<string>();
    for (const item of decoded) if ('event' in item) ids.add(item.event.ticketId);
    const decisions = decideBatch(decoded, await store.readVersions([...ids]));
    const changes = await toChanges(decisions);
    const refused = decisions.filter((decision) => decision.outcome === 'deadLetter');
    const step = (applied: readonly TicketChange[], letters: number): StoreStep => ({
      versions: new Map(applied.map(({ ticketId, version }): [string, TicketVersion] => [ticketId, version])),
      positions: [{ partition, logId: assignedLogId, nextOffset }],
      books: {
        consumed: chunk.length,
        applied: applied.length,
        duplicate: count(decisions, 'duplicate'),
        stale: count(decisions, 'stale'),
        skipped: 0,
        deadLettered: letters,
      },
    });
    // Set aside before the position moves: after a crash in between, the letter is written again under its key.
    await deadLetters.write(refused.map(({ record, error }) => letterOf(record, error)));
    try {
      const whole = step(changes, refused.length);
      await store.record(whole, () => (changes.length > 0 ? options.handle(changes) : undefined));
      return whole.books;
    } catch (error) {
      if (!isTicketStreamError(error) || error.disposition !== 'dead_letter') throw error;
      return oneByOne(changes, refused.length, step);
    }
  }

  /** A change that can never work must not take its batch with it: each is tried alone, the refused set aside. */
  async function oneByOne(
    changes: readonly TicketChange[],
    alreadyRefused: number,
    step: (applied: readonly TicketChange[], letters: number) => StoreStep,
  ): Promise<Books> {
    const refused: DeadLetter[] = [];
    const accepted: TicketChange[] = [];
    for (const change of changes) {
      try {
        await store.record(
          { versions: new Map([[change.ticketId, change.version]]), positions: [], books: emptyBooks },
          () => options.handle([change]),
        );
        accepted.push(change);
      } catch (error) {
        if (!isTicketStreamError(error) || error.disposition !== 'dead_letter') throw error;
        refused.push(letterOf(recordOf(change), error));
      }
    }
    await deadLetters.write(refused);
    // Effects and versions are stored one by one above; here position and counts follow. A crash in between reads
    // the batch again and finds the accepted ones to be duplicates: counted once, as what they then are.
    const closing = step(accepted, alreadyRefused + refused.length);
    await store.record({ ...closing, versions: new Map() }, () => undefined);
    return closing.books;
  }

  async function toChanges(decisions: readonly Decision[]): Promise<TicketChange[]> {
    const fresh = decisions.filter((decision) => decision.outcome === 'fresh');
    const previous = new Map<string, Ticket>(
      (await store.readTickets?.([...new Set(fresh.map(({ event }) => event.ticketId))])) ?? [],
    );
    return fresh.map(({ event, ticket, value, version, record }) => {
      const change = ticketChange({
        ticketId: event.ticketId,
        kind: event.kind,
        ticket,
        value,
        previous: previous.get(event.ticketId),
        version,
        source: event.source,
        publishedAtMs: record.publishedAtMs,
        traceId: recordTraceId(record),
      });
      if (store.readTickets !== undefined) previous.set(event.ticketId, ticket);
      return change;
    });
  }

  function letterOf(record: LogRecord, error: TicketStreamError): DeadLetter {
    return {
      code: error.code,
      cause: error.message,
      origin: {
        kind: 'record',
        group,
        topic,
        partition: record.partition,
        offset: record.offset,
        recordKey: record.key,
        headers: record.headers,
      },
      bytes: record.value ?? Buffer.alloc(0),
    };
  }

  /** The sink is down, or throws: keep the membership, wait, repeat. The wait is announced, and ends with a stop. */
  async function untilDone<T>(control: BatchControl, work: () => Promise<T>): Promise<T> {
    let unknownErrors = 0;
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await work();
        if (attempt > 0) options.onWaiting?.(undefined);
        return result;
      } catch (error) {
        const known = isTicketStreamError(error)
          ? error
          : new TicketStreamError(
              ++unknownErrors < UNKNOWN_ERROR_TRIES ? 'sink.unavailable' : 'internal.defect',
              `applying changes failed: ${error instanceof Error ? error.message : String(error)}`,
              { cause: error },
            );
        if (known.disposition !== 'retry') throw known;
        if (attempt === 0) logger.warn({ err: known, group }, 'the sink refuses; paused');
        options.onWaiting?.(`the sink (${known.code})`);
        const pauseMs = Math.min(RETRY_MS_FIRST * 2 ** attempt, RETRY_MS_MAX);
        await wait(pauseMs * (0.5 + Math.random() / 2), undefined, { signal });
        await control.heartbeat();
      }
    }
  }

  function onProgress(): void {
    if (stream !== undefined) {
      if (!caughtUp && caughtUpTargets !== undefined && reached(stream.positions(), caughtUpTargets)) {
        caughtUp = true;
        logger.info({ group, topic }, 'caught up');
        announcing = announcing.then(() => options.onCaughtUp?.());
        announcing.catch(fail);
      }
      if (endTargets !== undefined && reached(stream.positions(), endTargets)) {
        untilReached = true;
        stopping.abort();
      }
    }
    options.onProgress?.();
  }

  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const fail = (error: unknown) => failure.reject(asTicketStreamError(error));

  async function run(): Promise<void> {
    try {
      await awaitLog();
      if (options.soleMember === true) {
        await requireSoleMember(kafka, group, {
          signal,
          logger,
          ...(options.memberFile === undefined ? {} : { memberFile: options.memberFile }),
          ...(options.onWaiting === undefined ? {} : { onWaiting: options.onWaiting }),
        });
      }
      stream = openRecordStream({
        kafka,
        reader,
        topic,
        groupId: group,
        logger,
        resolveStart,
        handle: handleBatch,
        onProgress,
        ...(options.memberFile === undefined ? {} : { memberFile: options.memberFile }),
        ...(options.onWaiting === undefined ? {} : { onWaiting: options.onWaiting }),
      });
      const aborted = Promise.withResolvers<void>();
      signal.addEventListener('abort', () => aborted.resolve(), { once: true });
      if (signal.aborted) aborted.resolve();
      await Promise.race([stream.done, aborted.promise, failure.promise]);
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stopping.abort();
      await stream?.stop();
      await announcing.catch(() => {});
      await deadLetters.close();
      await reader.close();
    }
    // The end of `until` and `onCaughtUp` often fall together: its failure is not lost.
    if (untilReached) await announcing.catch((error: unknown) => Promise.reject(asTicketStreamError(error)));
  }

  const done = run();
  done.catch(() => {});
  return {
    done,
    books: () => books,
    positions: () => stream?.positions() ?? new Map(),
    lag() {
      const ends = stream?.stableEnds();
      if (stream === undefined || ends === undefined) return undefined;
      let lag = 0n;
      for (const [partition, position] of stream.positions()) {
        const end = ends.get(partition) ?? position;
        if (end > position) lag += end - position;
      }
      return Number(lag);
    },
    isCaughtUp: () => caughtUp,
    async stop() {
      stopping.abort();
      await done.catch(() => {});
    },
  };
}

function reached(positions: ReadonlyMap<number, bigint>, targets: ReadonlyMap<number, bigint>): boolean {
  if (positions.size === 0) return false;
  for (const [partition, position] of positions) {
    if (position < (targets.get(partition) ?? 0n)) return false;
  }
  return true;
}

function count(decisions: readonly Decision[], outcome: Decision['outcome']): number {
  return decisions.filter((decision) => decision.outcome === outcome).length;
}

function recordOf(change: TicketChange): LogRecord {
  const { partition, offset } = change.version.place;
  return {
    partition,
    offset,
    publishedAtMs: change.publishedAtMs,
    key: Buffer.from(change.ticketId),
    value: change.value,
    headers: undefined,
  };
}
