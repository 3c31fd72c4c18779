import { TicketStreamError } from '@ticket-stream/errors';

/**
 * The durable place an exporter resumes from. One record of key `export` in a compacted topic of one partition,
 * written only inside the producer's transactions: it moves with the page's events or not at all (promise 1).
 */
export interface Checkpoint<ExportState> {
  /** Counts checkpoints of this log; tells a page that was committed from one that was not, whatever the broker said. */
  readonly sequence: number;
  /** Which instance owns the export: a UUID made at its start. */
  readonly owner: string;
  /** The account's origin, or the simulator's seed, tickets and start: never a port. */
  readonly source: string;
  /** The log's id, made with the topic and sent in every record. */
  readonly logId: string;
  /** Next offset of each partition of the tickets topic after this checkpoint's transaction, its marker left out. */
  readonly nextOffsets: ReadonlyMap<number, bigint>;
  /**
   * Where the requests for tickets to be fetched again go on (retry-topics.ts); undefined: none was ever done. A
   * version that does not know it leaves it out, and the requests still kept are then done once more: copies, no loss.
   */
  readonly nextRetryOffset?: bigint;
  /** What the exporter keeps for itself (next request, boundary digests, position); this package does not read it. */
  readonly exportState: ExportState;
}

export const CHECKPOINT_KEY = 'export';
const FORMAT = 1;

export function encodeCheckpoint<ExportState>(checkpoint: Checkpoint<ExportState>): string {
  const { nextOffsets, nextRetryOffset, ...rest } = checkpoint;
  return JSON.stringify({
    format: FORMAT,
    ...rest,
    ...(nextRetryOffset === undefined ? {} : { nextRetryOffset: String(nextRetryOffset) }),
    nextOffsets: Object.fromEntries(
      [...nextOffsets].map(([partition, offset]) => [partition, String(offset)]),
    ),
  });
}

/** @throws checkpoint.unreadable  not written by this version: going on from a guess could lose pages */
export function decodeCheckpoint<ExportState>(
  value: Buffer | null,
  parseState: (value: unknown) => ExportState,
): Checkpoint<ExportState> {
  try {
    const raw = JSON.parse(value?.toString('utf8') ?? '') as Record<string, unknown>;
    if (raw['format'] !== FORMAT) throw new Error(`format ${String(raw['format'])}`);
    const { sequence, owner, source, logId, nextOffsets, nextRetryOffset, exportState } = raw;
    if (
      typeof sequence !== 'number' ||
      typeof owner !== 'string' ||
      typeof source !== 'string' ||
      typeof logId !== 'string' ||
      typeof nextOffsets !== 'object' ||
      nextOffsets === null
    ) {
      throw new Error('a field is missing');
    }
    return {
      sequence,
      owner,
      source,
      logId,
      nextOffsets: new Map(
        Object.entries(nextOffsets).map(([partition, offset]) => [Number(partition), BigInt(String(offset))]),
      ),
      ...(nextRetryOffset === undefined ? {} : { nextRetryOffset: BigInt(String(nextRetryOffset)) }),
      exportState: parseState(exportState),
    };
  } catch (error) {
    throw new TicketStreamError('checkpoint.unreadable', 'the newest checkpoint cannot be read', {
      cause: error,
    });
  }
}
