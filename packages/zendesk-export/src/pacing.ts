import { realWaiting, type Waiting } from './waiting.ts';

/**
 * Spends the allowed requests a minute evenly, so that we are never the cause of a 429: no header of Zendesk shows
 * the export's own limit, and a burst that is allowed now is refused when another minute's burst falls into the same
 * sixty seconds.
 *
 * One request every 60 s / n × 1.005, the first at once. The half percent is the room for late timers: a turn that
 * comes late by less does not push the next ones back, so 99.5 % of the allowance are used, and two requests are
 * never closer than 60 s / n. A turn nobody took (a page that took longer) is not made up for.
 */
export interface Pacer {
  /**
   * Resolves when the next request may be made, and takes that turn.
   * @throws the signal's reason when aborted first; the turn stays free
   */
  turn(signal?: AbortSignal): Promise<void>;
  /** No turn within the next `ms`: what a 429 asks for. A later moment that was asked for before stands. */
  holdOff(ms: number): void;
  /** Milliseconds until the next turn; 0 when it may be taken now. */
  msToNextTurn(): number;
  /** Milliseconds between two turns. */
  readonly spacingMs: number;
}

/** Of the time between two turns. */
const MARGIN = 0.005;

export function createPacer(options: {
  readonly requestsPerMinute: number;
  readonly waiting?: Waiting;
}): Pacer {
  const waiting = options.waiting ?? realWaiting;
  const allowedMs = 60_000 / options.requestsPerMinute;
  const marginMs = allowedMs * MARGIN;
  const spacingMs = allowedMs + marginMs;
  let nextMs = Number.NEGATIVE_INFINITY;

  const msToNextTurn = (): number => Math.max(0, nextMs - waiting.nowMs());
  return {
    spacingMs,
    msToNextTurn,
    holdOff(ms) {
      nextMs = Math.max(nextMs, waiting.nowMs() + ms);
    },
    async turn(signal) {
      signal?.throwIfAborted();
      // Again after the wait: a 429 may have come meanwhile, or another caller taken the turn.
      for (let ms = msToNextTurn(); ms > 0; ms = msToNextTurn()) await waiting.wait(ms, signal);
      const nowMs = waiting.nowMs();
      const isFirst = nextMs === Number.NEGATIVE_INFINITY;
      nextMs = (isFirst ? nowMs : Math.max(nextMs, nowMs - marginMs)) + spacingMs;
    },
  };
}
