/**
 * What becomes of each ticket of a page: published, dropped as a repeat of the boundary second, or set aside as a
 * dead letter with its bytes. All of it in the page's transaction, which begins with the first thing to write: a poll
 * that brings nothing new costs the broker nothing.
 */
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { DeadLetter, PagePublisher, PageTransaction } from '@ticket-stream/kafka';
import {
  embedSideloads,
  type IdentifiedTicket,
  identifyTicket,
  ticketDigest,
  ticketId,
} from '@ticket-stream/ticket';
import type { BoundaryFilter, ExportState, ReadTicket, UnreadTicket } from '@ticket-stream/zendesk-export';

/** A ticket, or what is left of one over a limit; `embedded`: the JSON of the records that belong to it. */
export type PageSlice = (ReadTicket & { readonly embedded?: Buffer | undefined }) | UnreadTicket;

export interface PageWriter {
  readonly counts: PageCounts;
  /** In page order. */
  take(slice: PageSlice): Promise<void>;
  /** The page's transaction, begun now where it is not. */
  transaction(): Promise<PageTransaction<ExportState>>;
  /** Whether there is anything to commit or abort. */
  readonly begun: boolean;
  abort(): Promise<void>;
}

/** exported = published + repeated + deadLettered */
export interface PageCounts {
  exported: number;
  published: number;
  repeated: number;
  deadLettered: number;
}

export function createPageWriter(page: {
  readonly publisher: PagePublisher<ExportState>;
  readonly boundary: BoundaryFilter;
  readonly source: string;
  /** Epoch seconds: of the page's request. */
  readonly startTime: number;
}): PageWriter {
  const { publisher, boundary, source, startTime } = page;
  const counts: PageCounts = { exported: 0, published: 0, repeated: 0, deadLettered: 0 };
  let open: PageTransaction<ExportState> | undefined;

  async function transaction(): Promise<PageTransaction<ExportState>> {
    open ??= await publisher.beginPage();
    return open;
  }

  /** Notes a ticket, or a dead letter, of the page. @returns true when it stands in the log already */
  function repeats(key: string, digest: string, generatedSecond: number | undefined): boolean {
    const repeat = boundary.isRepeat(key, digest);
    boundary.note(key, digest, generatedSecond);
    if (repeat) counts.repeated++;
    return repeat;
  }

  async function setAside(letter: Omit<DeadLetter, 'origin'>): Promise<void> {
    await (await transaction()).deadLetter({ ...letter, origin: { kind: 'export', source, startTime } });
    counts.deadLettered++;
  }

  async function takeRead(slice: Extract<PageSlice, { kind: 'ticket' }>): Promise<void> {
    const { bytes, parsed } = slice;
    const digest = ticketDigest(bytes);
    const ticket = identify(slice);
    if (ticket instanceof TicketStreamError) {
      const id = ticketId(bytes, parsed);
      if (repeats(id ?? digest, digest, undefined)) return;
      await setAside({ code: ticket.code, cause: ticket.message, ticketId: id, bytes });
      return;
    }
    if (repeats(ticket.id, digest, ticket.generatedSecond)) return;
    const { id, stamp, deleted } = ticket;
    const event = { ticketId: id, kind: deleted ? 'deleted' : 'changed', stamp, digest } as const;
    for (const value of valuesFor(slice, publisher.ticketBytesMax)) {
      try {
        await (await transaction()).publish(event, value);
        counts.published++;
        return;
      } catch (error) {
        // The broker refused this very value when the page was tried before.
        if (!isTicketStreamError(error, 'ticket.too_large')) throw error;
        if (value === bytes) await setAside({ code: error.code, cause: error.message, ticketId: id, bytes });
      }
    }
  }

  async function takeUnread(slice: UnreadTicket): Promise<void> {
    const { id, head, byteLength, sha256, reason, generatedSecond } = slice;
    const digest = sha256.slice(0, 32);
    if (repeats(id ?? digest, digest, generatedSecond)) return;
    const isTooLarge = reason === 'too_large';
    await setAside({
      code: isTooLarge ? 'ticket.too_large' : 'ticket.too_deep',
      cause: `a ticket of ${byteLength} bytes is ${isTooLarge ? 'over the size limit' : 'nested too deep'}`,
      ticketId: id,
      bytes: head,
      whole: { byteLength, sha256 },
    });
  }

  return {
    counts,
    get begun() {
      return open !== undefined;
    },
    transaction,
    async take(slice) {
      await (slice.kind === 'ticket' ? takeRead(slice) : takeUnread(slice));
      counts.exported++;
    },
    async abort() {
      await open?.abort();
    },
  };
}

/**
 * What is published of a ticket: the first of them that is not too large. One that its sideloads would make too large
 * goes without them: it is what counts.
 */
function valuesFor({ bytes, embedded }: Extract<PageSlice, { kind: 'ticket' }>, bytesMax: number): Buffer[] {
  if (embedded === undefined) return [bytes];
  const value = embedSideloads(bytes, embedded);
  return value.byteLength > bytesMax ? [bytes] : [value, bytes];
}

function identify(slice: ReadTicket): IdentifiedTicket | TicketStreamError {
  try {
    return identifyTicket(slice.bytes, slice.parsed);
  } catch (error) {
    if (isTicketStreamError(error)) return error;
    throw error;
  }
}
