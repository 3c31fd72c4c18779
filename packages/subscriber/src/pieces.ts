import type { LogRecord, RecordBatch } from '@ticket-stream/kafka';

/** What is decided, handed over and recorded in one go. */
export interface Piece {
  readonly partition: number;
  readonly records: readonly LogRecord[];
  /** The position when the piece is recorded; undefined for records that are no part of the log's way (letters). */
  readonly nextOffset: bigint | undefined;
}

export interface PieceLimits {
  readonly records: number;
  /** Of the values, in bytes. A larger record is a piece of its own. */
  readonly bytes: number;
}

/** Cuts a batch where a piece would become larger than the limits: a handler's memory and time are bounded by them. */
export function piecesOf(batch: RecordBatch, limits: PieceLimits): Piece[] {
  const { partition, records, nextOffset } = batch;
  const pieces: Piece[] = [];
  let begin = 0;
  let bytes = 0;
  records.forEach((record, at) => {
    const size = record.value?.byteLength ?? 0;
    if (at > begin && (at - begin >= limits.records || bytes + size > limits.bytes)) {
      pieces.push({ partition, records: records.slice(begin, at), nextOffset: record.offset });
      begin = at;
      bytes = 0;
    }
    bytes += size;
  });
  if (begin < records.length) pieces.push({ partition, records: records.slice(begin), nextOffset });
  return pieces;
}

/** @param piece  of two records at least */
export function halves({ partition, records, nextOffset }: Piece): Piece[] {
  const middle = Math.ceil(records.length / 2);
  return [
    {
      partition,
      records: records.slice(0, middle),
      nextOffset: nextOffset === undefined ? undefined : records[middle]?.offset,
    },
    { partition, records: records.slice(middle), nextOffset },
  ];
}
