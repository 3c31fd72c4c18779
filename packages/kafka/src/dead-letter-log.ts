/**
 * The dead letters of a topic, read from outside: one row a letter, and the bytes of those that are asked for. Reads
 * without a consumer group and writes nothing.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { RawHeaders } from '@ticket-stream/ticket';
import { createLetterFold, type LetterFold, type LetterRow } from './letter-fold.ts';
import type { LogReader } from './log-reader.ts';
import type { LogRecord } from './log-record.ts';

/** 0.6 KB each; more than anybody looks through, and a sign that something else is wrong. */
const LETTERS_MAX = 500_000;

export interface LettersRead {
  readonly rows: LetterFold;
  /** Where the reading ended: what comes later is newer than every row. */
  readonly nextOffsets: ReadonlyMap<number, bigint>;
}

/**
 * Every letter up to the topic's end as of now. Kafka has no fetch of headers alone, so all bytes go by; one fetch of
 * them is held.
 * @param options.sinceMs  letters written before it are not read: neither as rows nor as repeats
 * @throws config.invalid  more than 500,000 letters: ask for a shorter time
 */
export async function readLetters(
  reader: LogReader,
  topic: string,
  options: {
    readonly sinceMs?: number;
    readonly signal?: AbortSignal;
    /** Told as it is read: records so far, and of how many offsets in all. */
    readonly onProgress?: (read: number, of: number) => void;
  } = {},
): Promise<LettersRead> {
  const rows = createLetterFold();
  const [from, to] = await Promise.all([
    options.sinceMs === undefined ? reader.startOffsets(topic) : reader.offsetsAt(topic, options.sinceMs),
    reader.stableEndOffsets(topic),
  ]);
  let read = 0;
  let of = 0;
  for (const [partition, end] of to) of += Number(end - (from.get(partition) ?? 0n));
  for await (const records of reader.read(topic, { from, to })) {
    options.signal?.throwIfAborted();
    for (const record of records) rows.add(record);
    read += records.length;
    options.onProgress?.(read, of);
    if (rows.size > LETTERS_MAX) {
      throw new TicketStreamError('config.invalid', `${topic} holds more than ${LETTERS_MAX} letters`, {
        remedy: 'Ask for those since a later moment (--since). Nothing was changed.',
      });
    }
  }
  return { rows, nextOffsets: to };
}

/** A letter with everything that was kept of the original. */
export interface LetterContent {
  readonly value: Buffer;
  /** All headers, ours and the original record's. */
  readonly headers: RawHeaders;
}

/** @returns undefined where the topic no longer has it */
export async function readLetterContent(
  reader: LogReader,
  topic: string,
  { bytesAt }: LetterRow,
): Promise<LetterContent | undefined> {
  if (bytesAt === undefined) return undefined;
  const record = await readRecord(reader, topic, bytesAt);
  if (record === undefined) return undefined;
  return { value: record.value ?? Buffer.alloc(0), headers: record.headers ?? {} };
}

/** One record; undefined where it is not there (any more): expired, compacted, or no record at all. */
export async function readRecord(
  reader: LogReader,
  topic: string,
  { partition, offset }: { readonly partition: number; readonly offset: bigint },
): Promise<LogRecord | undefined> {
  const [starts, ends] = await Promise.all([reader.startOffsets(topic), reader.stableEndOffsets(topic)]);
  const [start, end] = [starts.get(partition), ends.get(partition)];
  if (start === undefined || end === undefined || offset < start || offset >= end) return undefined;
  const range = { from: new Map([[partition, offset]]), to: new Map([[partition, offset + 1n]]) };
  for await (const records of reader.read(topic, range)) {
    const found = records.find((record) => record.offset === offset);
    if (found !== undefined) return found;
  }
  return undefined;
}
