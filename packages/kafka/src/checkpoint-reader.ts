import { CHECKPOINT_KEY, type Checkpoint, decodeCheckpoint } from './checkpoint.ts';
import type { LogReader } from './log-reader.ts';

/** Tail sizes tried in turn: a checkpoint a second makes thousands of records before the cleaner comes. */
const TAILS = [64n, 4_096n];

/**
 * The newest committed checkpoint; undefined where none was ever committed.
 * Read it after a successful fence where it decides anything (page-publisher.ts).
 */
export async function readNewestCheckpoint<ExportState>(
  reader: LogReader,
  topic: string,
  parseState: (value: unknown) => ExportState,
): Promise<Checkpoint<ExportState> | undefined> {
  const [starts, ends] = await Promise.all([reader.startOffsets(topic), reader.stableEndOffsets(topic)]);
  const start = starts.get(0) ?? 0n;
  const end = ends.get(0) ?? 0n;
  for (const tail of [...TAILS, end]) {
    const from = end - tail > start ? end - tail : start;
    let newest: Buffer | null | undefined;
    for await (const records of reader.read(topic, { from: new Map([[0, from]]), to: new Map([[0, end]]) })) {
      for (const { key, value } of records) {
        if (key?.toString('utf8') === CHECKPOINT_KEY) newest = value;
      }
    }
    if (newest !== undefined) return decodeCheckpoint(newest, parseState);
    if (from === start) return undefined;
  }
  return undefined;
}
