/**
 * Publishes export pages to the tickets topic. Keeps promise 1, "nothing lost", and promise 2, "nothing twice in
 * the log, in the normal case", by four rules:
 *
 * - **One transaction a page**, with the checkpoint inside: a page's events and the place to go on from become
 *   visible together, or neither does.
 * - **Fence, then read, then claim.** Boot takes the transactional id (an empty transaction fences every earlier
 *   producer and ends its open transaction), *then* reads the checkpoint to its end, *then* commits it with this
 *   instance's id. Read earlier, it may be old: right after a commit returned, the last stable offset was still
 *   behind in 26 of 40 transactions, by up to 188 ms (measured).
 * - **Doubt ends a producer's life.** After a timeout, a cut or a coordinator's error nobody knows whether the
 *   commit happened. The producer is thrown away, the next one fences it, and the checkpoint's sequence says which.
 * - **A fencing error is asked about, not believed.** It may come from another producer or from our own former
 *   life: fence again and read. The owner is still this instance → go on; another → exit code 4.
 */
import { randomUUID } from 'node:crypto';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { Transaction } from 'kafkajs';
import type { Checkpoint } from './checkpoint.ts';
import { sendCheckpoint } from './checkpoint-writer.ts';
import { diagnostics } from './diagnostics.ts';
import { createExportHolder, type ExportLog, fencedBy } from './export-holder.ts';
import { isFencing, refusalOf } from './kafka-errors.ts';
import type { LogReader } from './log-reader.ts';
import { openPageTransaction, type PageTransaction } from './page-transaction.ts';
import { keyPartitioner } from './record-chunk.ts';
import { createSizeLimits } from './size-limits.ts';
import type { EnsuredTopics } from './topics.ts';
import { insist } from './wait-for-cluster.ts';

export interface PublisherOptions<ExportState> extends ExportLog<ExportState> {
  readonly topics: EnsuredTopics;
  readonly source: string;
  /** Where the export begins when there is no checkpoint yet. */
  readonly initialState: () => ExportState;
  readonly signal: AbortSignal;
  /** Told when the publisher has to wait for the cluster, and with undefined when it goes on. */
  readonly onWaiting?: (reason: string | undefined) => void;
}

export interface PagePublisher<ExportState> {
  /** As last committed, by this instance. */
  readonly checkpoint: Checkpoint<ExportState>;
  /** Largest ticket in bytes; `recover` may lower it, so ask for it at every page. */
  readonly ticketBytesMax: number;
  /**
   * When the transaction now open began, in milliseconds of `performance.now()`; undefined while none is. It counts
   * from `beginPage` until the broker has answered its end, or `recover` has fenced it. Readers wait as long as it
   * is open, so its age is the one to watch; the broker ends it after 6 minutes.
   */
  openTransactionSinceMs(): number | undefined;
  /**
   * Begins a page's transaction; at most one at a time.
   * @throws kafka.doubtful_transaction  call `recover`, then do the page again from the checkpoint
   */
  beginPage(): Promise<PageTransaction<ExportState>>;
  /**
   * After doubt: throws the producer away, fences it by a new one, and reads which page was the last committed.
   * Waits for a cluster that is away. On return `checkpoint` is the truth.
   * @throws kafka.fenced  another instance owns the export now
   * @throws log.cut       the topic was made again, or cut
   */
  recover(): Promise<void>;
  close(): Promise<void>;
}

