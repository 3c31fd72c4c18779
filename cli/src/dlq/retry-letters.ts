/** Sends letters through the normal path again and waits for what becomes of them. */
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

/** `failed`: it is a dead letter again. `refused`: it was not sent. `sent`: its outcome was not waited for. */
export type RetryOutcome = Exclude<LetterState, 'open' | 'retrying'> | 'failed' | 'refused' | 'sent';

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
  readonly onProgress: (sent: number, waitingFor: number) => void;
  /** Told once a group that nobody runs. */
  readonly onIdleGroup: (group: string, topic: string) => void;
}

/** Durable on return: what was sent is on its way, whether it was waited for or not. */
export async function retryLetters(run: RetryRun): Promise<void> {
  const { cluster, onOutcome, signal } = run;
  const desk = await openLetterDesk(cluster.kafka, cluster.names.deadLetters);
  const ready = createReadiness(run);
  const pending = new Map<string, LetterRow>();
  let sent = 0;
  try {
    for (const row of inLogOrder(run.rows)) {
      if (signal.aborted) break;
      const retry = planRetry(row, cluster.names.tickets);
      if (retry.kind === 'refused') {
        onOutcome({ row, outcome: 'refused', detail: retry.because });
        continue;
      }
      const isRead = await ready(retry);
      const refusedBecause = await sendRetry(cluster, desk, row, retry);
      if (refusedBecause !== undefined) {
        onOutcome({ row, outcome: 'refused', detail: refusedBecause });
        continue;
      }
      sent++;
      if (run.wait && isRead) pending.set(row.key, row);
      else onOutcome({ row, outcome: 'sent', detail: undefined });
      run.onProgress(sent, pending.size);
    }
  } finally {
    await desk.close();
  }
  await awaitOutcomes({
    ...{ reader: cluster.reader, deadLetters: cluster.names.deadLetters, from: run.from, pending, signal },
    onOutcome: (row, outcome, detail) => onOutcome({ row, outcome, detail }),
    onProgress: () => run.onProgress(sent, pending.size),
  });
  for (const row of pending.values()) onOutcome({ row, outcome: 'sent', detail: undefined });
}

type Sendable = Exclude<Retry, { kind: 'refused' }>;

/** Makes each topic once. @returns whether somebody reads it now */
function createReadiness({ cluster, onIdleGroup }: RetryRun): (retry: Sendable) => Promise<boolean> {
  const known = new Map<string, boolean>();
  return async (retry) => {
    const found = known.get(retry.topic);
    if (found !== undefined) return found;
    const origin = retry.kind === 'record' ? retry.origin : undefined;
    const partitions = origin === undefined ? 1 : (await cluster.reader.partitions(origin.topic)).length;
    await ensureRetryTopic(cluster.kafka, retry.topic, partitions);
    const isRead = origin === undefined || (await countGroupMembers(cluster.kafka, origin.group)) > 0;
    if (!isRead) onIdleGroup(origin.group, retry.topic);
    known.set(retry.topic, isRead);
    return isRead;
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
