/**
 * Changes the checkpoint from outside, for an operator who moves the export to another place. By the rules of
 * page-publisher.ts it is a claim like any other: fence, read to the end, commit under an owner of its own. A
 * producer at work thus loses the export: its next step fails, it asks the checkpoint, finds another owner and ends
 * with exit code 4; nothing that it had not committed becomes visible. The next start claims it back and goes on
 * from what was written here.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { Checkpoint } from './checkpoint.ts';
import { sendCheckpoint } from './checkpoint-writer.ts';
import { createExportHolder, type ExportLog, fencedBy } from './export-holder.ts';
import { isFencing, refusalOf } from './kafka-errors.ts';
import { insist } from './wait-for-cluster.ts';

export interface CheckpointRewrite<ExportState> extends ExportLog<ExportState> {
  /**
   * The exporter's new state, made of the newest committed checkpoint. Pure: called again where a commit was in doubt
   * and did not happen. What it throws ends the rewriting, with nothing written.
   */
  readonly change: (found: Checkpoint<ExportState>) => ExportState;
  readonly signal: AbortSignal;
}

/**
 * A producer that we fenced fences us to ask the checkpoint, and one of the two is first at the second try; two
 * producers that keep fencing each other are somebody else's accident.
 */
const FENCED_MAX = 10;
const PAUSE_MS_MAX = 50;

/**
 * Waits for a cluster that is away.
 * @returns the checkpoint as committed: durable, and the newest
 * @throws checkpoint.missing  nothing was ever exported to this topic
 * @throws kafka.fenced        producers keep taking the export over
 */
export async function rewriteCheckpoint<ExportState>(
  options: CheckpointRewrite<ExportState>,
): Promise<Checkpoint<ExportState>> {
  const { names, logger, signal } = options;
  const owner = randomUUID();
  const holder = createExportHolder(options);

  try {
    for (let fenced = 0; ; ) {
      const found = await insist(options, 'reading the checkpoint', holder.take);
      if (found === undefined) {
        throw new TicketStreamError('checkpoint.missing', `${names.tickets} has no checkpoint to change`, {
          context: { topic: names.tickets },
        });
      }
      // Ours already: the answer to the commit before was lost.
      if (found.owner === owner) return found;
      const rewritten = { ...found, sequence: found.sequence + 1, owner, exportState: options.change(found) };
      try {
        const transaction = await holder.begin();
        await sendCheckpoint(transaction, names.checkpoints, rewritten);
        await transaction.commit();
        return rewritten;
      } catch (error) {
        if (isTicketStreamError(error)) throw error;
        const refusal = refusalOf(error, 'changing the checkpoint');
        if (refusal !== undefined) throw refusal;
        if (isFencing(error) && ++fenced === FENCED_MAX) throw fencedBy(names, error);
        logger.debug({ err: error, fenced }, 'changing the checkpoint is in doubt; reading it again');
        await wait(Math.random() * PAUSE_MS_MAX, undefined, { signal });
      }
    }
  } finally {
    await holder.discard();
  }
}
