/**
 * The consumer loop, one for our services and for everybody else's. For each piece of a batch, in the order of the log:
 *
 *   decode headers → look up stored versions → decide fresh | duplicate | stale → parse what is fresh
 *   → set dead letters aside → one step of the store: effects, versions, positions, books → commit the offset
 *
 * This file puts the parts together and decides when a run ends; apply-piece.ts does a piece, start-offsets.ts says
 * where reading begins, retry-letters.ts what is tried again. The offset is committed after the store's step.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { asTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  type BatchControl,
  connectKafka,
  groupBoundMetadata,
  openDeadLetterWriter,
  openLogReader,
  openRecordStream,
  type RecordBatch,
  type RecordStream,
  readGroupBounds,
  readGroupOffsets,
  requireSoleMember,
  silentLogger,
  topicNames,
} from '@ticket-stream/kafka';
import type { TicketChange } from '@ticket-stream/ticket';
import { pieceApplier } from './apply-piece.ts';
import { awaitLog } from './await-log.ts';
import { awaitedCallbacks } from './awaited-callbacks.ts';
import { addBooks, type Books, emptyBooks } from './books.ts';
import { DEAD_LETTER_LIMIT, deadLetterWindow } from './dead-letter-window.ts';
import { watchProgress } from './health.ts';
import { type PieceLimits, piecesOf } from './pieces.ts';
import { traceBatch } from './process-span.ts';
import { lagBetween, lowerOf, type Positions, reached } from './reading-goals.ts';
import { type ResolvedStart, resolveStart } from './resolve-start.ts';
import { retryLetters } from './retry-letters.ts';
import { sinkPatience } from './sink-patience.ts';
import type { SubscribeOptions, Subscription } from './subscription.ts';
import type { LogGap } from './version-store/version-store.ts';
import { createWaits, patiently } from './waits.ts';

export type { SubscribeOptions, Subscription } from './subscription.ts';

/** 8 MiB: what one ticket may weigh. */
const PIECE_LIMITS: PieceLimits = { records: 1_000, bytes: 8 * 1024 * 1024 };
const LETTERS_LOOK_MS = 1_000;

/**
 * Reads the tickets topic as a member of a consumer group and hands over each change once, until it is told to stop.
 *
 * @example
 * const subscription = await subscribe({
 *   brokers: ['kafka-1:9092'],
 *   topic: 'tickets',
 *   group: 'my-team.tickets',
 *   versions: sqliteVersionStore({ path: 'data/versions.sqlite' }),
 *   handle: (changes) => { for (const { ticketId, ticket } of changes) console.log(ticketId, ticket.status); },
 * });
 * await subscription.done;
 *
 * @throws config.invalid     options that do not go together
 * @throws kafka.not_allowed  and what else waiting does not mend; everything after the first connection ends `done`
 * @throws the signal's reason  where `signal` ends it before the first connection
 */
