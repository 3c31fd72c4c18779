/** Waits for what becomes of letters that were sent: the states that their readers write. */
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { type LetterRow, type LetterState, type LogReader, letterStateOf } from '@ticket-stream/kafka';

/** `failed`: it is a dead letter again. */
type Outcome = Exclude<LetterState, 'open' | 'retrying'> | 'failed';

export interface OutcomesAwaited {
  readonly reader: Pick<LogReader, 'follow'>;
  readonly deadLetters: string;
  /** Where the dead-letter topic ended before anything of this was sent. */
  readonly from: ReadonlyMap<number, bigint>;
  /** By key; each is taken out when its outcome is known. */
  readonly pending: Map<string, LetterRow>;
  readonly signal: AbortSignal;
  /** @param code  with which it failed */
  readonly onOutcome: (row: LetterRow, outcome: Outcome, code: string | undefined) => void;
  readonly onProgress: () => void;
}

const PAUSE_MS = 1_000;

/**
 * @returns when nothing is pending, or aborted
 * @throws config.invalid  the topic was made again or cut: what was written there meanwhile is not known
 */
export async function awaitOutcomes(awaited: OutcomesAwaited): Promise<void> {
  const { reader, deadLetters, pending, signal, onOutcome } = awaited;
  /** Whose `retrying` of this run went by: what comes after it is its outcome. */
  const underWay = new Set<string>();
  let { from } = awaited;
  while (pending.size > 0 && !signal.aborted) {
    try {
      for await (const { records, positions } of reader.follow(deadLetters, { from, signal })) {
        from = new Map(positions);
        for (const record of records) {
          const key = record.key?.toString('utf8') ?? '';
          const row = pending.get(key);
          if (row === undefined) continue;
          const state = letterStateOf(record.headers);
          if (state === 'retrying') underWay.add(key);
          else if (underWay.has(key)) {
            pending.delete(key);
            const code = record.headers?.['dlq-code'];
            if (state === 'open') onOutcome(row, 'failed', code === undefined ? undefined : String(code));
            else onOutcome(row, state, undefined);
          }
        }
        awaited.onProgress();
        if (pending.size === 0) return;
      }
    } catch (error) {
      // Everything is sent: a cluster that is away for a moment only delays the news.
      if (!isTicketStreamError(error, 'kafka.unavailable')) throw error;
      if (error.context['type'] === 'OFFSET_OUT_OF_RANGE') {
        throw new TicketStreamError('config.invalid', `${deadLetters} was made again or cut`, {
          cause: error,
          remedy: 'All was sent; "ticket-stream dlq list --state all" shows the outcomes that the topic has.',
        });
      }
      await wait(PAUSE_MS, undefined, { signal }).catch(() => {});
    }
  }
}
