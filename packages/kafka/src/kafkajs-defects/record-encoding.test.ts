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

function decode({ buffer }: Encoder): DecodedRecord {
  const decoder = new DecoderClass(buffer);
  const length = decoder.readVarInt();
  const lengthBytes = buffer.length - length;
  expect(lengthBytes).toBeGreaterThan(0);
  expect(lengthBytes).toBeLessThanOrEqual(5);
  return decodeRecord(decoder, { firstOffset: '0', firstTimestamp: '0' });
}

describe('a record', () => {
  fcTest.prop([
    fc.record({
      key: fc.oneof(fc.constant(null), fc.string({ maxLength: 200 }), bytes),
      value: fc.oneof(fc.constant(null), bytes),
      headers: fc.dictionary(fc.string({ minLength: 1, maxLength: 200 }), headerValue, { maxKeys: 20 }),
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
