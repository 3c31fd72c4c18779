import {
  connectKafka,
  ensureTopics,
  openLogReader,
  openPagePublisher,
  silentLogger,
  topicNames,
} from '@ticket-stream/kafka';
import { ticketDigest } from '@ticket-stream/ticket';
import { until } from './condition.ts';

/** A version of a ticket as a test makes it up: its document is JSON with at least `id`. */
export interface MadeVersion {
  readonly id: number;
  /** Epoch seconds. */
  readonly stamp: number;
  readonly deleted?: boolean;
  readonly value: Buffer;
}

export type TicketsLog = Awaited<ReturnType<typeof openTicketsLog>>;

/**
 * A tickets topic with its checkpoints and dead letters, written by the one producer it has: the page publisher of the
 * producer service, given made-up pages instead of an export.
 * @param options.transactionTimeoutMs  after this long the broker ends a page that is left open
 */
export async function openTicketsLog(
  brokers: string,
  topic: string,
  options: { readonly transactionTimeoutMs?: number; readonly source?: string } = {},
) {
  const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
  const names = topicNames(topic);
  const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
  const reader = await openLogReader(kafka);
  const publisher = await openPagePublisher<null>({
    kafka,
    reader,
    names,
    topics,
    source: options.source ?? 'https://acme.zendesk.com',
    initialState: () => null,
    parseState: () => null,
    logger: silentLogger,
    signal: new AbortController().signal,
    ...(options.transactionTimeoutMs === undefined
      ? {}
      : { transactionTimeoutMs: options.transactionTimeoutMs }),
  });

  async function fill(versions: readonly MadeVersion[]) {
    const page = await publisher.beginPage();
    for (const { id, stamp, deleted = false, value } of versions) {
      await page.publish(
        {
          ticketId: String(id),
          kind: deleted ? 'deleted' : 'changed',
          stamp,
          digest: ticketDigest(value),
        },
        value,
      );
    }
    return page;
  }

  return {
    brokers,
    topic,
    names,
    kafka,
    reader,
    partitions: topics.partitions,
    get logId() {
      return publisher.checkpoint.logId;
    },
    /** One page, one transaction, in this order. */
    async publish(versions: readonly MadeVersion[]): Promise<void> {
      await (await fill(versions)).commit(null);
    },
    async abort(versions: readonly MadeVersion[]): Promise<void> {
      await (await fill(versions)).abort();
    },
    /** A page whose producer says nothing more; readers wait for its end. Call `recover` before the next. */
    async leaveOpen(versions: readonly MadeVersion[]): Promise<void> {
      await fill(versions);
    },
    recover: () => publisher.recover(),
    /**
     * Waits until readers see everything: right after a commit they may still be behind it.
     * @returns the next offset of each partition
     */
    async ends(): Promise<ReadonlyMap<number, bigint>> {
      return until(`${topic} without an open transaction`, async () => {
        const [stable, ends] = await Promise.all([
          reader.stableEndOffsets(topic),
          reader.highWatermarks(topic),
        ]);
        return [...ends].every(([partition, end]) => stable.get(partition) === end) && stable;
      });
    },
    /** The offset behind the last record of each partition; commit markers may follow. To be called at `ends`. */
    async recordEnds(ends: ReadonlyMap<number, bigint>): Promise<ReadonlyMap<number, bigint>> {
      const last = new Map<number, bigint>();
      for await (const records of reader.read(topic, { from: await reader.startOffsets(topic), to: ends })) {
        for (const { partition, offset } of records) last.set(partition, offset + 1n);
      }
      return last;
    },
    async close(): Promise<void> {
      await publisher.close();
      await reader.close();
    },
  };
}
