import { setTimeout as wait } from 'node:timers/promises';
import { asTicketStreamError } from '@ticket-stream/errors';
import type { Logger } from '@ticket-stream/kafka';

const PAUSE_MS_FIRST = 200;
const PAUSE_MS_MAX = 5_000;

/** A broker that is away is waited for, and said so once; what waiting cannot mend goes through. */
export async function waitForKafka<T>(
  options: {
    readonly logger: Logger;
    readonly signal: AbortSignal;
    readonly onWaiting: (reason: string | undefined) => void;
  },
  step: () => Promise<T>,
): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      const result = await step();
      options.onWaiting(undefined);
      return result;
    } catch (error) {
      const known = asTicketStreamError(error);
      if (known.disposition !== 'retry') throw known;
      if (attempt === 0) options.logger.warn({ err: known }, 'waiting for Kafka');
      options.onWaiting('Kafka');
      await wait(Math.min(PAUSE_MS_FIRST * 2 ** attempt, PAUSE_MS_MAX), undefined, {
        signal: options.signal,
      });
    }
  }
}
