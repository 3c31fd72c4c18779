import type { BackfillProgress, WaitCause } from '@ticket-stream/service-kit';

/** Books of the time in which no page is asked for, by cause; for progress, metrics and readiness. */
export interface ExportWaits {
  /**
   * The time of `work` counts as waiting for `cause`. Inside another wait, the inner one counts.
   * @param knownMs  how long it will be, where that is known
   */
  during<T>(cause: WaitCause, work: () => Promise<T>, knownMs?: number): Promise<T>;
  /** All there were since the start, the one of this moment included. */
  seconds(): Readonly<Record<WaitCause, number>>;
  current(): BackfillProgress['waiting'];
}

interface Wait {
  readonly cause: WaitCause;
  readonly sinceMs: number;
  readonly untilMs: number | undefined;
}

/** @param nowMs  only ever grows */
export function createExportWaits(nowMs: () => number): ExportWaits {
  const sums: Record<WaitCause, number> = { pace: 0, rate_limit: 0, zendesk: 0, kafka: 0 };
  let current: Wait | undefined;
  let countedMs = nowMs();

  /** Adds the time since it was last called to the wait of this moment. */
  function count(): void {
    const now = nowMs();
    if (current !== undefined) sums[current.cause] += Math.max(0, now - countedMs) / 1000;
    countedMs = now;
  }

  return {
    async during(cause, work, knownMs) {
      const outer = current;
      count();
      const sinceMs = nowMs();
      current = { cause, sinceMs, untilMs: knownMs === undefined ? undefined : sinceMs + knownMs };
      try {
        return await work();
      } finally {
        count();
        current = outer;
      }
    },
    seconds() {
      count();
      return {
        pace: tenths(sums.pace),
        rate_limit: tenths(sums.rate_limit),
        zendesk: tenths(sums.zendesk),
        kafka: tenths(sums.kafka),
      };
    },
    current() {
      if (current === undefined) return undefined;
      const { cause, sinceMs, untilMs } = current;
      const now = nowMs();
      return {
        cause,
        forSeconds: tenths(Math.max(0, now - sinceMs) / 1000),
        leftSeconds: untilMs === undefined ? undefined : tenths(Math.max(0, untilMs - now) / 1000),
      };
    },
  };
}

/** People and logs read these numbers; thirteen decimals would say nothing. */
export function tenths(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
