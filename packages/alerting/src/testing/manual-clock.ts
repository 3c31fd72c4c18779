/** A clock that stands still until it is told otherwise, and the timers that hang on it. */
export interface ManualClock {
  readonly nowMs: () => number;
  readonly after: (delayMs: number, callback: () => void) => () => void;
  /** When the next timer is due, epoch milliseconds. */
  nextTimerAtMs(): number | undefined;
  /** Moves on, and runs what falls due in its order. */
  advance(byMs: number): void;
}

export function manualClock(startMs: number): ManualClock {
  let now = startMs;
  const timers = new Set<{ readonly atMs: number; readonly callback: () => void }>();
  const next = () => [...timers].toSorted((a, b) => a.atMs - b.atMs)[0];
  return {
    nowMs: () => now,
    after(delayMs, callback) {
      const timer = { atMs: now + delayMs, callback };
      timers.add(timer);
      return () => timers.delete(timer);
    },
    nextTimerAtMs: () => next()?.atMs,
    advance(byMs) {
      const until = now + byMs;
      for (let timer = next(); timer !== undefined && timer.atMs <= until; timer = next()) {
        timers.delete(timer);
        now = Math.max(now, timer.atMs);
        timer.callback();
      }
      now = until;
    },
  };
}
