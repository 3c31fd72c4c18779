/** Sends letters through the normal path again and waits for what becomes of them. */
import { type ErrorCode, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  countGroupMembers,
  ensureRetryTopic,
  factHeaders,
  type LetterDesk,
  type LetterRow,
  type LetterState,
  openLetterDesk,
} from '@ticket-stream/kafka';
import type { Cluster } from '../environment/cluster.ts';
import { decidedBy } from './decided-by.ts';
import { inLogOrder } from './retry-order.ts';
import { awaitOutcomes } from './retry-outcomes.ts';
import { originalRecord, planRetry, type Retry } from './retry-plan.ts';

/**
 * - `failed`   it is a dead letter again
 * - `refused`  it cannot be sent
 * - `sent`     its outcome was not waited for
 * - `unsent`   the work ended before its turn, or while it was being sent
 */
export type RetryOutcome =
  | Exclude<LetterState, 'open' | 'retrying'>
  | 'failed'
  | 'refused'
  | 'sent'
  | 'unsent';

export interface RetriedLetter {
  readonly row: LetterRow;
  readonly outcome: RetryOutcome;
  /** Why it was refused, with which code it failed. */
  readonly detail: string | undefined;
}

export interface RetryRun {
  readonly cluster: Cluster;
  readonly rows: readonly LetterRow[];
  /** Where the dead-letter topic ended before anything of this was sent. */
  readonly from: ReadonlyMap<number, bigint>;
  readonly wait: boolean;
  readonly signal: AbortSignal;
  /** Told of each as soon as it is known. */
  readonly onOutcome: (letter: RetriedLetter) => void;
  readonly onProgress: (sent: number, pending: ReadonlyMap<string, LetterRow>) => void;
  /** Told once a group that nobody runs. */
  readonly onIdleGroup: (group: string, topic: string) => void;
  /** Told once a topic that takes no letters; each of them is refused. */
  readonly onRefusedTopic: (why: TicketStreamError) => void;
}

/**
 * Durable on return: what was sent is on its way, whether it was waited for or not. Each letter is told of, also where
 * the work ends before the last.
 * @throws kafka.unavailable  the cluster went away in between
 */
export async function retryLetters(run: RetryRun): Promise<void> {
  const { cluster, onOutcome, signal } = run;
  const pending = new Map<string, LetterRow>();
  try {
    const sent = await sendLetters(run, pending);
    await awaitOutcomes({
      ...{ reader: cluster.reader, deadLetters: cluster.names.deadLetters, from: run.from, pending, signal },
      onOutcome: (row, outcome, detail) => onOutcome({ row, outcome, detail }),
      onProgress: () => run.onProgress(sent, pending),
    });
  } finally {
    for (const row of pending.values()) onOutcome({ row, outcome: 'sent', detail: undefined });
  }
}

/**
 * @param pending  takes in the letters that are to be waited for
 * @returns        how many were sent
 */
async function sendLetters(run: RetryRun, pending: Map<string, LetterRow>): Promise<number> {
  const { cluster, onOutcome, signal } = run;
  const unsent = new Set(inLogOrder(run.rows));
  const desk = await openLetterDesk(cluster.kafka, cluster.names.deadLetters);
  const trySending = createSending(run, desk);
  let sent = 0;
  try {
    for (const row of unsent) {
      if (signal.aborted) break;
      const { refusedBecause, isRead } = await trySending(row);
      unsent.delete(row);
      if (refusedBecause !== undefined) {
        onOutcome({ row, outcome: 'refused', detail: refusedBecause });
        continue;
      }
      sent++;
      if (run.wait && isRead) pending.set(row.key, row);
      else onOutcome({ row, outcome: 'sent', detail: undefined });
      run.onProgress(sent, pending);
    }
  } finally {
    for (const row of unsent) onOutcome({ row, outcome: 'unsent', detail: undefined });
    await desk.close();
  }
  return sent;
}

interface Tried {
  /** undefined: it was sent. */
  readonly refusedBecause: string | undefined;
  /** Whether somebody reads now what was sent. */
  readonly isRead: boolean;
}

