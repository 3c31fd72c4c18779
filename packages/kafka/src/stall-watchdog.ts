import { TicketStreamError } from '@ticket-stream/errors';
import type { Logger } from './kafka-connection.ts';
import type { LogReader } from './log-reader.ts';

const END_POLL_MS = 1_000;

interface Watched {
  readonly reader: Pick<LogReader, 'stableEndOffsets'>;
  readonly topic: string;
  readonly logger: Logger;
  /** Below the log's end without progress for this long is a stall. */
  readonly stalledMs: number;
  /** Nothing is asked or expected of a stream that does not read. */
  readonly isReading: () => boolean;
  /** Work may take as long as it takes. */
  readonly isAtWork: () => boolean;
  /** The partitions that have to move while records are there, and their positions. */
  readonly toMove: () => readonly (readonly [partition: number, position: bigint])[];
  readonly onLook: () => void;
}

export interface StallWatchdog {
  progressed(): void;
  /** As last asked; undefined until known. */
  stableEnds(): ReadonlyMap<number, bigint> | undefined;
  /** Until the timer is cleared. @param end  told of a stall */
  watch(end: (error: Error) => void): NodeJS.Timeout;
}

/** Keeps the log's end known, and ends a life that stands still below it: named, never silent. */
export function stallWatchdog(watched: Watched): StallWatchdog {
  const { reader, topic, logger, stalledMs } = watched;
  let stableEnds: ReadonlyMap<number, bigint> | undefined;
  let progressAtMs = performance.now();

  function judge(ends: ReadonlyMap<number, bigint>): TicketStreamError | undefined {
    const behind = watched.toMove().find(([partition, position]) => position < (ends.get(partition) ?? 0n));
    // At the end of the log standing still is right: the time counts from the first look that saw more.
    if (behind === undefined || watched.isAtWork()) progressAtMs = performance.now();
    if (behind === undefined || performance.now() - progressAtMs <= stalledMs) return undefined;
    const [partition, position] = behind;
    return new TicketStreamError('kafka.consumer_stalled', `no progress below the end of ${topic}`, {
      context: { topic, partition, position, end: ends.get(partition) },
    });
  }

  return {
    progressed() {
      progressAtMs = performance.now();
    },
    stableEnds: () => stableEnds,
    watch(end) {
      let asking = false;
      return setInterval(() => {
        if (asking || !watched.isReading()) return;
        asking = true;
        reader
          .stableEndOffsets(topic)
          .then((ends) => {
            stableEnds = ends;
            watched.onLook();
            const stall = judge(ends);
            if (stall !== undefined) end(stall);
          })
          .catch((error: unknown) => logger.debug({ err: error }, 'asking for the end of the log'))
          .finally(() => {
            asking = false;
          });
      }, END_POLL_MS);
    },
  };
}
