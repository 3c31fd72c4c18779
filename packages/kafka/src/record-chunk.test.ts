import { createRequire } from 'node:module';
import { fc, test as fcTest } from '@fast-check/vitest';
import { encodeEventHeaders, ticketDigest } from '@ticket-stream/ticket';
import { describe, expect } from 'vitest';
import { keyPartitioner, type OutgoingRecord, RecordChunk, recordBytes } from './record-chunk.ts';

const encodeRecord = createRequire(import.meta.url)(
  'kafkajs/src/protocol/recordBatch/record/v0/index.js',
) as (record: object) => { size(): number };

const outgoing = fc
  .record({
    id: fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }).map(String),
    value: fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
    source: fc.integer({ min: 1, max: 300 }).map((length) => `https://${'a'.repeat(length)}`),
    stamp: fc.integer({ min: 1, max: 4_000_000_000 }),
    kind: fc.constantFrom('changed', 'deleted'),
  })
  .map(
    ({ id, value, ...event }): OutgoingRecord => ({
      partition: keyPartitioner(4)(id),
      key: id,
      value,
      headers: encodeEventHeaders({
        ...event,
        ticketId: id,
        digest: ticketDigest(value),
        logId: '00000000-0000-4000-8000-000000000000',
      }),
    }),
  );

describe('a record’s size', () => {
  fcTest.prop([outgoing, fc.integer({ min: 0, max: 512 })])(
    'is never below what kafkajs makes of it, with the longest trace headers too',
    (record, traceStateLength) => {
      const traceHeaders = {
        traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
        tracestate: 'c'.repeat(traceStateLength),
      };
      const encoded = encodeRecord({
        offsetDelta: 999,
        timestampDelta: 1_000,
        key: record.key,
        value: record.value,
        headers: { ...record.headers, ...traceHeaders },
      });
      expect(recordBytes(record)).toBeGreaterThanOrEqual(encoded.size());
    },
  );
});

describe('a chunk', () => {
  fcTest.prop([
    fc.array(outgoing, { minLength: 1, maxLength: 40 }),
    fc.record({
      partitionBytesMax: fc.integer({ min: 1_000, max: 20_000 }),
      chunkBytesMax: fc.integer({ min: 1_000, max: 40_000 }),
      recordsMax: fc.integer({ min: 1, max: 20 }),
    }),
  ])(
    'keeps every limit, and a record above one is alone in its batch; none is lost, all stay in order',
    (records, limits) => {
      const chunks: RecordChunk[] = [new RecordChunk(limits)];
      for (const record of records) {
        let chunk = chunks.at(-1) ?? new RecordChunk(limits);
        if (!chunk.fits(record)) {
          chunk = new RecordChunk(limits);
          chunks.push(chunk);
        }
        chunk.add(record);
      }
      expect(chunks.flatMap((chunk) => chunk.records)).toEqual(records);
      for (const chunk of chunks) {
        const sum = (of: readonly OutgoingRecord[]) =>
          of.reduce((bytes, each) => bytes + recordBytes(each), 0);
        expect(chunk.bytes).toBe(sum(chunk.records));
        if (chunk.records.length === 1) continue;
        expect(chunk.records.length).toBeLessThanOrEqual(limits.recordsMax);
        expect(chunk.bytes).toBeLessThanOrEqual(limits.chunkBytesMax);
        for (const ofOne of Map.groupBy(chunk.records, ({ partition }) => partition).values()) {
          if (ofOne.length > 1) expect(sum(ofOne)).toBeLessThanOrEqual(limits.partitionBytesMax);
        }
      }
    },
  );
});
