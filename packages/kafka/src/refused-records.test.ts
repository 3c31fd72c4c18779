import { fc, test as fcTest } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type OutgoingRecord, recordBytes } from './record-chunk.ts';
import { findRefused } from './refused-records.ts';

const record = (key: string, partition: number, bytes: number): OutgoingRecord => ({
  key,
  partition,
  value: Buffer.alloc(bytes),
  headers: {},
});

/** A broker that takes a batch of at most this many bytes. */
function brokerOf(limitBytes: number, type = 'MESSAGE_TOO_LARGE') {
  const taken: string[][] = [];
  return {
    taken,
    send: async (batch: readonly OutgoingRecord[]) => {
      if (batch.reduce((sum, each) => sum + recordBytes(each), 0) > limitBytes)
        throw Object.assign(new Error(type), { type });
      taken.push(batch.map(({ key }) => key));
    },
  };
}

describe('finding what a broker refuses', () => {
  fcTest.prop([
    fc.array(fc.record({ partition: fc.nat(3), bytes: fc.nat(5_000) }), { minLength: 1, maxLength: 60 }),
    fc.integer({ min: 700, max: 20_000 }),
  ])(
    'finds exactly the records that are too large alone, in batches of one partition',
    async (sizes, limit) => {
      const records = sizes.map(({ partition, bytes }, n) => record(String(n), partition, bytes));
      const broker = brokerOf(limit);
      const found = await findRefused(records, broker.send);
      const alone = records.filter((each) => recordBytes(each) > limit).map(({ key }) => key);
      expect(new Set(found.records.map(({ key }) => key))).toEqual(new Set(alone));
      // Everything else was seen to be taken, and no batch mixed partitions.
      expect(new Set([...alone, ...broker.taken.flat()])).toEqual(new Set(records.map(({ key }) => key)));
      for (const keys of broker.taken) {
        expect(new Set(keys.map((key) => records[Number(key)]?.partition)).size).toBe(1);
      }
    },
  );

  it('lowers what a batch may hold when only the sum was too large', async () => {
    const records = Array.from({ length: 8 }, (_, n) => record(String(n), 0, 1_000));
    const bytes = records.reduce((sum, each) => sum + recordBytes(each), 0);
    const found = await findRefused(records, brokerOf(bytes / 3).send);
    expect(found).toEqual({ records: [], partitionBytesMax: bytes / 4 });
    expect((await findRefused(records, brokerOf(bytes).send)).partitionBytesMax).toBeUndefined();
  });

  it('passes every other failure on', async () => {
    const send = brokerOf(10, 'INVALID_PRODUCER_EPOCH').send;
    await expect(findRefused([record('1', 0, 100)], send)).rejects.toThrow('INVALID_PRODUCER_EPOCH');
  });
});
