/**
 * Asking a cluster while it moves. After a start, an election or the making of a topic, brokers answer for some seconds
 * that they are loading, or not (or no longer, or not yet) the ones to ask; kafkajs repeats that for its producers and
 * consumers, and not for single requests. Each step here looks for its broker anew.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { kafkaErrorType } from './kafka-errors.ts';

interface Moving {
  readonly passes: ReadonlySet<string>;
  readonly pauseMs: number;
  /** In well under this it is over, or the cluster has other troubles. */
  readonly patienceMs: number;
}

const coordinator: Moving = {
  passes: new Set(['GROUP_LOAD_IN_PROGRESS', 'GROUP_COORDINATOR_NOT_AVAILABLE', 'NOT_COORDINATOR_FOR_GROUP']),
  pauseMs: 200,
  patienceMs: 20_000,
};

const leader: Moving = {
  passes: new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE']),
  pauseMs: 100,
  // A stop waits for it.
  patienceMs: 3_000,
};

const newTopic: Moving = {
  passes: new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE', 'NOT_LEADER_FOR_PARTITION']),
  pauseMs: 50,
  patienceMs: 15_000,
};

/** For up to 20 s; other errors go through. @throws the AbortError of a signal that ends the waiting */
export const whileCoordinatorMoves = <T>(step: () => Promise<T>, signal?: AbortSignal) =>
  whileMoving(coordinator, step, signal);
/** Of partitions, for up to 3 s; other errors go through. */
export const whileLeadersMove = <T>(step: () => Promise<T>) => whileMoving(leader, step);
/** For up to 15 s after it was made; other errors go through. */
export const whileTopicIsNew = <T>(step: () => Promise<T>) => whileMoving(newTopic, step);

async function whileMoving<T>(
  { passes, pauseMs, patienceMs }: Moving,
  step: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!passes.has(kafkaErrorType(error) ?? '') || performance.now() > deadlineMs) throw error;
      await wait(pauseMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}
