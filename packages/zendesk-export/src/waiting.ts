import { setTimeout as delay } from 'node:timers/promises';

/** Time as this package sees it; passed in, so that tests need not wait. */
export interface Waiting {
  /** Milliseconds that only ever grow; compared with each other, never with a date. */
  nowMs(): number;
  /** @throws the signal's reason, as soon as it is aborted */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A timer of Node above 2^31 − 1 ms fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const realWaiting: Waiting = {
  nowMs: () => performance.now(),
  async wait(ms, signal) {
    const untilMs = performance.now() + ms;
    signal?.throwIfAborted();
    for (;;) {
      // Timers may fire a little early; who waits for a moment wants it to have come.
      const leftMs = Math.ceil(untilMs - performance.now());
      if (leftMs <= 0) return;
      try {
        await delay(Math.min(leftMs, TIMER_MS_MAX), undefined, signal === undefined ? undefined : { signal });
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      }
    }
  },
};
