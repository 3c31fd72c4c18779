import { setTimeout as wait } from 'node:timers/promises';
import type { AlertState } from '@ticket-stream/alerting';
import { isTicketStreamError } from '@ticket-stream/errors';

const PAUSE_MS = 1_000;

/**
 * Marks the store as caught up, once in its life. A store that cannot take it now (a full disk) is asked again until it
 * does or the service stops: reading goes on beside that, and whatever it cannot store is waited for as well.
 */
export async function keepCaughtUp(parts: {
  readonly state: Pick<AlertState, 'hasCaughtUp' | 'markCaughtUp'>;
  readonly logger: { warn(fields: object, message: string): void };
  readonly signal: AbortSignal;
  readonly pauseMs?: number;
}): Promise<void> {
  const { state, logger, signal, pauseMs = PAUSE_MS } = parts;
  if (state.hasCaughtUp) return;
  const nowMs = Date.now();
  for (let attempt = 0; ; attempt++) {
    try {
      await state.markCaughtUp(nowMs);
      return;
    } catch (error) {
      if (!isTicketStreamError(error, 'sink.unavailable')) throw error;
      if (attempt === 0) logger.warn({ err: error }, 'that it has caught up cannot be stored yet');
    }
    try {
      await wait(pauseMs, undefined, { signal });
    } catch {
      // Stopped; the next start catches up again.
      return;
    }
  }
}
