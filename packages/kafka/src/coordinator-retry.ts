/**
 * Asking a group's coordinator while it moves. After a start of the cluster or a change of leaders it answers for some
 * seconds that it is loading, or is another broker now; kafkajs repeats that for consumers and not for single requests.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { kafkaErrorType } from './kafka-errors.ts';

const PASSES = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
]);
const PAUSE_MS = 200;
/** A coordinator loads a partition of offsets in well under this, or the cluster has other troubles. */
const PATIENCE_MS = 20_000;

/** Repeats a step that looks for the coordinator by itself, for up to 20 s; other errors go through. */
export async function whileCoordinatorMoves<T>(step: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!PASSES.has(kafkaErrorType(error) ?? '') || performance.now() > deadlineMs) throw error;
      await wait(PAUSE_MS);
    }
  }
}
