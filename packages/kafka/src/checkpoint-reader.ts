import { CHECKPOINT_KEY, type Checkpoint, decodeCheckpoint } from './checkpoint.ts';
import type { LogReader } from './log-reader.ts';
import type { LogRecord } from './log-record.ts';

/**
 * Tail sizes tried in turn, in offsets. The newest checkpoint and its marker are the last two, and one of 20,000 boundary
 * digests is a megabyte: a longer tail would read dozens of them at every start and after every doubt. Aborted
 * transactions may lie after it; a checkpoint a second makes thousands before the cleaner comes.
 */
const TAILS = [4n, 64n, 4_096n];

/**
 * The newest committed checkpoint; undefined where none was ever committed.
 * Read it after a successful fence where it decides anything (page-publisher.ts).
 */
export async function readNewestCheckpoint<ExportState>(
  reader: LogReader,
  topic: string,
  parseState: (value: unknown) => ExportState,
): Promise<Checkpoint<ExportState> | undefined> {
  return (await readDatedCheckpoint(reader, topic, parseState))?.checkpoint;
}

/** A checkpoint with the moment of its publication, epoch milliseconds. */
interface DatedCheckpoint<ExportState> {
  readonly checkpoint: Checkpoint<ExportState>;
  readonly writtenAtMs: number;
}

/** As `readNewestCheckpoint`, for those who look at it from outside. */
export async function readDatedCheckpoint<ExportState>(
  reader: LogReader,
  topic: string,
  parseState: (value: unknown) => ExportState,
): Promise<DatedCheckpoint<ExportState> | undefined> {
  const [starts, ends] = await Promise.all([reader.startOffsets(topic), reader.stableEndOffsets(topic)]);
  const start = starts.get(0) ?? 0n;
  const end = ends.get(0) ?? 0n;
  for (const tail of [...TAILS, end]) {
    const from = end - tail > start ? end - tail : start;
    let newest: LogRecord | undefined;
    for await (const records of reader.read(topic, { from: new Map([[0, from]]), to: new Map([[0, end]]) })) {
      for (const record of records) {
        if (record.key?.toString('utf8') === CHECKPOINT_KEY) newest = record;
      }
    }
    if (newest !== undefined) {
      return {
        checkpoint: decodeCheckpoint(newest.value, parseState),
        writtenAtMs: newest.publishedAtMs,
      };
    }
    if (from === start) return undefined;
  }
  return undefined;
}
