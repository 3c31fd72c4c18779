/** What comes of a ticket that was fetched again, written with the place where the requests go on. */
import { isTicketStreamError } from '@ticket-stream/errors';
import type { DeadLetter, PagePublisher, PageTransaction, RetryRequest } from '@ticket-stream/kafka';
import { identifyTicket, ticketDigest, ticketId } from '@ticket-stream/ticket';
import type { ExportState, ReadTicket, TicketSlice } from '@ticket-stream/zendesk-export';

export type LetterOutcome =
  /** `position`: the export's, from before the ticket was asked for. */
  | { readonly kind: 'shown'; readonly slice: TicketSlice; readonly position: number | undefined }
  | { readonly kind: 'not_shown'; readonly cause: string }
  /** Nobody's request: it is passed over. */
  | { readonly kind: 'no_request' };

export type WrittenOutcome = 'applied' | 'dead_lettered' | 'passed_over';

type Letter = Omit<DeadLetter, 'origin' | 'ticketId'>;
type Transaction = PageTransaction<ExportState>;

/**
 * Durable on return, or nothing of it.
 * @throws kafka.doubtful_transaction  nobody knows which of both
 */
export async function writeOutcome(
  { publisher, source }: { readonly publisher: PagePublisher<ExportState>; readonly source: string },
  request: RetryRequest,
  outcome: LetterOutcome,
): Promise<WrittenOutcome> {
  const { exportState } = publisher.checkpoint;
  const transaction = await publisher.beginPage();
  try {
    const letter = await publishOrLetter(transaction, request, outcome);
    if (letter !== undefined) {
      const origin = { kind: 'export', source, startTime: exportState.next.startTime } as const;
      await transaction.deadLetter({ ...letter, ticketId: request.ticketId, origin });
    } else if (request.letterKey !== undefined) {
      await transaction.settleLetter({ key: request.letterKey, state: 'applied' });
    }
    await transaction.commit(exportState, request.offset + 1n);
    if (letter !== undefined) return 'dead_lettered';
    return outcome.kind === 'no_request' ? 'passed_over' : 'applied';
  } catch (error) {
    await transaction.abort();
    throw error;
  }
}

/** @returns the letter that the ticket is once more; undefined: it is published, or there is nothing to publish */
async function publishOrLetter(
  transaction: Transaction,
  { ticketId: asked }: RetryRequest,
  outcome: LetterOutcome,
): Promise<Letter | undefined> {
  if (outcome.kind === 'no_request') return undefined;
  if (outcome.kind === 'not_shown') return notShown(outcome.cause);
  const { slice, position } = outcome;
  if (slice.kind === 'unread') {
    const { byteLength, sha256, reason, head } = slice;
    const isTooLarge = reason === 'too_large';
    return {
      code: isTooLarge ? 'ticket.too_large' : 'ticket.too_deep',
      cause: `a ticket of ${byteLength} bytes is still ${isTooLarge ? 'over the size limit' : 'nested too deep'}`,
      bytes: head,
      whole: { byteLength, sha256 },
    };
  }
  const shown = ticketId(slice.bytes, slice.parsed);
  if (shown !== undefined && shown !== asked) return notShown(`Zendesk shows ticket ${shown} in its place`);
  try {
    await publish(transaction, slice, position);
    return undefined;
  } catch (error) {
    const isOfTicket = isTicketStreamError(error) && error.code.startsWith('ticket.');
    if (!isOfTicket) throw error;
    return { code: error.code, cause: error.message, bytes: slice.bytes };
  }
}

function notShown(cause: string): Letter {
  return { code: 'ticket.not_shown', cause, bytes: Buffer.alloc(0) };
}

async function publish(
  transaction: Transaction,
  { bytes, parsed }: ReadTicket,
  position: number | undefined,
): Promise<void> {
  const { id, stamp, deleted } = identifyTicket(bytes, parsed);
  await transaction.publish(
    {
      ticketId: id,
      kind: deleted ? 'deleted' : 'changed',
      // letter-retries.ts says why.
      stamp: Math.max(stamp, position ?? 0),
      digest: ticketDigest(bytes),
    },
    bytes,
  );
}
