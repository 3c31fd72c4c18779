/** The log's side of a comparison: every committed version up to the stable end, from key and headers alone. */
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { LogReader, LogRecord } from '@ticket-stream/kafka';
import { decodeEvent, ticketDigest } from '@ticket-stream/ticket';
import type { ComparisonStore, LogVersion } from './comparison-store.ts';

export interface LogRead {
  readonly records: number;
  /** Their key or headers are not those of an event: something else writes to the topic. */
  readonly unreadable: number;
}

interface LogToRead {
  readonly reader: LogReader;
  readonly topic: string;
  readonly signal: AbortSignal;
  readonly onRecords: (records: number) => void;
}

const PAUSE_MS = 200;
const STABLE_END_WAIT_MS = 60_000;
/** A cluster that is away for longer ends the comparison. */
const RETRIES_MAX = 60;
const RETRY_PAUSE_MS = 2_000;

/**
 * Reads the tickets topic to its stable end as of now, which lies at or past the checkpoint.
 * @throws log.cut            the topic ends before the checkpoint's offsets
 * @throws kafka.unavailable  for two minutes
 */
export async function readVersions(
  log: LogToRead & { readonly nextOffsets: ReadonlyMap<number, bigint> },
  store: ComparisonStore,
  only: 'known' | 'all',
): Promise<LogRead> {
  await reachStableEnd(log);
  let records = 0;
  let unreadable = 0;
  await readToEnd(log, (batch) => {
    const versions: LogVersion[] = [];
    for (const record of batch) {
      const version = versionOf(record);
      if (version === undefined) unreadable++;
      else versions.push(version);
    }
    store.noteVersions(versions, only);
    records += batch.length;
    log.onRecords(records);
  });
  return { records, unreadable };
}

/** Reads the producer's dead letters; a letter says something about the version it holds, and no other. */
export async function readLetters(log: LogToRead, store: ComparisonStore): Promise<void> {
  if (!(await log.reader.topicExists(log.topic))) return;
  await readToEnd(log, (batch) => {
    for (const { key, value, headers } of batch) {
      const header = (name: string): string => String(headers?.[name] ?? '');
      if (header('dlq-origin') !== 'export' || key === null || value === null) continue;
      const cut = header('dlq-sha256').slice(0, 32);
      store.noteLetter({
        key: key.toString('utf8'),
        digest: cut === '' ? ticketDigest(value) : cut,
        code: header('dlq-code'),
      });
    }
  });
}

function versionOf({ key, headers }: LogRecord): LogVersion | undefined {
  try {
    const { ticketId, stamp, digest } = decodeEvent(key, headers);
    return { key: ticketId, stamp, digest };
  } catch (error) {
    if (isTicketStreamError(error, 'record.invalid_headers')) return undefined;
    throw error;
  }
}

/** The markers of a commit reach the partitions one by one: right after it, some may still end before it. */
async function reachStableEnd({
  reader,
  topic,
  nextOffsets,
  signal,
}: LogToRead & { readonly nextOffsets: ReadonlyMap<number, bigint> }): Promise<void> {
  const deadlineMs = performance.now() + STABLE_END_WAIT_MS;
  for (;;) {
    const ends = await reader.stableEndOffsets(topic);
    const behind = [...nextOffsets].filter(([partition, next]) => (ends.get(partition) ?? 0n) < next);
    if (behind.length === 0) return;
    const watermarks = await reader.highWatermarks(topic);
    const cut = behind.find(([partition, next]) => (watermarks.get(partition) ?? 0n) < next);
    if (cut !== undefined || performance.now() > deadlineMs) {
      const [partition, next] = cut ?? behind[0] ?? [0, 0n];
      throw new TicketStreamError(
        'log.cut',
        `partition ${partition} of ${topic} ends before offset ${next}, to which the checkpoint says it was written`,
        { context: { topic, partition, nextOffset: next } },
      );
    }
    await wait(PAUSE_MS, undefined, { signal });
  }
}

/** From the first offset there is to the stable end as of now; goes on where it was when the cluster comes back. */
async function readToEnd(
  { reader, topic, signal }: LogToRead,
  take: (batch: readonly LogRecord[]) => void,
): Promise<void> {
  const positions = new Map(await reader.startOffsets(topic));
  const to = await reader.stableEndOffsets(topic);
  for (let retries = 0; ; retries++) {
    try {
      for await (const batch of reader.read(topic, { from: positions, to })) {
        signal.throwIfAborted();
        take(batch);
        for (const { partition, offset } of batch) positions.set(partition, offset + 1n);
        retries = 0;
      }
      return;
    } catch (error) {
      if (!isTicketStreamError(error, 'kafka.unavailable') || retries === RETRIES_MAX) throw error;
      await wait(RETRY_PAUSE_MS, undefined, { signal });
    }
  }
}
