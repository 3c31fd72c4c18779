/** The simulator's time. Its second decides what has happened, what is still left out, and the header `Date`. */
export interface SimulatorClock {
  /** Epoch milliseconds. Going backwards is harmless: the simulator's present never does. */
  nowMs(): number;
  /** Only a clock that stands still can be moved on by hand. */
  advance?(seconds: number): void;
}

export function realClock(): SimulatorClock {
  return { nowMs: () => Date.now() };
}

/** Stands still at a second, until it is moved on. */
export function frozenClock(epochSecond: number): SimulatorClock & { advance(seconds: number): void } {
  let second = epochSecond;
  return {
    nowMs: () => second * 1000,
    advance(seconds) {
      second += seconds;
    },
  };
}

/** Runs `factor` times as fast as the real one from this call on. */
export function scaledClock(factor: number, fromMs: number = Date.now()): SimulatorClock {
  const startedMs = performance.now();
  return { nowMs: () => fromMs + (performance.now() - startedMs) * factor };
}