/** What stands in the way of the letters of one topic, and of no others. */
const OF_ONE_TOPIC: readonly ErrorCode[] = [
  'kafka.topic_missing',
  'kafka.topic_settings',
  'kafka.not_allowed',
];

function createSending(run: RetryRun, desk: LetterDesk): (row: LetterRow) => Promise<Tried> {
  const { cluster } = run;
  const ready = createReadiness(run);
  /** By topic: what was refused once is not tried again with each of its letters. */
  const refused = new Map<string, string>();

  async function send(row: LetterRow, retry: Sendable): Promise<Tried> {
    const { isRead, partitions } = await ready(retry);
    if (retry.kind === 'record' && !partitions.includes(retry.origin.partition)) {
      const { topic, partition } = retry.origin;
      return { refusedBecause: `${topic} has no partition ${partition}`, isRead };
    }
    return { refusedBecause: await sendRetry(cluster, desk, row, retry), isRead };
  }

  return async (row) => {
    const retry = planRetry(row, cluster.names.tickets);
    if (retry.kind === 'refused') return { refusedBecause: retry.because, isRead: false };
    const known = refused.get(retry.topic);
    if (known !== undefined) return { refusedBecause: known, isRead: false };
    try {
      return await send(row, retry);
    } catch (error) {
      if (!isTicketStreamError(error) || !OF_ONE_TOPIC.includes(error.code)) throw error;
      refused.set(retry.topic, error.message);
      run.onRefusedTopic(error);
      return { refusedBecause: error.message, isRead: false };
    }
  };
}

type Sendable = Exclude<Retry, { kind: 'refused' }>;

interface Readiness {
  readonly isRead: boolean;
  /** Of the topic that the letters come from. */
  readonly partitions: readonly number[];
}

/** Makes each topic once. */
function createReadiness({ cluster, onIdleGroup }: RetryRun): (retry: Sendable) => Promise<Readiness> {
  const known = new Map<string, Readiness>();

  async function look(retry: Sendable): Promise<Readiness> {
    if (retry.kind === 'ticket') {
      await ensureRetryTopic(cluster.kafka, retry.topic, 1);
      return { isRead: true, partitions: [0] };
    }
    const { topic, group } = retry.origin;
    if (!(await cluster.reader.topicExists(topic))) {
      throw new TicketStreamError('kafka.topic_missing', `there is no topic ${topic}`, {
        remedy: 'Its letters cannot be tried again; drop them where it does not come back.',
      });
    }
    const partitions = await cluster.reader.partitions(topic);
    await ensureRetryTopic(cluster.kafka, retry.topic, partitions.length);
    const isRead = (await countGroupMembers(cluster.kafka, group)) > 0;
    if (!isRead) onIdleGroup(group, retry.topic);
    return { isRead, partitions };
  }

  return async (retry) => {
    const found = known.get(retry.topic) ?? (await look(retry));
    known.set(retry.topic, found);
    return found;
  };
}

/** @returns why it was not sent; undefined: it was */
async function sendRetry(
  { reader, names }: Cluster,
  desk: LetterDesk,
  row: LetterRow,
  retry: Sendable,
): Promise<string | undefined> {
  // The state first: written after the record, it could come after the outcome, and stand for ever.
  const setRetrying = () =>
    desk.setState({ key: row.key, state: 'retrying', by: decidedBy() }, factHeaders(row));
  if (retry.kind === 'ticket') {
    await setRetrying();
    await desk.retryTicket({ topic: retry.topic, ticketId: retry.ticketId, letterKey: row.key });
    return undefined;
  }
  const original = await originalRecord(reader, names.deadLetters, row, retry.origin);
  if (typeof original === 'string') return original;
  await setRetrying();
  const { partition, offset, recordKey } = retry.origin;
  const { value, headers } = original;
  await desk.retryRecord({
    ...{ topic: retry.topic, partition, key: recordKey, value, headers },
    originOffset: offset,
    letterKey: row.key,
  });
  return undefined;
}
