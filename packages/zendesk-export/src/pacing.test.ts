import { describe, expect, it } from 'vitest';
import { createPacer } from './pacing.ts';
import { realWaiting, type Waiting } from './waiting.ts';

/** Time that passes only when somebody waits; each wait ends late by `lateMs`. */
function simulated(lateMs = 0): Waiting & { nowMs(): number; pass(ms: number): void } {
  let nowMs = 1_000;
  return {
    nowMs: () => nowMs,
    pass(ms) {
      nowMs += ms;
    },
    async wait(ms, signal) {
      signal?.throwIfAborted();
      nowMs += ms + lateMs;
    },
  };
}

async function turns(requestsPerMinute: number, count: number, lateMs: number): Promise<number[]> {
  const waiting = simulated(lateMs);
  const pacer = createPacer({ requestsPerMinute, waiting });
  const at: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    await pacer.turn();
    at.push(waiting.nowMs());
  }
  return at;
}

function gaps(at: readonly number[]): number[] {
  return at.slice(1).map((ms, index) => ms - (at[index] ?? 0));
}

describe('the pace', () => {
  it('gives the first turn at once and the next ones evenly', async () => {
    expect(await turns(10, 4, 0)).toEqual([1_000, 7_030, 13_060, 19_090]);
  });

  it.each([
    [10, 5],
    [600, 0.4],
    [30, 9],
  ])(
    'at %i a minute with timers %f ms late, uses 99 %% of the allowance and is never above it',
    async (n, lateMs) => {
      const at = await turns(n, 2_001, lateMs);
      const spent = (at.at(-1) ?? 0) - 1_000;
      expect(2_000 / (spent / 60_000) / n).toBeGreaterThanOrEqual(0.99);
      expect(Math.min(...gaps(at))).toBeGreaterThanOrEqual(60_000 / n - 1e-6);
    },
  );

  it('is never above the allowance when timers are late beyond its room', async () => {
    expect(Math.min(...gaps(await turns(10, 200, 500)))).toBeGreaterThanOrEqual(6_000);
  });

  it('does not make up for turns that nobody took', async () => {
    const waiting = simulated();
    const pacer = createPacer({ requestsPerMinute: 10, waiting });
    await pacer.turn();
    waiting.pass(600_000);
    const at: number[] = [];
    for (let turn = 0; turn < 3; turn++) {
      await pacer.turn();
      at.push(waiting.nowMs());
    }
    expect(at[0]).toBe(601_000);
    expect(Math.min(...gaps(at))).toBeGreaterThanOrEqual(6_000);
  });

  it('holds off as long as a 429 asks, and not less than the pace', async () => {
    const waiting = simulated();
    const pacer = createPacer({ requestsPerMinute: 10, waiting });
    await pacer.turn();
    pacer.holdOff(93_000);
    pacer.holdOff(0);
    expect(pacer.msToNextTurn()).toBe(93_000);
    await pacer.turn();
    expect(waiting.nowMs()).toBe(94_000);
    pacer.holdOff(0);
    expect(pacer.msToNextTurn()).toBeCloseTo(pacer.spacingMs, 6);
  });

  it('aborted while it waits, throws the reason and keeps the turn', async () => {
    const pacer = createPacer({ requestsPerMinute: 1 });
    await pacer.turn();
    const stop = new AbortController();
    const turn = pacer.turn(stop.signal);
    stop.abort(new Error('stopping'));
    await expect(turn).rejects.toThrow('stopping');
    expect(pacer.msToNextTurn()).toBeLessThanOrEqual(pacer.spacingMs);
    await expect(pacer.turn(stop.signal)).rejects.toThrow('stopping');
  });
});

describe('real waiting', () => {
  it('never ends early', async () => {
    for (const ms of [0, 0.4, 1.5, 7.3]) {
      const startMs = realWaiting.nowMs();
      await realWaiting.wait(ms);
      expect(realWaiting.nowMs() - startMs).toBeGreaterThanOrEqual(ms);
    }
  });

  it('does not take a month for nothing: a wait longer than a timer can hold does wait', async () => {
    const stop = new AbortController();
    let ended = false;
    const waiting = realWaiting.wait(2 ** 31 + 5_000, stop.signal).then(
      () => {
        ended = true;
      },
      (reason: unknown) => reason,
    );
    await realWaiting.wait(20);
    expect(ended).toBe(false);
    stop.abort(new Error('enough'));
    expect(await waiting).toEqual(new Error('enough'));
  });
});
