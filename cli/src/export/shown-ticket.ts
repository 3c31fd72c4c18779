/** A ticket of an export page, as far as it is compared with the log. */
import { isTicketStreamError } from '@ticket-stream/errors';
import { identifyTicket, type Ticket, ticketDigest, ticketId } from '@ticket-stream/ticket';
import type { TicketSlice } from '@ticket-stream/zendesk-export';

export interface ShownTicket {
  /** The ticket's id; its digest where it has none, as dead letters are keyed. */
  readonly key: string;
  /** First 32 hex digits of the SHA-256 of its bytes, sideloads left out. */
  readonly digest: string;
  /** Epoch seconds; undefined where it carries none that can be used. */
  readonly generatedSecond: number | undefined;
  /** Its version, epoch seconds; undefined where it has none. */
  readonly stamp: number | undefined;
  readonly deleted: boolean;
  readonly supportType: 'agent' | 'ai_agent';
  /** Why it can never be published; the producer sets it aside. */
  readonly refusedBecause: string | undefined;
}

export function shownTicket(slice: TicketSlice): ShownTicket {
  if (slice.kind === 'unread') {
    const digest = slice.sha256.slice(0, 32);
    return {
      ...refusedTicket(slice.id ?? digest, digest),
      generatedSecond: slice.generatedSecond,
      refusedBecause: slice.reason === 'too_large' ? 'ticket.too_large' : 'ticket.too_deep',
    };
  }
  const digest = ticketDigest(slice.bytes);
  try {
    const { id, stamp, generatedSecond, deleted } = identifyTicket(slice.bytes, slice.parsed);
    const { support_type: support } = slice.parsed as Ticket;
    return {
      key: id,
      digest,
      generatedSecond,
      stamp,
      deleted,
      supportType: support === 'ai_agent' ? 'ai_agent' : 'agent',
      refusedBecause: undefined,
    };
  } catch (error) {
    if (!isTicketStreamError(error)) throw error;
    return {
      ...refusedTicket(ticketId(slice.bytes, slice.parsed) ?? digest, digest),
      refusedBecause: error.code,
    };
  }
}

function refusedTicket(key: string, digest: string) {
  return {
    key,
    digest,
    generatedSecond: undefined,
    stamp: undefined,
    deleted: false,
    supportType: 'agent',
  } as const;
}
