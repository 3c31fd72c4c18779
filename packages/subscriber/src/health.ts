/**
 * Health is progress: a subscription is well while its position moves or there is nothing more to read, whatever its
 * process, its connections and its threads may do.
 */
import { lagBetween, type Positions } from './reading-goals.ts';

export interface SubscriptionHealth {
  readonly ok: boolean;
  /** Why not, for a person. */
  readonly reason?: string;
  /** Standing still without anything that it could wait for: only a new start may help. */
  readonly stuck: boolean;
}

/** Kafka's own patience with a rebalance is 30 s, and a stalled membership ends after as long. */
const STANDSTILL_MS = 60_000;

export interface ProgressWatch {
  /** Tells where reading is and where the log ends now, as far as that is known. */
  saw(positions: Positions, ends: Positions | undefined): void;
  /**
   * @param waitingFor  undefined while nothing is waited for
   * @param isSpare     in the group, and there is no partition for it: it stands by
   */
  health(waitingFor: string | undefined, isSpare?: boolean): SubscriptionHealth;
}

export function watchProgress(topic: string, nowMs: () => number = () => performance.now()): ProgressWatch {
  let movedAtMs = nowMs();
  let at: Positions = new Map();
  let endsAt: Positions = new Map();

  function standing(): string | undefined {
    const below = [...at].find(([partition, position]) => position < (endsAt.get(partition) ?? 0n));
    if (below === undefined) return undefined;
    const [partition, position] = below;
    return `${topic}-${partition}, offset ${position} of ${endsAt.get(partition)}`;
  }

  return {
    saw(positions, ends) {
      const moved = [...positions].some(([partition, position]) => at.get(partition) !== position);
      const isAtEnd = ends !== undefined && positions.size > 0 && lagBetween(positions, ends) === 0;
      if (moved || isAtEnd) movedAtMs = nowMs();
      at = new Map(positions);
      endsAt = ends ?? new Map();
    },
    health(waitingFor, isSpare = false) {
      const stillMs = nowMs() - movedAtMs;
      if (isSpare || stillMs <= STANDSTILL_MS) return { ok: true, stuck: false };
      const seconds = Math.floor(stillMs / 1000);
      if (waitingFor !== undefined) {
        return { ok: false, stuck: false, reason: `no progress for ${seconds} s: waiting for ${waitingFor}` };
      }
      const behind = standing();
      const where = behind === undefined ? 'no partition is read' : `standing at ${behind}`;
      return { ok: false, stuck: behind !== undefined, reason: `no progress for ${seconds} s: ${where}` };
    },
  };
}
