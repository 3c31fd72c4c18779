import { describe, expect, it } from 'vitest';
import { createExportWaits } from './export-waits.ts';

function setup() {
  let nowMs = 1_000;
  const waits = createExportWaits(() => nowMs);
  const passes = (ms: number) => async (): Promise<void> => {
    nowMs += ms;
  };
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { waits, passes, pass };
}

describe('the books of the waits', () => {
  it('add up by cause, and count nothing between two waits', async () => {
    const { waits, passes, pass } = setup();
    await waits.during('pace', passes(6_000));
    pass(500);
    await waits.during('rate_limit', passes(93_000));
    pass(500);
    await waits.during('pace', passes(1_000));
    expect(waits.seconds()).toEqual({ pace: 7, rate_limit: 93, zendesk: 0, kafka: 0 });
    expect(waits.current()).toBeUndefined();
  });

  it('tell of the wait of this moment, and count it already', async () => {
    const { waits, pass } = setup();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = waits.during('rate_limit', () => promise, 93_000);
    pass(10_000);
    expect(waits.current()).toEqual({ cause: 'rate_limit', forSeconds: 10, leftSeconds: 83 });
    expect(waits.seconds().rate_limit).toBe(10);
    pass(90_000);
    expect(waits.current()).toMatchObject({ leftSeconds: 0 });
    resolve();
    await waiting;
    expect(waits.seconds().rate_limit).toBe(100);
  });

  it('hold when the wait is aborted', async () => {
    const { waits, pass } = setup();
    const aborted = waits.during('kafka', async () => {
      pass(2_000);
      throw new DOMException('stopped', 'AbortError');
    });
    await expect(aborted).rejects.toThrow('stopped');
    pass(5_000);
    expect(waits.seconds().kafka).toBe(2);
    expect(waits.current()).toBeUndefined();
  });

  it('count a second only once where one wait lies in another', async () => {
    const { waits, passes, pass } = setup();
    await waits.during('zendesk', async () => {
      pass(1_000);
      await waits.during('kafka', passes(2_000));
      pass(4_000);
    });
    expect(waits.seconds()).toEqual({ pace: 0, rate_limit: 0, zendesk: 5, kafka: 2 });
  });
});
