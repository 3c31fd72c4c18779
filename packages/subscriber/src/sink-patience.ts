/**
 * What happens while a sink does not take changes: the membership is kept, the wait is announced, the work is tried
 * again with backoff, and a stop ends it.
 *
 * A failure that names its partition or ticket holds up that partition alone: the rest of its batch is dropped from
 * memory and fetched again after the pause, and the member's other partitions go on. Any other failure is taken for
 * the sink's own, and nothing is read meanwhile; kafkajs fetches no more while a batch is at work, so that the backlog
 * in memory stays what it was.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { BatchControl, Logger } from '@ticket-stream/kafka';
import type { Piece } from './pieces.ts';
import { retryPauseMs, type Waits } from './waits.ts';

const UNKNOWN_ERROR_TRIES = 5;

export interface SinkPatience {
  /** @returns `later` where the partition was postponed: the batch comes again */
  untilDone<T>(piece: Piece, control: BatchControl, work: () => Promise<T>): Promise<T | 'later'>;
  /** Partitions were assigned anew: whoever has them now waits for them, and for the sink. */
  forget(): void;
}

export function sinkPatience(parts: {
  readonly group: string;
  readonly waits: Waits;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}): SinkPatience {
  const { group, waits, logger, signal } = parts;
  /** Of the partitions postponed: how often by now. */
  const attempts = new Map<number, number>();
  const waitOf = (partition: number) => `partition ${partition}`;

  return {
    async untilDone(piece, control, work) {
      const { partition } = piece;
      let unknownErrors = 0;
      for (let attempt = 0; ; attempt++) {
        try {
          const result = await work();
          attempts.delete(partition);
          waits.set('sink', undefined);
          waits.set(waitOf(partition), undefined);
          return result;
        } catch (error) {
          const known = isTicketStreamError(error)
            ? error
            : new TicketStreamError(
                ++unknownErrors < UNKNOWN_ERROR_TRIES ? 'sink.unavailable' : 'internal.defect',
                `applying changes failed: ${error instanceof Error ? error.message : String(error)}`,
                { cause: error },
              );
          if (known.disposition !== 'retry') throw known;
          if (isOfPartition(known, piece)) {
            const before = attempts.get(partition) ?? 0;
            attempts.set(partition, before + 1);
            if (before === 0)
              logger.warn({ err: known, group, partition }, 'one partition waits; others go on');
            waits.set(waitOf(partition), `${waitOf(partition)} (${known.code})`);
            control.postpone(retryPauseMs(before));
            return 'later';
          }
          if (attempt === 0) logger.warn({ err: known, group }, 'the sink refuses; paused');
          waits.set('sink', `the sink (${known.code})`);
          await wait(retryPauseMs(attempt), undefined, { signal });
          await control.heartbeat();
        }
      }
    },
    forget() {
      waits.set('sink', undefined);
      for (const partition of attempts.keys()) waits.set(waitOf(partition), undefined);
      attempts.clear();
    },
  };
}

function isOfPartition({ context }: TicketStreamError, { partition, records }: Piece): boolean {
  if (context['partition'] !== undefined) return context['partition'] === partition;
  const ticketId = context['ticketId'];
  return ticketId !== undefined && records.some(({ key }) => key?.toString('latin1') === String(ticketId));
}
