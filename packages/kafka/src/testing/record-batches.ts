import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One record batch as it lies on the broker's disk. */
export interface RecordBatchOnDisk {
  readonly baseOffset: bigint;
  readonly lastOffset: bigint;
  /** 0 when compaction emptied it: a producer's last batch is kept without its records. */
  readonly records: number;
  readonly control: boolean;
  readonly codec: (typeof codecs)[number];
  readonly lastOfSegment: boolean;
}

const LENGTH_AT = 8;
const HEADER_BYTES = 61;
const CONTROL_BIT = 0x20;
const CODEC_BITS = 0x07;
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd', 'unknown'] as const;

/** Batches of one partition, oldest first: https://kafka.apache.org/documentation/#recordbatch */
export function batchesOnDisk(dataDir: string, topic: string, partition = 0): RecordBatchOnDisk[] {
  const folder = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(`/${topic}-${partition}`),
  );
  if (folder === undefined) throw new Error(`no folder of ${topic}-${partition} below ${dataDir}`);
  const segments = readdirSync(join(dataDir, folder))
    .filter((name) => name.endsWith('.log'))
    .sort();
  return segments.flatMap((name) => batchesOf(readFileSync(join(dataDir, folder, name))));
}

function batchesOf(segment: Buffer): RecordBatchOnDisk[] {
  const batches: Omit<RecordBatchOnDisk, 'lastOfSegment'>[] = [];
  for (let at = 0; at + HEADER_BYTES <= segment.length; ) {
    const baseOffset = segment.readBigInt64BE(at);
    const length = segment.readInt32BE(at + LENGTH_AT);
    if (length === 0) break; // preallocated space of the active segment
    const attributes = segment.readInt16BE(at + 21);
    batches.push({
      baseOffset,
      lastOffset: baseOffset + BigInt(segment.readInt32BE(at + 23)),
      records: segment.readInt32BE(at + 57),
      control: (attributes & CONTROL_BIT) !== 0,
      codec: codecs[attributes & CODEC_BITS] ?? 'unknown',
    });
    at += LENGTH_AT + 4 + length;
  }
  return batches.map((batch, index) => ({ ...batch, lastOfSegment: index === batches.length - 1 }));
}