export async function openPagePublisher<ExportState>(
  options: PublisherOptions<ExportState>,
): Promise<PagePublisher<ExportState>> {
  const { reader, names, logger } = options;
  const sizeLimits = createSizeLimits(options);
  let openSinceMs: number | undefined;
  const instanceId = randomUUID();
  const partitionOf = keyPartitioner(options.topics.partitions);
  const holder = createExportHolder(options);
  const topic = names.tickets;
  let checkpoint: Checkpoint<ExportState>;

  async function boot(): Promise<Checkpoint<ExportState>> {
    const found = await holder.take();
    if (found !== undefined && found.source !== options.source) {
      throw new TicketStreamError(
        'source.mismatch',
        `the checkpoint of ${topic} belongs to ${found.source}, and this export reads ${options.source}`,
        { context: { topic } },
      );
    }
    if (found !== undefined) await refuseCutLog(reader, topic, found);
    const claimed: Checkpoint<ExportState> = {
      sequence: (found?.sequence ?? 0) + 1,
      owner: instanceId,
      source: options.source,
      logId: found?.logId ?? randomUUID(),
      nextOffsets: found?.nextOffsets ?? new Map(),
      ...(found?.nextRetryOffset === undefined ? {} : { nextRetryOffset: found.nextRetryOffset }),
      exportState: found?.exportState ?? options.initialState(),
    };
    const { sequence } = claimed;
    diagnostics.claimBefore.publish({ topic, sequence });
    const transaction = await holder.begin();
    await sendCheckpoint(transaction, names.checkpoints, claimed);
    await transaction.commit();
    diagnostics.claimAfter.publish({ topic, sequence });
    logger.info({ logId: claimed.logId, sequence, resumed: found !== undefined }, 'export claimed');
    return claimed;
  }

  try {
    checkpoint = await insist(options, 'claiming the export', async () => {
      try {
        return await boot();
      } catch (error) {
        // Fenced before our own claim: somebody else is booting or at work, and was later. A claim in any other
        // doubt is simply made again.
        if (isFencing(error)) throw fencedBy(names, error);
        throw error;
      }
    });
  } catch (error) {
    await holder.discard();
    throw error;
  }

  return {
    get checkpoint() {
      return checkpoint;
    },
    get ticketBytesMax() {
      return sizeLimits.topics.ticketBytesMax;
    },
    openTransactionSinceMs: () => openSinceMs,

    async beginPage() {
      let transaction: Transaction;
      try {
        transaction = await holder.begin();
      } catch (error) {
        throw inDoubt(error);
      }
      openSinceMs = performance.now();
      return openPageTransaction({
        transaction,
        checkpoint,
        names,
        topics: sizeLimits.topics,
        limits: sizeLimits.chunk,
        partitionOf,
        isRefused: sizeLimits.isRefused,
        onRefused: sizeLimits.onRefused,
        inDoubt,
        onEnded(committed) {
          openSinceMs = undefined;
          if (committed === undefined) return;
          checkpoint = committed;
          sizeLimits.onCommitted();
        },
      });
    },

    async recover() {
      checkpoint = await insist(options, 'asking the checkpoint', async () => {
        const found = await holder.take();
        openSinceMs = undefined;
        if (found === undefined || found.owner !== instanceId) throw fencedBy(names);
        await refuseCutLog(reader, topic, found);
        await sizeLimits.settle(holder.begin);
        return found;
      });
      diagnostics.recovered.publish({ topic, sequence: checkpoint.sequence });
    },

    close: holder.discard,
  };

  function inDoubt(error: unknown): TicketStreamError {
    if (isTicketStreamError(error)) return error;
    // What is refused is in no doubt: it was not done, and doing it again would be refused again.
    const refusal = refusalOf(error, `publishing to ${topic}`, { topic });
    if (refusal !== undefined) return refusal;
    const fenced = isFencing(error);
    diagnostics.doubt.publish({ topic, sequence: checkpoint.sequence + 1, error, fenced });
    return new TicketStreamError('kafka.doubtful_transaction', 'a transaction is in doubt', {
      cause: error,
      context: { fenced },
    });
  }
}

/** @throws log.cut  the checkpoint names offsets that the topic does not have: it was made again, or cut */
async function refuseCutLog(
  reader: LogReader,
  topic: string,
  checkpoint: Checkpoint<unknown>,
): Promise<void> {
  const ends = await reader.highWatermarks(topic);
  for (const [partition, nextOffset] of checkpoint.nextOffsets) {
    const end = ends.get(partition) ?? 0n;
    if (nextOffset > end) {
      throw new TicketStreamError(
        'log.cut',
        `the checkpoint goes on at offset ${nextOffset} of ${topic}-${partition}, which ends at ${end}`,
        { context: { topic, partition, nextOffset, end } },
      );
    }
  }
}
