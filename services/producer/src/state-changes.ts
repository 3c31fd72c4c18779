/** Changes of the export's state that no page brings: each a transaction of its own that holds a checkpoint alone. */
import { isDeepStrictEqual } from 'node:util';
import { isTicketStreamError } from '@ticket-stream/errors';
import type { PagePublisher } from '@ticket-stream/kafka';
import type { Logger } from '@ticket-stream/service-kit';
import { type ExportState, resume, type Unseen, type WantedExport } from '@ticket-stream/zendesk-export';

/**
 * Durable on return.
 * @param change  idempotent: after a doubtful commit it is applied to whatever the checkpoint then says
 * @throws kafka.fenced  another instance owns the export now
 */
export async function changeState(
  publisher: PagePublisher<ExportState>,
  change: (state: ExportState) => ExportState,
  logger: Logger,
): Promise<void> {
  for (;;) {
    const before = publisher.checkpoint.exportState;
    const after = change(before);
    if (isDeepStrictEqual(after, before)) return;
    try {
      const transaction = await publisher.beginPage();
      await transaction.commit(after);
      return;
    } catch (error) {
      if (!isTicketStreamError(error, 'kafka.doubtful_transaction')) throw error;
      logger.warn({ err: error }, 'a transaction is in doubt; asking the checkpoint');
      await publisher.recover();
    }
  }
}

const WORDS = {
  deleted: 'deleted and scrubbed tickets',
  agent: "agents' tickets",
  ai_agent: "AI agents' tickets",
} as const satisfies Record<Unseen['what'], string>;

/** Said at every start: who reads it may not be who set it. */
const DELETED_EXCLUDED =
  'EXPORT_EXCLUDE_DELETED=true: deletions and scrubs never arrive, so tickets that are deleted at Zendesk stay in the topic, in search and in every other sink, with the personal data in them';

/** Takes the checkpoint over into the mode and scope that are asked for now, and says what that cannot bring back. */
export async function resumeExport(
  publisher: PagePublisher<ExportState>,
  wanted: WantedExport,
  logger: Logger,
): Promise<void> {
  if (wanted.scope.excludeDeleted) logger.warn(DELETED_EXCLUDED);
  for (const { what, from, until } of resume(publisher.checkpoint.exportState, wanted).unseen) {
    const since = isoSecond(from);
    logger.warn(
      { what, from, until },
      `changes of ${WORDS[what]} from ${since} to ${isoSecond(until)} were left out and do not come by themselves now; to bring them back, stop the producer and run: ticket-stream export reset --to ${since}`,
    );
  }
  await changeState(publisher, (state) => resume(state, wanted).state, logger);
  const { next } = publisher.checkpoint.exportState;
  logger.info(
    { mode: next.mode, startTime: next.startTime },
    `the export goes on at ${isoSecond(next.startTime)}`,
  );
}

export function isoSecond(second: number): string {
  return new Date(second * 1000).toISOString().replace('.000Z', 'Z');
}
