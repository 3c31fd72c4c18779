import { describe, expect, it } from 'vitest';
import { watchProgress } from './health.ts';

const at = (...offsets: bigint[]) => new Map(offsets.map((offset, partition) => [partition, offset]));

function watched() {
  let now = 0;
  const watch = watchProgress('tickets', () => now);
  return {
    ...watch,
    pass(seconds: number) {
      now += seconds * 1000;
    },
  };
}

describe('the health of a subscription', () => {
  it('is good for a minute after each move below the end', () => {
    const { saw, health, pass } = watched();
    saw(at(3n, 5n), at(9n, 5n));
    pass(60);
    expect(health(undefined)).toEqual({ ok: true, stuck: false });
    saw(at(4n, 5n), at(9n, 5n));
    pass(60);
    expect(health(undefined).ok).toBe(true);
  });

  it('is bad when nothing moves below the end, and says where', () => {
    const { saw, health, pass } = watched();
    saw(at(5n, 3n), at(5n, 9n));
    saw(at(5n, 3n), at(5n, 9n));
    pass(61);
    saw(at(5n, 3n), at(5n, 9n));
    expect(health(undefined)).toEqual({
      ok: false,
      stuck: true,
      reason: 'no progress for 61 s: standing at tickets-1, offset 3 of 9',
    });
  });

  it('is bad, and says where, when it moved below the end and nothing was heard of it since', () => {
    const { saw, health, pass } = watched();
    saw(at(2n), at(9n));
    saw(at(3n), at(9n));
    pass(61);
    expect(health(undefined)).toEqual({
      ok: false,
      stuck: true,
      reason: 'no progress for 61 s: standing at tickets-0, offset 3 of 9',
    });
  });

  it('is good at the end of the log, however long nothing comes', () => {
    const { saw, health, pass } = watched();
    for (let minutes = 0; minutes < 10; minutes++) {
      saw(at(5n), at(5n));
      pass(60);
    }
    expect(health(undefined).ok).toBe(true);
  });

  it('is bad, but nothing that a new start mends, while something is waited for longer than a minute', () => {
    const { health, pass } = watched();
    pass(61);
    expect(health('the sink (sink.unavailable)')).toEqual({
      ok: false,
      stuck: false,
      reason: 'no progress for 61 s: waiting for the sink (sink.unavailable)',
    });
  });

  it('is bad when the end of the log can no longer be asked for', () => {
    const { saw, health, pass } = watched();
    saw(at(5n), at(5n));
    pass(61);
    expect(health('Kafka (kafka.unavailable)').ok).toBe(false);
  });

  it('is bad without a partition, and good for a member too many, which stands by', () => {
    const { saw, health, pass } = watched();
    saw(at(), at(5n));
    pass(61);
    expect(health(undefined)).toMatchObject({ ok: false, stuck: false });
    expect(health(undefined, true).ok).toBe(true);
  });
});
