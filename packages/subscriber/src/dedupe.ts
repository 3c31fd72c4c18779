/**
 * Decides, for one batch in log order, which records move a ticket to a newer version. Pure: the stored versions
 * come in, decisions go out; nothing is read or written. Keeps promise 4 within a batch as ticket-version.ts keeps
 * it for one pair: each decision sees the ones before it.
 */
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { LogRecord } from '@ticket-stream/kafka';
import {
  compareToStored,
  decodeEvent,
  type Ticket,
  type TicketEvent,
  type TicketVersion,
  ticketId,
} from '@ticket-stream/ticket';

/** A record whose headers were read: all that is known before its value is parsed. */
export type DecodedRecord =
  | { readonly record: LogRecord; readonly event: TicketEvent; readonly version: TicketVersion }
  | { readonly record: LogRecord; readonly error: TicketStreamError };

export type Decision =
  | {
      readonly outcome: 'fresh';
      readonly record: LogRecord;
      readonly event: TicketEvent;
      readonly version: TicketVersion;
      readonly ticket: Ticket;
      readonly value: Buffer;
      readonly previous: Ticket | undefined;
    }
  | { readonly outcome: 'duplicate' | 'stale' | 'skipped'; readonly record: LogRecord }
  | { readonly outcome: 'deadLetter'; readonly record: LogRecord; readonly error: TicketStreamError };

export function decodeRecord(record: LogRecord): DecodedRecord {
  try {
    const event = decodeEvent(record.key, record.headers);
    const { stamp, digest, logId } = event;
    return {
      record,
      event,
      version: { stamp, digest, place: { logId, partition: record.partition, offset: record.offset } },
    };
  } catch (error) {
    if (isTicketStreamError(error)) return { record, error };
    throw error;
  }
}

/** The tickets of which some record may be fresh: only their stored documents are worth reading. */
export function possiblyFresh(
  decoded: readonly DecodedRecord[],
  stored: ReadonlyMap<string, TicketVersion>,
): string[] {
  const ids = new Set<string>();
  for (const item of decoded) {
    if ('error' in item) continue;
    const { ticketId } = item.event;
    if (compareToStored(stored.get(ticketId), item.version) === 'fresh') ids.add(ticketId);
  }
  return [...ids];
}

export interface KeptTickets {
  /** The documents of `possiblyFresh` as stored before the batch. */
  readonly tickets: ReadonlyMap<string, Ticket>;
  readonly excludeSystemUpdates: boolean;
}

/**
 * @param stored  versions of the batch's ticket ids as stored before the batch
 * @param kept    where the store keeps documents; without it, `previous` is undefined everywhere
 * @returns       one decision a record, in the same order; values are parsed of fresh records only
 */
export function decideBatch(
  decoded: readonly DecodedRecord[],
  stored: ReadonlyMap<string, TicketVersion>,
  kept?: KeptTickets,
): Decision[] {
  const current = new Map(stored);
  const documents = new Map(kept?.tickets);
  return decoded.map((item): Decision => {
    const { record } = item;
    if ('error' in item) return { outcome: 'deadLetter', record, error: item.error };
    const { event, version } = item;
    const freshness = compareToStored(current.get(event.ticketId), version);
    if (freshness !== 'fresh') return { outcome: freshness, record };
    const parsed = parseTicket(record, event);
    if (parsed instanceof TicketStreamError) return { outcome: 'deadLetter', record, error: parsed };
    const previous = documents.get(event.ticketId);
    if (kept?.excludeSystemUpdates === true && isSystemUpdate(event, parsed.ticket, previous)) {
      return { outcome: 'skipped', record };
    }
    current.set(event.ticketId, version);
    if (kept !== undefined) documents.set(event.ticketId, parsed.ticket);
    return { outcome: 'fresh', record, event, version, previous, ...parsed };
  });
}

/**
 * Whether only the system touched the ticket: `updated_at` is still the stored one's. Never said of a ticket not stored
 * yet, of one deleted, or scrubbed (which comes 30 days after the deletion, as another deleted event): who keeps a copy
 * must hear of those.
 */
function isSystemUpdate(event: TicketEvent, ticket: Ticket, previous: Ticket | undefined): boolean {
  if (previous === undefined || event.kind === 'deleted' || previous.status === 'deleted') return false;
  return typeof ticket.updated_at === 'string' && ticket.updated_at === previous.updated_at;
}

function parseTicket(
  record: LogRecord,
  event: TicketEvent,
): { ticket: Ticket; value: Buffer } | TicketStreamError {
  const { value } = record;
  if (value === null) return invalidValue(event, 'there is none');
  try {
    const parsed: unknown = JSON.parse(value.toString('utf8'));
    // An id beyond 2^53 is read by a walk that recurses: nested deep enough, a value can be parsed and its id not read.
    if (ticketId(value, parsed) === event.ticketId) return { ticket: parsed as Ticket, value };
    return invalidValue(event, 'it is not the ticket of its key');
  } catch (error) {
    return invalidValue(event, error instanceof SyntaxError ? 'it is not JSON' : 'it is nested too deep');
  }
}

function invalidValue(event: TicketEvent, why: string): TicketStreamError {
  return new TicketStreamError('record.invalid_value', `the record's value is no ticket: ${why}`, {
    context: { ticketId: event.ticketId },
  });
}
