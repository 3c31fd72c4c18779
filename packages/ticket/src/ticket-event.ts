import { TicketStreamError } from '@ticket-stream/errors';
import { isTicketId } from './ticket.ts';
import { formatRfc3339Second, parseRfc3339Second } from './updated-stamp.ts';

/**
 * The event as it lies in Kafka: CloudEvents 1.0.2, Kafka binding, binary mode. The value is the ticket's JSON byte
 * for byte as Zendesk sent it, with sideloads as a last member (embedded-sideloads.ts); everything a consumer needs to
 * decide whether it wants the value is in the headers.
 */
export const eventTypes = {
  changed: 'com.zendesk.ticket.changed',
  deleted: 'com.zendesk.ticket.deleted',
} as const;

/**
 * The newest published schema of the value (packages/ticket/schema). A new version only ever adds knowledge: what reads
 * version 1 reads all of them. A break would be another `ce_type`.
 */
export const TICKET_SCHEMA_VERSION = 1;

/**
 * `ce_dataschema`, and the `$id` of that schema. A name, not an address: where the project is published is no matter of
 * a record that lies in a log for years.
 */
export function ticketSchemaUri(version: number): string {
  return `urn:ticket-stream:schema:ticket:${version}`;
}

const DATA_SCHEMA = ticketSchemaUri(TICKET_SCHEMA_VERSION);

export interface TicketEvent {
  readonly ticketId: string;
  readonly kind: keyof typeof eventTypes;
  /** Epoch seconds. */
  readonly stamp: number;
  /** First 32 hex digits of the SHA-256 of the value without its `_embedded`. */
  readonly digest: string;
  /** The account, a URI; in a header anything else is percent-encoded. */
  readonly source: string;
  /** The log's id, a UUID made with the topic. */
  readonly logId: string;
}

/** A version published again has the same id. */
export function eventId(event: Pick<TicketEvent, 'ticketId' | 'stamp' | 'digest'>): string {
  return `${event.ticketId}-${event.stamp}-${event.digest}`;
}

/** Headers of the record whose key is `event.ticketId`; the trace context is the publisher's to add. */
export function encodeEventHeaders(event: TicketEvent): Record<string, string> {
  const time = formatRfc3339Second(event.stamp);
  return {
    'content-type': 'application/json',
    ce_specversion: '1.0',
    ce_id: eventId(event),
    ce_type: eventTypes[event.kind],
    ce_source: asUri(event.source),
    ce_subject: event.ticketId,
    ce_time: time,
    ce_updatedstamp: time,
    ce_digest: event.digest,
    ce_logid: event.logId,
    ce_dataschema: DATA_SCHEMA,
  };
}

/** A scheme and what may follow it, or the origin of an IPv6 address in brackets. */
const URI = /^[a-z][a-z\d+.-]*:(?:\/\/\[[\da-f:.]+\](?::\d+)?|(?:[\w\-.~:/?@!$&'()*+,;=]|%[\da-f]{2})*)$/i;

/** One account a process: its source is judged once, not for every event. */
let lastSource: { readonly text: string; readonly uri: string } | undefined;

/**
 * CloudEvents asks for a URI reference. What an operator may name an account (EXPORT_SOURCE: a scheme and ASCII) is not
 * always one, `a:[b]` or `a:%`; that is percent-encoded as a whole.
 */
function asUri(source: string): string {
  if (lastSource?.text !== source) {
    const isUri = URI.test(source) && URL.canParse(source);
    lastSource = { text: source, uri: isUri ? source : encodeURIComponent(source.toWellFormed()) };
  }
  return lastSource.uri;
}

/** null: Kafka allows a header without a value, and kafkajs hands it over so, which its types do not say. */
type RawHeader = Buffer | string | null;

/** As kafkajs hands headers over: a header given twice is an array. */
export type RawHeaders = Readonly<Record<string, RawHeader | RawHeader[] | undefined>>;

const DIGEST = /^[0-9a-f]{32}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Reads key and headers of a record of the tickets topic, all that dedupe needs; the value is not looked at.
 * @throws record.invalid_headers  naming the first header that is missing, given twice, or not what it must be
 */
export function decodeEvent(key: Buffer | null | undefined, headers: RawHeaders | undefined): TicketEvent {
  const ticketId = key?.toString('latin1') ?? '';
  if (!isTicketId(ticketId)) throw invalid('the key', 'a ticket id in decimal digits');
  const type = single(headers, 'ce_type');
  const kind = type === eventTypes.changed ? 'changed' : type === eventTypes.deleted ? 'deleted' : undefined;
  if (kind === undefined) throw invalid('ce_type', 'one of the types this version knows');
  const stamp = parseRfc3339Second(single(headers, 'ce_updatedstamp'));
  if (stamp === undefined) throw invalid('ce_updatedstamp', 'an RFC 3339 time');
  const digest = single(headers, 'ce_digest');
  if (!DIGEST.test(digest)) throw invalid('ce_digest', '32 hex digits');
  const logId = single(headers, 'ce_logid');
  if (!UUID.test(logId)) throw invalid('ce_logid', 'a UUID');
  const source = single(headers, 'ce_source');
  // Bytes that are no UTF-8 are read as U+FFFD. The headers above would not match then; this one may hold anything.
  if (source === '' || source.includes('\ufffd')) throw invalid('ce_source', 'a URI');
  return { ticketId, kind, stamp, digest, source, logId };
}

function single(headers: RawHeaders | undefined, name: string): string {
  const value = headers?.[name];
  if (value === undefined || value === null) throw invalid(name, 'there');
  if (Array.isArray(value)) throw invalid(name, 'given once');
  return typeof value === 'string' ? value : value.toString('utf8');
}

function invalid(what: string, must: string): TicketStreamError {
  return new TicketStreamError('record.invalid_headers', `${what} of the record is not ${must}`, {
    context: { header: what },
  });
}
