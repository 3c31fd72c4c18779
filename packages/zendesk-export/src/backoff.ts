/**
 * Waits between attempts at something that fails: from `firstMs`, doubled each time up to `maxMs`, each anywhere
 * between half and the whole of it, so that producers that lost the same server do not come back in step.
 */
export interface Backoff {
  /** Milliseconds to wait before the next attempt. */
  nextMs(): number;
  /** After a success. */
  reset(): void;
}

export function createBackoff(options: {
  readonly firstMs: number;
  readonly maxMs: number;
  /** 0 ≤ x < 1 */
  readonly random?: () => number;
}): Backoff {
  const random = options.random ?? Math.random;
  let wholeMs = options.firstMs;
  return {
    nextMs() {
      const ms = Math.round((wholeMs / 2) * (1 + random()));
      wholeMs = Math.min(options.maxMs, wholeMs * 2);
      return ms;
    },
    reset() {
      wholeMs = options.firstMs;
    },
  };
}
