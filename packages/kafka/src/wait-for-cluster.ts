import { setTimeout as wait } from 'node:timers/promises';
import type { Logger } from './kafka-connection.ts';
import { asKafkaError } from './kafka-errors.ts';

const PAUSE_MS_FIRST = 200;
const PAUSE_MS_MAX = 5_000;

export interface Waiting {
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told the reason at every pause, and undefined when it goes on. */
  readonly onWaiting?: ((reason: string | undefined) => void) | undefined;
}

/**
 * Repeats a step until the cluster lets it through; every pause is announced and can be aborted.
 * @throws what waiting cannot mend, as one of our errors; the signal's reason
 */
export async function insist<T>(waiting: Waiting, doing: string, step: () => Promise<T>): Promise<T> {
  const { logger, signal, onWaiting } = waiting;
  const logged = new Set<string>();
  for (let attempt = 0; ; attempt++) {
    signal.throwIfAborted();
    try {
      const result = await step();
      if (attempt > 0) onWaiting?.(undefined);
      return result;
    } catch (error) {
      const known = asKafkaError(error, doing);
      if (known.disposition !== 'retry') throw known;
      if (!logged.has(known.message)) logger.warn({ err: known }, `${doing}: waiting for Kafka`);
      logged.add(known.message);
      onWaiting?.(`Kafka (${doing})`);
      await wait(Math.min(PAUSE_MS_FIRST * 2 ** attempt, PAUSE_MS_MAX), undefined, { signal });
    }
  }
}
