import { createRequire } from 'node:module';
import { fc, test as fcTest } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';

// patches/kafkajs+2.2.4.patch: as published, a record was put together from a zeroed buffer of 512 bytes for each of
// its headers and one that doubles for its value. 20,000 tickets of 4 KB with 12 headers took 2.65 s of processor on
// the whole way, and 1.9 s since.
const require = createRequire(import.meta.url);

interface Encoder {
  readonly buffer: Buffer;
  readonly buf: Buffer;
  writeVarInt(value: number): Encoder;
}
interface DecodedRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer | Buffer[]>;
}
const prepareRecord = require('kafkajs/src/protocol/recordBatch/record/v0/index.js') as (record: object) => {
  size(): number;
  writeTo(encoder: Encoder): void;
};
const decodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js') as (
  decoder: object,
  batch: object,
) => DecodedRecord;
const EncoderClass = require('kafkajs/src/protocol/encoder.js') as {
  new (): Encoder;
  ofSize(bytes: number): Encoder;
};
const DecoderClass = require('kafkajs/src/protocol/decoder.js') as new (
  bytes: Buffer,
) => { readVarInt(): number };

const bytes = fc.uint8Array({ maxLength: 20_000 }).map((array) => Buffer.from(array));
const headerValue = fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), bytes);

/** As a batch does it: into a buffer of the records' size and the 5 bytes that a number asks for. */
function encodeRecord(fields: object): Encoder {
  const record = prepareRecord(fields);
  const encoder = EncoderClass.ofSize(record.size() + 5);
  const { buf } = encoder;
  record.writeTo(encoder);
  // Not grown: growing would copy what was written.
  expect(encoder.buf).toBe(buf);
  return encoder;
}

/** @param first  offset and time of the batch */
function decode({ buffer }: Encoder, first = 0n): DecodedRecord {
  const decoder = new DecoderClass(buffer);
  const length = decoder.readVarInt();
  const lengthBytes = buffer.length - length;
  expect(lengthBytes).toBeGreaterThan(0);
  expect(lengthBytes).toBeLessThanOrEqual(5);
  return decodeRecord(decoder, { firstOffset: String(first), firstTimestamp: String(first) });
}

describe('a record', () => {
  fcTest.prop([
    fc.record({
      key: fc.oneof(fc.constant(null), fc.string({ maxLength: 200 }), bytes),
      value: fc.oneof(fc.constant(null), bytes),
      headers: fc.dictionary(fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }), headerValue, {
        maxKeys: 20,
      }),
      offsetDelta: fc.nat(1_000_000),
      timestampDelta: fc.nat(2_000_000_000),
    }),
  ])('is read as it was written, whatever its lengths, into a buffer of the right size', (record) => {
    const encoded = encodeRecord(record);
    expect(encoded.buffer.length).toBe(prepareRecord(record).size());
    const decoded = decode(encoded);
    const text = (of: Buffer | string | null) => (of === null ? null : Buffer.from(of).toString('hex'));
    expect(text(decoded.key)).toBe(text(record.key));
    expect(text(decoded.value)).toBe(text(record.value));
    expect(decoded.offset).toBe(String(record.offsetDelta));
    expect(decoded.timestamp).toBe(String(record.timestampDelta));
    expect(Object.entries(decoded.headers).map(([name, of]) => [name, text(of as Buffer)])).toEqual(
      Object.entries(record.headers).map(([name, of]) => [name, text(of)]),
    );
  });

  it.each(['valueOf', '__proto__', 'constructor'])('keeps a header named %s', (name) => {
    const headers = JSON.parse(`{"${name}":"x","other":"y"}`) as object;
    const decoded = decode(encodeRecord({ key: 'k', value: 'v', headers }));
    expect(Object.entries(decoded.headers)).toEqual([
      [name, Buffer.from('x')],
      ['other', Buffer.from('y')],
    ]);
  });

  // The decoder remembers the names of the record before, by their places.
  it.each([
    ['of the same length', ['ce_id', 'ce_in', 'ce_id']],
    ['longer, then shorter', ['name', 'names', 'name']],
    ['whose characters are the bytes of the other', ['\u00c3\u00a9', '\u00e9', '\u00c3\u00a9']],
    ['too long to be remembered', ['n'.repeat(64), 'n'.repeat(65), 'm'.repeat(65)]],
    ['far behind', [...'abc']],
  ])('reads names %s one after the other', (_, names) => {
    for (const before of [0, 40]) {
      const first = Array.from({ length: before }, (_, n) => [`header-${n}`, 'x']);
      for (const name of names) {
        const headers = Object.fromEntries([...first, [name, 'y']]) as object;
        const decoded = decode(encodeRecord({ key: 'k', value: 'v', headers }));
        expect(Object.keys(decoded.headers)).toEqual(Object.keys(headers));
      }
    }
  });

  const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const near = (limit: bigint) => fc.bigInt({ min: limit - 300n, max: limit + 300n });
  fcTest.prop([
    fc.oneof(int64, near(0n), near(2n ** 53n)),
    fc.oneof(
      near(0n),
      near(2n ** 27n),
      near(2n ** 31n),
      near(-(2n ** 27n)),
      near(2n ** 53n),
      near(2n ** 61n),
    ),
    fc.nat(2 ** 31 - 1),
  ])(
    'has its time and its offset exactly, however far they are from those of its batch',
    (base, delta, offset) => {
      fc.pre(base + delta < 2n ** 63n && base + delta >= -(2n ** 63n));
      const encoded = encodeRecord({ key: 'k', value: 'v', timestampDelta: delta, offsetDelta: offset });
      const decoded = decode(encoded, base);
      expect(decoded.timestamp).toBe(String(base + delta));
      expect(decoded.offset).toBe(String(base + BigInt(offset)));
    },
  );

  it('keeps a header given twice', () => {
    const encoded = encodeRecord({ key: 'k', value: 'v', headers: { twice: ['1', Buffer.from('2'), '3'] } });
    const decoded = decode(encoded);
    expect(decoded.headers['twice']).toEqual(['1', '2', '3'].map((each) => Buffer.from(each)));
  });
});

describe('a number of variable length', () => {
  fcTest.prop([fc.array(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), { maxLength: 600 })])(
    'is read as it was written, one after the other, past the end of the first buffer',
    (numbers) => {
      const encoder = new EncoderClass();
      for (const number of numbers) encoder.writeVarInt(number);
      const decoder = new DecoderClass(encoder.buffer);
      expect(numbers.map(() => decoder.readVarInt())).toEqual(numbers);
    },
  );
});
