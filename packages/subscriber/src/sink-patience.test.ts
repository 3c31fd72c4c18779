import type { BatchControl } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { RetryLater } from './errors.ts';
import { sinkPatience } from './sink-patience.ts';
import { logRecord, ticket } from './testing/log-record.ts';
import { silentLogger } from './testing/tickets-log.ts';
import { createWaits } from './waits.ts';

const piece = { partition: 3, records: [logRecord(ticket(7, 100), 0)], nextOffset: 1n };

function patient() {
  const waits = createWaits(() => {});
  const pausesMs: number[] = [];
  const control: BatchControl = {
    heartbeat: async () => {},
    done: async () => {},
    postpone: (pauseMs) => pausesMs.push(pauseMs),
  };
  const sink = sinkPatience({
    group: 'tickets.mine',
    waits,
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  const work = (context: object) =>
    sink.untilDone(piece, control, () =>
      Promise.reject(new RetryLater('not now', { context: { ...context } })),
    );
  return { waits, pausesMs, control, sink, work };
}

describe('a sink that refuses what is of one partition', () => {
  it.each([{ partition: 3 }, { ticketId: '7' }])(
    '%o: its partition waits, longer each time',
    async (context) => {
      const { waits, pausesMs, work, sink, control } = patient();
      for (let attempt = 0; attempt < 3; attempt++) expect(await work(context)).toBe('later');
      expect(waits.current()).toBe('partition 3 (sink.unavailable)');
      pausesMs.forEach((pauseMs, attempt) => {
        expect(pauseMs).toBeGreaterThanOrEqual(50 * 2 ** attempt);
        expect(pauseMs).toBeLessThanOrEqual(100 * 2 ** attempt);
      });
      expect(await sink.untilDone(piece, control, async () => 'done')).toBe('done');
      expect(waits.current()).toBeUndefined();
    },
  );

  it('as a whole is waited for no longer either, once whoever has the partitions now does', async () => {
    const { waits, work, sink, control } = patient();
    control.heartbeat = () => Promise.reject(new Error('the group rebalances'));
    await expect(work({})).rejects.toThrow('rebalances');
    expect(waits.current()).toBe('the sink (sink.unavailable)');
    sink.forget();
    expect(waits.current()).toBeUndefined();
  });

  it('is waited for no longer when partitions are assigned anew, and begins with the shortest pause', async () => {
    const { waits, pausesMs, work, sink } = patient();
    for (let attempt = 0; attempt < 5; attempt++) await work({ partition: 3 });
    sink.forget();
    expect(waits.current()).toBeUndefined();
    await work({ partition: 3 });
    expect(pausesMs.at(-1)).toBeLessThanOrEqual(100);
    expect(pausesMs.at(-2)).toBeGreaterThan(100);
  });
});
