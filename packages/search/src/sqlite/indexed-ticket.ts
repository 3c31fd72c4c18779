import { hash } from 'node:crypto';
import { CannotApply } from '@ticket-stream/subscriber';
import { parseRfc3339Second, type Ticket, type TicketChange } from '@ticket-stream/ticket';
import { everyMark, searchableText, tagMark, untaggedMark } from './searchable-text.ts';

/** What of a ticket can be searched. Ids are decimal digits; times epoch seconds. */
export interface IndexedTicket {
  readonly subject: string;
  readonly description: string;
  /** Tags, external id, custom fields: found by words, weighed less. */
  readonly other: string;
  readonly marks: string;
  readonly status: string | null;
  readonly priority: string | null;
  readonly type: string | null;
  readonly assignee: string | null;
  readonly group: string | null;
  readonly organization: string | null;
  readonly requester: string | null;
  readonly submitter: string | null;
  readonly created: number;
  readonly updated: number;
}

/** What is found by words: all that a score is made of. */
type IndexedText = Pick<IndexedTicket, 'subject' | 'description' | 'other' | 'marks'>;

/** @throws sink.cannot_apply  it will not be searchable however often it is tried, such as one nested too deep */
export function indexedTicket(change: TicketChange): IndexedTicket {
  try {
    return readTicket(change);
  } catch (error) {
    const { ticketId } = change;
    throw new CannotApply(`ticket ${ticketId} cannot be made searchable`, {
      cause: error,
      context: { ticketId },
    });
  }
}

function readTicket(change: TicketChange): IndexedTicket {
  const ticket = exactTicket(change.value, change.ticket);
  const { stamp } = change.version;
  return {
    ...indexedText(ticket),
    // The event's kind decides what is deleted, here as everywhere.
    status: change.kind === 'deleted' ? 'deleted' : lower(ticket.status),
    priority: lower(ticket.priority),
    type: lower(ticket.type),
    assignee: id(ticket.assignee_id),
    group: id(ticket.group_id),
    organization: id(ticket.organization_id),
    requester: id(ticket.requester_id),
    submitter: id(ticket.submitter_id),
    // A ticket without these times is still found and sorted: by its version, which every ticket has.
    created: parseRfc3339Second(ticket.created_at) ?? stamp,
    updated: parseRfc3339Second(ticket.updated_at) ?? stamp,
  };
}

function indexedText(ticket: Ticket): IndexedText {
  const tags = Array.isArray(ticket.tags) ? ticket.tags.filter((tag) => typeof tag === 'string') : [];
  return {
    subject: searchableText(text(ticket.subject) ?? text(ticket.raw_subject) ?? ''),
    description: searchableText(text(ticket.description) ?? ''),
    other: searchableText(otherText(ticket, tags)),
    marks: [everyMark, ...(tags.length === 0 ? [untaggedMark] : tags.map(tagMark))].join(' '),
  };
}

/** Tells whether a ticket is found by the same words as before: 48 bits. */
export function textDigest(value: Buffer): string {
  const ticket = exactTicket(value, JSON.parse(value.toString('utf8')) as Ticket);
  return hash('sha256', JSON.stringify(indexedText(ticket)), 'base64url').slice(0, 8);
}

const LONG_NUMBER = /[:[,]\s*-?\d{16,}/;

/**
 * The ticket with the digits of long whole numbers as text: a numeric custom field is 64 bits wide, and searched by
 * what its user typed. Rare, and slow (a call a value), so only tickets that hold such a number pay for it.
 */
function exactTicket(value: Buffer, read: Ticket): Ticket {
  const json = value.toString('utf8');
  if (!LONG_NUMBER.test(json)) return read;
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(context?.source ?? '')
      ? context?.source
      : value;
  return JSON.parse(json, reviver as (this: unknown, key: string, value: unknown) => unknown) as Ticket;
}

function otherText(ticket: Ticket, tags: readonly string[]): string {
  const parts = [...tags];
  const externalId = ticket['external_id'];
  if (typeof externalId === 'string') parts.push(externalId);
  const fields = ticket['custom_fields'];
  if (Array.isArray(fields)) {
    for (const field of fields as unknown[]) {
      if (typeof field !== 'object' || field === null) continue;
      const { value } = field as { value?: unknown };
      if (typeof value === 'string' || typeof value === 'number') parts.push(String(value));
      // A multi-select field holds its choices in a list.
      else if (Array.isArray(value)) {
        for (const choice of value as unknown[]) if (typeof choice === 'string') parts.push(choice);
      }
    }
  }
  return parts.join('\n');
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function lower(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value.toLowerCase() : null;
}

function id(value: unknown): string | null {
  return typeof value === 'number' || typeof value === 'string' ? String(value) : null;
}
