import { TicketStreamError } from '@ticket-stream/errors';
import { expect, it } from 'vitest';
import { keepCaughtUp } from './keep-caught-up.ts';

/** A store that refuses so often, with `error`. */
function stateThatRefuses(times: number, error = new TicketStreamError('sink.unavailable', 'disk full')) {
  const state = {
    hasCaughtUp: false,
    asked: [] as number[],
    async markCaughtUp(nowMs: number) {
      state.asked.push(nowMs);
      if (state.asked.length <= times) throw error;
      state.hasCaughtUp = true;
    },
  };
  return state;
}

function partsFor(state: ReturnType<typeof stateThatRefuses>) {
  const warnings: string[] = [];
  const stop = new AbortController();
  const logger = { warn: (_fields: object, message: string) => void warnings.push(message) };
  return { warnings, stop, parts: { state, logger, signal: stop.signal, pauseMs: 1 } };
}

it('asks a store that cannot take it now until it does, with the moment of the first time, and says so once', async () => {
  const state = stateThatRefuses(3);
  const { parts, warnings } = partsFor(state);
  await keepCaughtUp(parts);
  expect(state.hasCaughtUp).toBe(true);
  expect(state.asked).toHaveLength(4);
  expect(new Set(state.asked).size).toBe(1);
  expect(warnings).toHaveLength(1);
});

it('asks no store that has caught up before', async () => {
  const state = { ...stateThatRefuses(0), hasCaughtUp: true };
  await keepCaughtUp(partsFor(state).parts);
  expect(state.asked).toEqual([]);
});

it('ends with a stop', async () => {
  const { parts, stop } = partsFor(stateThatRefuses(Number.POSITIVE_INFINITY));
  const ended = keepCaughtUp({ ...parts, pauseMs: 3_600_000 });
  stop.abort();
  await ended;
});

it('fails where no wait would mend it', async () => {
  const damaged = new TicketStreamError('store.unusable', 'damaged');
  await expect(keepCaughtUp(partsFor(stateThatRefuses(1, damaged)).parts)).rejects.toBe(damaged);
});
