/**
 * Dead letters that an operator sends to be tried again. `<topic>.retry.<group>` has the partitions of the tickets
 * topic; a retried record lies in the partition of its origin, as it was, with where it came from in headers. Who has
 * the tickets partition reads it between two batches, without the group, so that no topic need be there before.
 *
 * It goes the way of every record, its version standing at its origin's place: what the store knows to be older than
 * what it has is stale. It gets one outcome in the books; the letter gets the same as its state, or is written again.
 * Then the group's offset in the retry topic moves. A kill in between tries the letter again, and finds a duplicate.
 */
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  asKafkaError,
  type BetweenBatches,
  type DeadLetter,
  type DeadLetterOutcome,
  type DeadLetterState,
  type DeadLetterWriter,
  type Logger,
  type LogReader,
  type LogRecord,
  retryHeaders,
  retryTopic,
} from '@ticket-stream/kafka';
import { type Applied, letterOf, type Outcome } from './apply-piece.ts';
import type { Books } from './books.ts';
import type { Piece } from './pieces.ts';
import type { Positions } from './reading-goals.ts';

export interface RetryParts {
  readonly reader: Pick<LogReader, 'topicExists' | 'startOffsets' | 'stableEndOffsets' | 'read'>;
  readonly group: string;
  readonly ticketsTopic: string;
  readonly deadLetters: Pick<DeadLetterWriter, 'settle'>;
  readonly readCommitted: (topic: string) => Promise<Positions>;
  readonly apply: (piece: Piece) => Promise<Applied>;
  /** Writes the letter and counts it, in a step of the store. */
  readonly setAside: (letter: DeadLetter) => Promise<Books>;
  /** Counts, once the step is durable. */
  readonly onApplied: (books: Books) => void;
  readonly betweenBatches: (
    partition: number,
    work: (control: BetweenBatches) => Promise<boolean>,
  ) => Promise<boolean | undefined>;
  readonly logger: Logger;
}

/** A topic that is not there is looked for again after this long: most groups never have one. */
const ABSENT_LOOK_MS = 10_000;
const UNKNOWN_ERROR_TRIES = 5;

export interface RetryLetters {
  /** A new assignment: what the group has committed counts, not what this member remembers. */
  forget(): void;
  /**
   * Tries what is waiting for these partitions; what gets no outcome now is found again by the next look.
   * @throws errors that end the subscription
   */
  look(partitions: readonly number[]): Promise<void>;
}

