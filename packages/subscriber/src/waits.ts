import { setTimeout as wait } from 'node:timers/promises';
import { asTicketStreamError } from '@ticket-stream/errors';
import type { Logger } from '@ticket-stream/kafka';

const PAUSE_MS_FIRST = 100;
const PAUSE_MS_MAX = 5_000;

/**
 * How long to wait before the next try: 100 ms doubled with each, at most 5 s, of which one half is random, so that
 * members that failed together do not come back together.
 * @param attempt  0 after the first failure
 */
export function retryPauseMs(attempt: number, random: () => number = Math.random): number {
  const pauseMs = Math.min(PAUSE_MS_FIRST * 2 ** attempt, PAUSE_MS_MAX);
  return pauseMs * (0.5 + random() / 2);
}

/** What a subscription waits for, several things at once included: a partition's sink here, the topic there. */
export interface Waits {
  /** undefined: for this no longer. Each call announces what is waited for now. */
  set(who: string, reason: string | undefined): void;
  /** The newest reason; undefined while nothing is waited for. */
  current(): string | undefined;
}

export function createWaits(announce: (reason: string | undefined) => void): Waits {
  const reasons = new Map<string, string>();
  const current = () => [...reasons.values()].at(-1);
  return {
    set(who, reason) {
      const waited = reasons.delete(who);
      if (reason !== undefined) reasons.set(who, reason);
      else if (!waited) return;
      announce(current());
    },
    current,
  };
}

/**
 * Repeats until it works; waits are announced. Errors that waiting cannot mend go through.
 * @throws the signal's reason  where that ends it
 */
export async function patiently<T>(
  doing: string,
  step: () => Promise<T>,
  { waits, logger, signal }: { readonly waits: Waits; readonly logger: Logger; readonly signal: AbortSignal },
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      const result = await step();
      waits.set(doing, undefined);
      return result;
    } catch (error) {
      const known = asTicketStreamError(error);
      if (known.disposition !== 'retry') throw known;
      if (attempt === 0) logger.warn({ err: known }, `${doing}: waiting`);
      waits.set(doing, `${doing} (${known.code})`);
      await wait(retryPauseMs(attempt), undefined, { signal }).catch(() => {});
    }
  }
}
