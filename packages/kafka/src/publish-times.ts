/**
 * When records were published, looked up at a few places of the log: what lag in seconds is made of.
 *
 * One partition after the other. kafkajs opens its connection for fetches at the first one, without a lock: two at once
 * open two, and forget one, which then keeps the process alive for ever (connectionPool.js, tried 2026-11-24).
 */
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
  const found = new Map<number, number>();
  for (const [partition, offset] of from) {
    const publishedAtMs = await firstInPartition(
      reader,
      topic,
      partition,
      offset,
      ends.get(partition) ?? offset,
    );
    if (publishedAtMs !== undefined) found.set(partition, publishedAtMs);
  }
  return found;
}

async function firstInPartition(
  reader: LogReader,
  topic: string,
  partition: number,
  from: bigint,
  end: bigint,
): Promise<number | undefined> {
  const range = {
    from: new Map([[partition, from]]),
    to: new Map([[partition, end]]),
    partitionBytes: ONE_BATCH,
  };
  for await (const records of reader.read(topic, range)) {
    const first = records.find(({ offset }) => offset >= from);
    if (first !== undefined) return first.publishedAtMs;
  }
  return undefined;
}

/** Offsets before the end that are looked through in turn: a record and its marker, then what aborts have left. */
const TAILS = [2n, 64n, 4_096n];

/** When the topic's newest committed record was published, epoch milliseconds; undefined where none is near its end. */
export async function newestPublishedMs(
  reader: LogReader,
  topic: string,
  starts: ReadonlyMap<number, bigint>,
  ends: ReadonlyMap<number, bigint>,
): Promise<number | undefined> {
  let newest: number | undefined;
  for (const [partition, end] of ends) {
    const latest = await newestInPartition(reader, topic, partition, starts.get(partition) ?? 0n, end);
    if (latest !== undefined && (newest === undefined || latest > newest)) newest = latest;
  }
  return newest;
}

async function newestInPartition(
  reader: LogReader,
  topic: string,
  partition: number,
  start: bigint,
  end: bigint,
): Promise<number | undefined> {
  for (const tail of TAILS) {
    const from = end - tail > start ? end - tail : start;
    let latest: number | undefined;
    const range = { from: new Map([[partition, from]]), to: new Map([[partition, end]]) };
    for await (const records of reader.read(topic, range)) latest = records.at(-1)?.publishedAtMs ?? latest;
    if (latest !== undefined || from === start) return latest;
  }
  return undefined;
}
