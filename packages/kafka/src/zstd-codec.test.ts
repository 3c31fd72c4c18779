import { randomBytes } from 'node:crypto';
import { constants, createZstdCompress, zstdCompressSync } from 'node:zlib';
import { fc, test as fcTest } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { asKafkaError } from './kafka-errors.ts';
import { thrownBy } from './testing/caught-error.ts';
import { frameContentSize, zstdCodec } from './zstd-codec.ts';

const { compress, decompress } = zstdCodec();

/** As writers that do not know the size beforehand compress: Java's producer does. */
async function streamed(buffer: Buffer): Promise<Buffer> {
  const compressing = createZstdCompress();
  compressing.write(buffer.subarray(0, 10));
  compressing.end(buffer.subarray(10));
  return Buffer.concat(await Array.fromAsync(compressing as AsyncIterable<Buffer>));
}

// Around each place where a frame takes another number of bytes for its size.
it.each([0, 1, 255, 256, 257, 65_791, 65_792, 300_000, 5_000_000])(
  '%i bytes come back as they were, and their frame says so',
  async (length) => {
    const buffer = Buffer.concat([
      randomBytes(Math.min(length, 100)),
      Buffer.alloc(Math.max(0, length - 100)),
    ]);
    const compressed = await compress({ buffer });
    expect(frameContentSize(compressed)).toBe(length);
    expect((await decompress(compressed)).equals(buffer)).toBe(true);
  },
);

it('a frame that does not say its size is read', async () => {
  const buffer = Buffer.from('ticket '.repeat(100_000));
  const unsized = await streamed(buffer);
  expect(frameContentSize(unsized)).toBeUndefined();
  expect((await decompress(unsized)).equals(buffer)).toBe(true);
});

it('records in frames of their own, which do not say their size, hold no chunks of many times their bytes', async () => {
  const frame = await streamed(Buffer.from('{"id":35436,"status":"open"}'));
  const read = await Promise.all(Array.from({ length: 1_000 }, () => decompress(frame)));
  expect(String(read.at(-1))).toBe('{"id":35436,"status":"open"}');
  // Small ones share what node allocates at once.
  const held = new Set(read.map(({ buffer }) => buffer));
  expect([...held].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(1_000 * 1_000);
});

it('a frame that names a size beyond all measure is refused, without the memory it asks for', async () => {
  const compressed = zstdCompressSync(Buffer.alloc(300_000), {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  const size = Buffer.from(compressed);
  size[4] = (size[4] ?? 0) | 0xc0;
  expect(frameContentSize(size)).toBeGreaterThan(2 ** 40);
  await expect(decompress(size)).rejects.toThrow();
});

it('a frame that unpacks to more than any batch may is refused by name', async () => {
  const block = Buffer.alloc(1024 * 1024);
  const compressing = createZstdCompress();
  const frame = Array.fromAsync(compressing as AsyncIterable<Buffer>);
  for (let mib = 0; mib < 300; mib++) compressing.write(block);
  compressing.end();
  const unsized = Buffer.concat(await frame);
  expect(unsized.length).toBeLessThan(100_000);
  const refusal = await thrownBy(decompress(unsized));
  expect(asKafkaError(new Error('as kafkajs wraps it', { cause: refusal }), 'reading')).toBe(refusal);
  expect(refusal).toMatchObject({ code: 'kafka.topic_settings', exitCode: 2 });
});

fcTest.prop([fc.uint8Array({ maxLength: 40 })])('never fails on other bytes', (bytes) => {
  const size = frameContentSize(Buffer.from(bytes));
  expect(size === undefined || size >= 0).toBe(true);
});
