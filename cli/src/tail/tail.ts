/**
 * Follows the tickets topic from outside: without a consumer group, so it takes nothing from anybody and leaves nothing
 * behind. Memory holds one fetch of the log and at most 64 MiB of versions to compare with.
 *
 * Order: within a partition, and so of a ticket, that of the log. Across partitions the records of one fetch come by
 * their time of publication; between two fetches that is not promised.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Condition, ConditionFailure, celFromJson, noTicket } from '@ticket-stream/condition';
import { isTicketStreamError } from '@ticket-stream/errors';
import type { LogReader, LogRecord } from '@ticket-stream/kafka';
import { parseRfc3339Second, type Ticket } from '@ticket-stream/ticket';
import { SeenVersions } from './seen-versions.ts';
import type { TailRange } from './tail-range.ts';
import { type TailRecord, tailRecord } from './tail-record.ts';

export interface Tail {
  readonly reader: LogReader;
  readonly topic: string;
  readonly range: TailRange;
  readonly key: string | undefined;
  readonly where: Condition | undefined;
  /** Whether what is shown tells what changed. */
  readonly showsChanges: boolean;
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly show: (tail: TailRecord) => Promise<void>;
  /** Told of a fetch in which nothing was found. */
  readonly onProgress: (counts: TailCounts) => void;
  /** The cluster is away; undefined: it is back. */
  readonly onWaiting: (reason: string | undefined) => void;
}

export interface TailCounts {
  read: number;
  shown: number;
  /** Records that the condition could not be asked of, and why, the last time. */
  failed: number;
  failure: string | undefined;
  /** Publication of the record read last, epoch milliseconds. */
  lastAtMs: number | undefined;
}

const PAUSE_MS = 1_000;

/** @returns at the end of the range, at the limit, or when aborted */
export async function tail(options: Tail): Promise<TailCounts> {
  const { reader, topic, range, key, where, signal, limit, onProgress } = options;
  const counts: TailCounts = { read: 0, shown: 0, failed: 0, failure: undefined, lastAtMs: undefined };
  const seen = options.showsChanges || where?.kind === 'transition' ? new SeenVersions() : undefined;
  let from = range.from;
  let isAway = false;
  /** Publication of the record read first. */
  let firstAtMs: number | undefined;

  async function take(record: LogRecord): Promise<void> {
    counts.read++;
    counts.lastAtMs = record.publishedAtMs;
    firstAtMs ??= record.publishedAtMs;
    if (key !== undefined && record.key?.toString('latin1') !== key) return;
    let before: Buffer | undefined;
    const each = tailRecord(record, () => before);
    if (seen !== undefined && each.event !== undefined && record.value !== null) {
      before = seen.replace(each.event.ticketId, record.value);
    }
    if (where !== undefined && !holds(where, each)) return;
    counts.shown++;
    await options.show(each);
  }

  /** What is no ticket meets no condition. */
  function holds(condition: Condition, each: TailRecord): boolean {
    const ticket = each.event === undefined ? undefined : each.ticket();
    if (ticket === undefined) return false;
    const isTransition = condition.kind === 'transition';
    const previous = isTransition ? each.previous() : undefined;
    // As in alerting: what a ticket was like that is seen for the first time is unknown, unless it is new to Zendesk.
    if (isTransition && previous === undefined && !isNew(ticket)) return false;
    try {
      return condition.holds({
        ticket: celFromJson(ticket),
        previous: previous === undefined ? noTicket : celFromJson(previous),
        changed: isTransition ? (each.changed() ?? Object.keys(ticket)) : [],
      });
    } catch (error) {
      if (!(error instanceof ConditionFailure)) throw error;
      counts.failed++;
      counts.failure = error.message;
      return false;
    }
  }

  function isNew({ created_at: createdAt }: Ticket): boolean {
    const createdSecond = parseRfc3339Second(createdAt);
    return createdSecond !== undefined && createdSecond * 1000 >= (firstAtMs ?? 0);
  }

  async function follow(): Promise<boolean> {
    const { to } = range;
    for await (const { records, positions } of reader.follow(topic, {
      ...{ from, signal },
      ...(to === undefined ? {} : { to }),
    })) {
      if (isAway) options.onWaiting(undefined);
      isAway = false;
      const shownBefore = counts.shown;
      for (const record of records) {
        await take(record);
        if (counts.shown >= limit || signal.aborted) return true;
      }
      from = new Map(positions);
      if (records.length > 0 && counts.shown === shownBefore) onProgress(counts);
    }
    return true;
  }

  while (!signal.aborted) {
    try {
      if (await follow()) break;
    } catch (error) {
      // A cluster that is away is waited for, as `tail -f` waits for a file; an offset that is gone is not.
      if (!isTicketStreamError(error, 'kafka.unavailable')) throw error;
      if (error.context['type'] === 'OFFSET_OUT_OF_RANGE') throw error;
      if (!isAway) options.onWaiting(error.message);
      isAway = true;
      await wait(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }
  return counts;
}