export async function subscribe(options: SubscribeOptions): Promise<Subscription> {
  const { topic, group, versions: store, logger = silentLogger, excludeSystemUpdates = false } = options;
  if (excludeSystemUpdates && store.readTickets === undefined) {
    throw new TicketStreamError(
      'config.invalid',
      'excludeSystemUpdates needs a version store that keeps tickets: system updates are known by the stored updated_at',
      { remedy: 'Use sqliteVersionStore({ path, keepTickets: true }), or leave the option out.' },
    );
  }
  const names = topicNames(topic);
  const kafka = connectKafka({ ...options, clientId: options.clientId ?? group }, logger);
  const stopping = new AbortController();
  const signal =
    options.signal === undefined ? stopping.signal : AbortSignal.any([stopping.signal, options.signal]);

  const failure = Promise.withResolvers<never>();
  failure.promise.catch(() => {});
  const fail = (error: unknown) => failure.reject(asTicketStreamError(error));
  /** The caller's own callbacks run in timers and event handlers of ours: what they throw must end here. */
  const tell = <T extends unknown[]>(listener: ((...args: T) => void) | undefined, ...args: T): void => {
    try {
      listener?.(...args);
    } catch (error) {
      fail(error);
    }
  };
  const waits = createWaits((reason) => tell(options.onWaiting, reason));
  const patience = { waits, logger, signal };

  const deadLetters = openDeadLetterWriter(kafka, names.deadLetters);
  const reader = await patiently('connecting to Kafka', () => openLogReader(kafka), patience);

  let books = emptyBooks;
  const count = (counted: Books) => {
    books = addBooks(books, counted);
  };
  let caughtUp = false;
  let caughtUpTargets: Positions | undefined;
  let endTargets: Positions | undefined;
  let groupBounds: Positions = new Map();
  let untilReached = false;
  let stream: RecordStream | undefined;
  const gaps: LogGap[] = [];
  /** Of the log whose partitions are assigned now; a stray record may name another. */
  let assignedLogId = '';
  let firstFrom: Positions | undefined;
  let announcing: Promise<void> = Promise.resolve();
  const progress = watchProgress(topic);
  const callbacks = awaitedCallbacks();
  const handle = (changes: readonly TicketChange[]) => callbacks.call(() => options.handle(changes));
  const applierParts = { topic, group, store, handle, deadLetters, excludeSystemUpdates };
  const apply = pieceApplier({
    ...applierParts,
    window: deadLetterWindow(options.deadLetterWindow ?? DEAD_LETTER_LIMIT, group),
  });
  const applyLetter = pieceApplier(applierParts);
  const sink = sinkPatience({ group, waits, logger, signal });

  const letters = retryLetters({
    reader,
    group,
    ticketsTopic: topic,
    deadLetters,
    logger,
    readCommitted: (retries) => readGroupOffsets(kafka, group, retries),
    apply: (piece) => traceBatch(topic, group, piece.records, () => applyLetter(piece, assignedLogId)),
    async setAside(letter) {
      await deadLetters.write([letter]);
      const counted = { ...emptyBooks, consumed: 1, deadLettered: 1 };
      await store.record({ versions: new Map(), positions: [], books: counted }, () => undefined);
      return counted;
    },
    onApplied: count,
    betweenBatches: async (partition, work) => stream?.betweenBatches(partition, work),
  });

  async function startOf(
    partitions: readonly number[],
    commit: (starts: Positions) => Promise<void>,
  ): Promise<Positions> {
    const log = await awaitLog(reader, names, patience);
    letters.forget();
    const start = await patiently(
      'finding where to start',
      () =>
        resolveStart(
          {
            reader,
            topic,
            store,
            from: options.from ?? 'committed',
            firstFrom: log.logId === assignedLogId ? firstFrom : undefined,
            until: options.until,
            allowGap: options.allowGap ?? false,
            async readGroup() {
              const [offsets, bounds] = await Promise.all([
                readGroupOffsets(kafka, group, topic),
                readGroupBounds(kafka, group, topic),
              ]);
              return { offsets, bounds };
            },
          },
          partitions,
          log,
        ),
      patience,
    );
    assignedLogId = log.logId;
    firstFrom = start.firstFrom;
    groupBounds = start.groupBounds;
    endTargets ??= start.until;
    caughtUpTargets ??= lowerOf(start.stableEnds, endTargets);
    await keepStart(start, commit);
    return start.offsets;
  }

  /**
   * A start that would be another the next time is the position at once, durably: a gap is stepped over, and told, once,
   * and what comes after it is not skipped. Committed first: an offset of the group that is left behind it would be
   * taken for the lower of both.
   */
  async function keepStart(
    { gaps: found, toStore }: ResolvedStart,
    commit: (starts: Positions) => Promise<void>,
  ): Promise<void> {
    if (toStore.size === 0) return;
    for (const { partition, from, to } of found) {
      logger.warn(
        { topic, partition, from, to },
        'stepped over a gap, as allowed: these offsets are not read',
      );
    }
    await commit(toStore);
    const positions = [...toStore].map(([partition, nextOffset]) => ({
      partition,
      logId: assignedLogId,
      nextOffset,
    }));
    const step = { versions: new Map(), positions, books: emptyBooks };
    await patiently(
      'recording where to start',
      async () => {
        if (found.length > 0) await store.recordGaps?.(found);
        await store.record(step, () => undefined);
      },
      patience,
    );
    gaps.push(...found);
  }

  async function handleBatch(batch: RecordBatch, control: BatchControl): Promise<void> {
    await announcing;
    const queue = piecesOf(batch, PIECE_LIMITS);
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      const now = piece;
      await control.heartbeat();
      const applied = await traceBatch(topic, group, now.records, async (span) => {
        const result = await sink.untilDone(now, control, () => apply(now, assignedLogId));
        if (result !== 'later' && 'books' in result) {
          span.setAttributes({
            'ticket_stream.applied': result.books.applied,
            'ticket_stream.duplicate': result.books.duplicate,
            'ticket_stream.stale': result.books.stale,
            'ticket_stream.skipped': result.books.skipped,
            'ticket_stream.dead_lettered': result.books.deadLettered,
          });
        }
        return result;
      });
      if (applied === 'later') return;
      if ('parts' in applied) {
        queue.unshift(...applied.parts);
        continue;
      }
      count(applied.books);
      if (now.nextOffset !== undefined) await control.done(now.nextOffset);
    }
  }

  function onProgress(): void {
    if (stream !== undefined) {
      const positions = stream.positions();
      const ends = stream.stableEnds();
      progress.saw(positions, ends === undefined ? undefined : lowerOf(ends, endTargets));
      if (!caughtUp && caughtUpTargets !== undefined && reached(positions, caughtUpTargets)) {
        caughtUp = true;
        logger.info({ group, topic }, 'caught up');
        announcing = announcing.then(() => callbacks.call(() => options.onCaughtUp?.()));
        announcing.catch(fail);
      }
      if (!untilReached && endTargets !== undefined && reached(positions, endTargets)) {
        untilReached = true;
        // Who comes only now and then to read to the end tries the letters that wait for it before it goes.
        lookForLetters().then(() => stopping.abort(), fail);
      }
      awaitTimeToEnd();
    }
    tell(options.onProgress);
  }

  /** `until` a time that was still to come at the start. */
  let resolvingTime = false;
  function awaitTimeToEnd(): void {
    const { until } = options;
    if (until === undefined || until === 'end' || !('timeMs' in until)) return;
    if (endTargets !== undefined || caughtUpTargets === undefined || resolvingTime) return;
    if (Date.now() < until.timeMs) return;
    resolvingTime = true;
    patiently('finding where to end', () => reader.offsetsAt(topic, until.timeMs), patience)
      .then((offsets) => {
        endTargets = offsets;
        onProgress();
      })
      .catch((error: unknown) => (signal.aborted ? undefined : fail(error)));
  }

  let looking: Promise<unknown> = Promise.resolve();
  function lookForLetters(): Promise<unknown> {
    looking = looking.then(async () => {
      await announcing;
      if (stream !== undefined && !signal.aborted) await letters.look([...stream.positions().keys()]);
    });
    looking.catch(fail);
    return looking;
  }

  async function keepLookingForLetters(): Promise<void> {
    while (!signal.aborted) {
      await lookForLetters();
      await wait(LETTERS_LOOK_MS, undefined, { signal });
    }
  }

  async function run(): Promise<void> {
    try {
      await awaitLog(reader, names, patience);
      const memberFile = options.memberFile === undefined ? {} : { memberFile: options.memberFile };
      const onWaiting = (reason: string | undefined) => waits.set('group', reason);
      if (options.soleMember === true) {
        await requireSoleMember(kafka, group, { signal, logger, ...memberFile, onWaiting });
      }
      stream = openRecordStream({
        kafka,
        reader,
        topic,
        groupId: group,
        logger,
        resolveStart: startOf,
        onJoined: sink.forget,
        handle: handleBatch,
        endOf: (partition) => endTargets?.get(partition),
        commitMetadata(partition) {
          const bound = groupBounds.get(partition);
          return bound === undefined ? undefined : groupBoundMetadata(bound);
        },
        onProgress,
        ...memberFile,
        onWaiting,
      });
      keepLookingForLetters().catch(() => {});
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
      await looking.catch(() => {});
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
      return lagBetween(stream.positions(), lowerOf(ends, endTargets));
    },
    isCaughtUp: () => caughtUp,
    health: () => progress.health(waits.current(), stream?.isSpare()),
    gaps: () => gaps,
    async stop() {
      stopping.abort();
      if (!callbacks.isWithin()) await done.catch(() => {});
    },
  };
}
