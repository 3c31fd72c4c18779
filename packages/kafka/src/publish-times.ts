/** When records were published, looked up at a few places of the log: what lag in seconds is made of. */
import type { LogReader } from './log-reader.ts';

/** A broker sends at least one record batch, however small this is. */
const ONE_BATCH = 1;

/**
 * Of each partition the publish time of the first committed record at or after an offset, epoch milliseconds. Absent
 * where there is none before `ends`: nothing but markers and aborted records lies there.
 */
export async function firstPublishedMs(
  reader: LogReader,
  topic: string,
  from: ReadonlyMap<number, bigint>,
  ends: ReadonlyMap<number, bigint>,
): Promise<ReadonlyMap<number, number>> {
  const found = await Promise.all(
    [...from].map(async ([partition, offset]) => {
      const range = {
        from: new Map([[partition, offset]]),
        to: new Map([[partition, ends.get(partition) ?? offset]]),
        partitionBytes: ONE_BATCH,
      };
      for await (const records of reader.read(topic, range)) {
        for (const record of records)
          if (record.offset >= offset) return [[partition, record.publishedAtMs]] as const;
      }
      return [];
    }),
  );
  return new Map(found.flat());
}

/** Offsets before the end that are looked through in turn: a record and its marker, then what aborts have left. */
const TAILS = [2n, 64n, 4_096n];

/** The publish time of the newest committed record of the topic, epoch milliseconds; undefined where none is near its end. */
export async function newestPublishedMs(
  reader: LogReader,
  topic: string,
  starts: ReadonlyMap<number, bigint>,
  ends: ReadonlyMap<number, bigint>,
): Promise<number | undefined> {
  const newest = await Promise.all(
    [...ends].map(async ([partition, end]) => {
      const start = starts.get(partition) ?? 0n;
      for (const tail of TAILS) {
        const from = end - tail > start ? end - tail : start;
        let latest: number | undefined;
        const range = { from: new Map([[partition, from]]), to: new Map([[partition, end]]) };
        for await (const records of reader.read(topic, range))
          latest = records.at(-1)?.publishedAtMs ?? latest;
        if (latest !== undefined || from === start) return latest;
      }
      return undefined;
    }),
  );
  const known = newest.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}