export function retryLetters(parts: RetryParts): RetryLetters {
  const { reader, group, ticketsTopic, deadLetters, logger } = parts;
  const found = topicOf(ticketsTopic, group);
  if (found === undefined) return { forget() {}, async look() {} };
  const topic = found;
  let lookAgainAtMs = 0;
  let saidNotAllowed = false;
  let positions: Map<number, bigint> | undefined;
  /** Of the letters that wait: how often they failed in a way that nobody foresaw. */
  const failures = new Map<string, number>();

  async function waiting(partitions: readonly number[]): Promise<Map<number, { from: bigint; to: bigint }>> {
    const found = new Map<number, { from: bigint; to: bigint }>();
    if (performance.now() < lookAgainAtMs) return found;
    if (!(await reader.topicExists(topic))) {
      lookAgainAtMs = performance.now() + ABSENT_LOOK_MS;
      return found;
    }
    const ends = await reader.stableEndOffsets(topic);
    const missing = partitions.some((partition) => positions?.has(partition) !== true);
    if (positions === undefined || missing) {
      positions = new Map([...(await reader.startOffsets(topic)), ...(await parts.readCommitted(topic))]);
    }
    for (const partition of partitions) {
      const [from, to] = [positions.get(partition), ends.get(partition)];
      if (from !== undefined && to !== undefined && from < to) found.set(partition, { from, to });
    }
    return found;
  }

  /** @returns whether it got an outcome; not, where the sink is down */
  async function retry(record: LogRecord, control: BetweenBatches): Promise<boolean> {
    const origin = originOf(record);
    control.check();
    if (origin instanceof TicketStreamError) {
      parts.onApplied(await parts.setAside(letterOf({ group, topic }, record, origin)));
      return true;
    }
    const piece: Piece = {
      partition: origin.record.partition,
      records: [origin.record],
      nextOffset: undefined,
    };
    const outcome = await applied(piece, origin.key);
    if (outcome === undefined) return false;
    if (outcome !== 'deadLetter') await deadLetters.settle([{ key: origin.key, state: stateOf(outcome) }]);
    return true;
  }

  async function applied(piece: Piece, key: string): Promise<Outcome | undefined> {
    try {
      const result = await parts.apply(piece);
      failures.delete(key);
      if ('parts' in result) throw new TicketStreamError('internal.defect', 'a single record was halved');
      parts.onApplied(result.books);
      return result.outcomes[0];
    } catch (error) {
      if (isTicketStreamError(error) && error.disposition === 'stop') throw error;
      if (!failures.has(key)) logger.warn({ err: error, key }, 'a retried letter has to wait');
      // Nobody foresaw it. In the log's way this ends the subscription; a letter that does it is set aside again.
      const unforeseen = (failures.get(key) ?? 0) + (isTicketStreamError(error) ? 0 : 1);
      failures.set(key, unforeseen);
      if (isTicketStreamError(error) || unforeseen < UNKNOWN_ERROR_TRIES) return undefined;
      failures.delete(key);
      const message = `applying it failed: ${error instanceof Error ? error.message : String(error)}`;
      const [record] = piece.records;
      if (record === undefined) return undefined;
      const defect = new TicketStreamError('internal.defect', message, { cause: error });
      parts.onApplied(await parts.setAside(letterOf({ group, topic: ticketsTopic }, record, defect)));
      return 'deadLetter';
    }
  }

  async function readPartition(partition: number, from: bigint, to: bigint): Promise<void> {
    const range = { from: new Map([[partition, from]]), to: new Map([[partition, to]]) };
    for await (const records of reader.read(topic, range)) {
      for (const record of records) {
        const done = await parts.betweenBatches(partition, async (control) => {
          if (!(await retry(record, control))) return false;
          await control.commit(topic, partition, record.offset + 1n);
          positions?.set(partition, record.offset + 1n);
          return true;
        });
        if (done !== true) return;
      }
    }
    positions?.set(partition, to);
  }

  return {
    forget() {
      positions = undefined;
    },
    async look(partitions) {
      try {
        for (const [partition, { from, to }] of await waiting(partitions)) {
          await readPartition(partition, from, to);
        }
      } catch (error) {
        const known = asKafkaError(error, `reading ${topic}`);
        // A right that this topic lacks is no reason to read nothing at all.
        if (known.disposition === 'stop' && known.code !== 'kafka.not_allowed') throw known;
        if (known.code === 'kafka.not_allowed') {
          lookAgainAtMs = performance.now() + ABSENT_LOOK_MS;
          if (saidNotAllowed) return;
          saidNotAllowed = true;
        }
        // Who reads the log says that Kafka is away; whether a letter waits for it nobody knows.
        if (known.code === 'kafka.unavailable') return;
        logger.warn({ err: known, topic }, 'retried letters have to wait');
      }
    },
  };
}

/** A group whose name makes no name of a topic has no retries. */
function topicOf(ticketsTopic: string, group: string): string | undefined {
  try {
    return retryTopic(ticketsTopic, group);
  } catch {
    return undefined;
  }
}

function stateOf(outcome: DeadLetterOutcome | 'fresh'): DeadLetterState['state'] {
  return outcome === 'fresh' ? 'applied' : outcome;
}

interface RetriedRecord {
  readonly key: string;
  /** As it lay in the tickets topic. */
  readonly record: LogRecord;
}

const added: readonly string[] = Object.values(retryHeaders);

function originOf(retried: LogRecord): RetriedRecord | TicketStreamError {
  const { headers = {}, partition } = retried;
  const text = (name: string): string => {
    const value = headers[name];
    return value === undefined || value === null || Array.isArray(value) ? '' : value.toString();
  };
  const key = text(retryHeaders.letter);
  const offset = text(retryHeaders.offset);
  if (key === '' || text(retryHeaders.partition) !== String(partition) || !/^\d{1,19}$/.test(offset)) {
    return new TicketStreamError(
      'record.invalid_headers',
      'the headers of a retried record do not name its letter, partition and offset',
    );
  }
  const original = Object.entries(headers).filter(([name]) => !added.includes(name));
  return {
    key,
    record: { ...retried, offset: BigInt(offset), headers: Object.fromEntries(original) },
  };
}
