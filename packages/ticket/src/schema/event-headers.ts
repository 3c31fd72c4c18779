/**
 * What stands in the headers of a record of the tickets topic, for people and for AsyncAPI. `ticket-event.ts` writes
 * and reads them; a test holds this table to what it writes.
 */

import { ticketDigest } from '../digest.ts';
import { encodeEventHeaders, eventTypes, type TicketEvent } from '../ticket-event.ts';

export interface HeaderText {
  readonly description: string;
  /** JSON Schema of the header's UTF-8 text. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** In every record; the others where the producer has something to say. */
  readonly always: boolean;
}

const MOMENT = String.raw`^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$`;
const TICKET_ID = String.raw`^[1-9]\d{0,18}$`;

/** Of the key, which is a ticket id as well. */
export const keySchema = {
  type: 'string',
  pattern: TICKET_ID,
  description: 'The ticket id: 1 to 19 decimal digits in ASCII, nothing else.',
} as const;

export const eventHeaders: Readonly<Record<string, HeaderText>> = {
  'content-type': {
    description: 'Media type of the value.',
    schema: { const: 'application/json' },
    always: true,
  },
  ce_specversion: { description: 'CloudEvents version.', schema: { const: '1.0' }, always: true },
  ce_id: {
    description: 'Names the version of the ticket: a version that is published again has the same id.',
    schema: { pattern: String.raw`^[1-9]\d{0,18}-\d{1,12}-[0-9a-f]{32}$` },
    always: true,
  },
  ce_type: {
    description:
      'Whether the ticket was changed (or made), or deleted; `deleted` also when a deleted ticket is scrubbed. A type that a reader does not know is not for it.',
    schema: { examples: Object.values(eventTypes) },
    always: true,
  },
  ce_source: {
    description: 'The account: a URI, the origin of its Zendesk, or what EXPORT_SOURCE says.',
    schema: { format: 'uri-reference', minLength: 1 },
    always: true,
  },
  ce_subject: { description: 'The ticket id, as the key.', schema: { pattern: TICKET_ID }, always: true },
  ce_time: { description: 'The same as `ce_updatedstamp`.', schema: { pattern: MOMENT }, always: true },
  ce_updatedstamp: {
    description:
      'The moment of this version, which decides which of two copies is newer; whole seconds, UTC.',
    schema: { pattern: MOMENT },
    always: true,
  },
  ce_digest: {
    description:
      'The first 32 hex digits of the SHA-256 of the ticket as Zendesk sent it: of the value without its `_embedded`.',
    schema: { pattern: '^[0-9a-f]{32}$' },
    always: true,
  },
  ce_logid: {
    description: 'Names the log: a UUID made with the topic. Offsets compare only where it is the same.',
    schema: { format: 'uuid', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' },
    always: true,
  },
  ce_dataschema: {
    description:
      'The schema of the value that was the newest when the record was written. Every version reads every record.',
    schema: { pattern: String.raw`^urn:ticket-stream:schema:ticket:\d+$` },
    always: true,
  },
  traceparent: {
    description: 'W3C trace context of the send; not where tracing is off.',
    schema: { pattern: '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$' },
    always: false,
  },
  tracestate: { description: 'W3C trace state, where the trace has one.', schema: {}, always: false },
};

/** Draft 07 and 2020-12 alike. @param kind  narrows `ce_type` to one of the types */
export function headersSchema(kind: TicketEvent['kind']): Record<string, unknown> {
  return {
    type: 'object',
    required: Object.keys(eventHeaders).filter((name) => eventHeaders[name]?.always === true),
    properties: Object.fromEntries(
      Object.entries(eventHeaders).map(([name, { description, schema }]) => [
        name,
        { type: 'string', ...(name === 'ce_type' ? { const: eventTypes[kind] } : schema), description },
      ]),
    ),
    additionalProperties: true,
  };
}

/** A record as the producer writes it; the examples of the documentation are cut from it. */
export function exampleRecord(kind: TicketEvent['kind']) {
  const changed =
    '{"id":35436,"subject":"The printer is on fire","status":"open","updated_at":"2026-11-24T13:44:00Z","generated_timestamp":1795527841}';
  const deleted = changed.replace('"open"', '"deleted"').replace('1795527841', '1795614241');
  const value = kind === 'deleted' ? deleted : changed;
  const event: TicketEvent = {
    ticketId: '35436',
    kind,
    stamp: kind === 'deleted' ? 1_795_614_241 : 1_795_527_841,
    digest: ticketDigest(Buffer.from(value)),
    source: 'https://acme.zendesk.com',
    logId: '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b',
  };
  const headers = {
    ...encodeEventHeaders(event),
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  };
  return { key: event.ticketId, headers, value };
}
