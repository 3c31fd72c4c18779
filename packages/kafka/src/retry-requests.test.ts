import { describe, expect, it } from 'vitest';
import type { LogReader } from './log-reader.ts';
import { readRetryRequests } from './retry-requests.ts';

/** A topic that still has the offsets from `start` up to `end`. */
function topicOf(start: number, end: number): LogReader {
  const reader: Partial<LogReader> = {
    startOffsets: async () => new Map([[0, BigInt(start)]]),
    stableEndOffsets: async () => new Map([[0, BigInt(end)]]),
    async *read(_topic, { from, to }) {
      const records = [];
      for (let offset = from.get(0) ?? 0n; offset < (to.get(0) ?? 0n); offset++) {
        const headers = { 'retry-letter': Buffer.from('letter') };
        records.push({ offset, key: Buffer.from('7'), value: null, headers, partition: 0, publishedAtMs: 0 });
      }
      if (records.length > 0) yield records;
    },
  };
  return reader as LogReader;
}

describe('requests for tickets are read', () => {
  it.each([
    ['from the beginning, where none was done', undefined, 3, 5, 3n],
    ['from where they go on', 4n, 3, 5, 4n],
    ['from what is left of them', 2n, 3, 5, 3n],
    ['not again, where all are done', 5n, 3, 5, undefined],
    ['from the beginning of a topic that was made anew', 57n, 0, 2, 0n],
  ] as const)('%s', async (_name, from, start, end, first) => {
    const requests = await readRetryRequests(topicOf(start, end), 'tickets.retry.producer', from);
    expect(requests[0]?.offset).toBe(first);
  });
});
