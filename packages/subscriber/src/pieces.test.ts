import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import { halves, piecesOf } from './pieces.ts';

const batchOf = (sizes: readonly number[]) => ({
  partition: 3,
  records: sizes.map((size, offset) => ({
    partition: 3,
    offset: BigInt(offset * 2),
    publishedAtMs: 0,
    key: Buffer.from('1'),
    value: size === 0 ? null : Buffer.alloc(size),
    headers: {},
  })),
  nextOffset: BigInt(sizes.length * 2 + 5),
});

describe('the pieces of a batch', () => {
  test.prop([
    fc.array(fc.nat(50), { minLength: 1, maxLength: 40 }),
    fc.integer({ min: 1, max: 7 }),
    fc.integer({ min: 1, max: 60 }),
  ])(
    'hold every record once and in order, keep to the limits, and are as large as they allow',
    (sizes, records, bytes) => {
      const batch = batchOf(sizes);
      const pieces = piecesOf(batch, { records, bytes });
      expect(pieces.flatMap((piece) => piece.records)).toEqual(batch.records);
      const sizeOf = (piece: (typeof pieces)[number]) =>
        piece.records.reduce((sum, { value }) => sum + (value?.byteLength ?? 0), 0);
      pieces.forEach((piece, index) => {
        expect(piece.records.length).toBeGreaterThan(0);
        expect(piece.records.length).toBeLessThanOrEqual(records);
        if (piece.records.length > 1) expect(sizeOf(piece)).toBeLessThanOrEqual(bytes);
        const next = pieces[index + 1]?.records[0];
        expect(piece.nextOffset).toBe(next?.offset ?? batch.nextOffset);
        if (next === undefined) return;
        const full =
          piece.records.length === records || sizeOf(piece) + (next.value?.byteLength ?? 0) > bytes;
        expect(full).toBe(true);
      });
    },
  );

  test.prop([fc.array(fc.nat(5), { minLength: 2, maxLength: 20 })])(
    'are halved without a loss, each half ending where the next begins',
    (sizes) => {
      const batch = batchOf(sizes);
      const [first, second] = halves(batch);
      expect([...(first?.records ?? []), ...(second?.records ?? [])]).toEqual(batch.records);
      expect(first?.records.length).toBeGreaterThan(0);
      expect(second?.records.length).toBeGreaterThan(0);
      expect(first?.nextOffset).toBe(second?.records[0]?.offset);
      expect(second?.nextOffset).toBe(batch.nextOffset);
    },
  );
});
