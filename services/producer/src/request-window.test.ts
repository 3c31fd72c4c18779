import { fc, it } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { createRequestWindow } from './request-window.ts';

describe('requests of the last minute', () => {
  it('are 10 at one every 6.03 s, minute after minute', () => {
    let nowMs = 500;
    const window = createRequestWindow(() => nowMs);
    for (let request = 0; request < 200; request++) {
      window.note();
      if (request >= 10) expect(window.lastMinute()).toBe(10);
      nowMs += 6_030;
    }
  });

  it('are none a minute later', () => {
    let nowMs = 0;
    const window = createRequestWindow(() => nowMs);
    window.note();
    nowMs = 59_999;
    expect(window.lastMinute()).toBe(1);
    nowMs = 60_000;
    expect(window.lastMinute()).toBe(0);
  });

  it('are forgotten after a pause of days, in no time', () => {
    let nowMs = 0;
    const window = createRequestWindow(() => nowMs);
    for (let request = 0; request < 100; request++) window.note();
    nowMs = 30 * 86_400_000;
    window.note();
    expect(window.lastMinute()).toBe(1);
  });

  it.prop([fc.array(fc.record({ afterMs: fc.nat(90_000), asks: fc.boolean() }), { maxLength: 200 })])(
    'are those of this second and the 59 before it',
    (steps) => {
      let nowMs = 0;
      const window = createRequestWindow(() => nowMs);
      const noted: number[] = [];
      for (const { afterMs, asks } of steps) {
        nowMs += afterMs;
        if (asks) {
          window.note();
          noted.push(Math.floor(nowMs / 1000));
        }
        const now = Math.floor(nowMs / 1000);
        expect(window.lastMinute()).toBe(noted.filter((second) => now - second < 60).length);
      }
    },
  );
});
