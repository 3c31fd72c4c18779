/**
 * The export's own limit: so many requests in any 60 seconds. A window that slides is the strictest reading of "per
 * minute": a client that passes here passes fixed minutes too.
 */
export class RequestLimit {
  private readonly perMinute: number;
  private readonly nowMs: () => number;
  /** Times of the requests let through in the last minute, oldest first. */
  private readonly times: number[] = [];

  /** @param nowMs  a clock that never goes back; real time, also where the simulator's clock stands still */
  constructor(perMinute: number, nowMs: () => number) {
    this.perMinute = perMinute;
    this.nowMs = nowMs;
  }

  /** @returns undefined when the request may go on; otherwise after how many whole seconds the next one may */
  take(): number | undefined {
    if (this.perMinute === Number.POSITIVE_INFINITY) return undefined;
    const now = this.nowMs();
    while (this.times.length > 0 && (this.times[0] ?? 0) <= now - 60_000) this.times.shift();
    if (this.times.length >= this.perMinute)
      return Math.max(1, Math.ceil(((this.times[0] ?? now) + 60_000 - now) / 1000));
    this.times.push(now);
    return undefined;
  }
}
