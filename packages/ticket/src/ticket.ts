import { TicketStreamError } from '@ticket-stream/errors';
import { deriveUpdatedStamp, usableSecond } from './updated-stamp.ts';

/**
 * The fields of a ticket that this project reads. Zendesk adds fields every year and an account adds its own:
 * everything else stays in the ticket, untouched, and in the bytes that are published.
 */
export interface Ticket {
  readonly id: number | string;
  readonly status?: string | null;
  readonly priority?: string | null;
  readonly type?: string | null;
  readonly subject?: string | null;
  readonly raw_subject?: string | null;
  readonly description?: string | null;
  readonly tags?: readonly string[] | null;
  readonly requester_id?: number | null;
  readonly submitter_id?: number | null;
  readonly assignee_id?: number | null;
  readonly group_id?: number | null;
  readonly organization_id?: number | null;
  readonly created_at?: string | null;
  readonly updated_at?: string | null;
  readonly generated_timestamp?: number | null;
  readonly satisfaction_rating?: { readonly score?: string | null } | string | null;
  readonly [field: string]: unknown;
}

/** What the producer must know of a ticket to publish it; the value published is the slice itself. */
export interface IdentifiedTicket {
  /** Decimal digits, exact also beyond 2^53. */
  readonly id: string;
  /** Epoch seconds. */
  readonly stamp: number;
  /** Epoch seconds; undefined where the ticket carries none that can be used. */
  readonly generatedSecond: number | undefined;
  readonly deleted: boolean;
}

const TICKET_ID = /^[1-9]\d{0,18}$/;

/** Decimal digits of 1 to 19 places without a leading zero: what a key of the topic, and a ticket's path, must be. */
export function isTicketId(text: string): boolean {
  return TICKET_ID.test(text);
}

/**
 * @param slice   the ticket's JSON as Zendesk sent it
 * @param parsed  `JSON.parse` of that slice
 * @throws ticket.no_id         not an object, or no id of 1 to 19 decimal digits
 * @throws ticket.own_embedded  it has a top-level `_embedded` of its own, where sideloads are put (embedded-sideloads.ts)
 * @throws ticket.no_version    none of its four times can be used
 */
export function identifyTicket(slice: Uint8Array, parsed: unknown): IdentifiedTicket {
  const id = ticketId(slice, parsed);
  if (id === undefined) throw new TicketStreamError('ticket.no_id', 'a ticket came without a usable id');
  const ticket = parsed as Ticket;
  if (Object.hasOwn(ticket, '_embedded')) {
    throw new TicketStreamError('ticket.own_embedded', `ticket ${id} has a field _embedded of its own`, {
      context: { ticketId: id },
    });
  }
  const stamp = deriveUpdatedStamp(ticket);
  if (stamp === undefined) {
    throw new TicketStreamError('ticket.no_version', `ticket ${id} carries no usable time`, {
      context: { ticketId: id },
    });
  }
  return {
    id,
    stamp,
    generatedSecond: usableSecond(ticket.generated_timestamp),
    deleted: ticket.status === 'deleted',
  };
}

/** The id of a parsed ticket in exact decimal digits; undefined where it has none. */
export function ticketId(slice: Uint8Array, parsed: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
  const { id } = parsed as { id?: unknown };
  if (typeof id === 'string') return isTicketId(id) ? id : undefined;
  if (typeof id !== 'number' || id <= 0) return undefined;
  if (Number.isSafeInteger(id)) return String(id);
  return exactTopLevelNumber(slice, 'id');
}

/**
 * The digits of a top-level number as they stand in the text. A double holds 2^53 at most, an id may be 64 bits
 * long; the reviver's `source` is the only standard way to the digits, and slow, so it runs for such ids alone.
 */
function exactTopLevelNumber(slice: Uint8Array, key: string): string | undefined {
  const sourceOf = new WeakMap<object, string>();
  const text = Buffer.from(slice.buffer, slice.byteOffset, slice.byteLength).toString('utf8');
  const root: unknown = JSON.parse(text, function (
    this: unknown,
    name,
    value,
    context?: { source?: string },
  ) {
    // Innermost objects are revived first; the holder tells the top-level key from a deeper one.
    if (name === key && typeof value === 'number' && context?.source !== undefined) {
      sourceOf.set(this as object, context.source);
    }
    return value;
  } as (this: unknown, key: string, value: unknown) => unknown);
  const digits = sourceOf.get(root as object);
  return digits !== undefined && isTicketId(digits) ? digits : undefined;
}
