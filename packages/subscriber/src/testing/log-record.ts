import type { LogRecord } from '@ticket-stream/kafka';
import { encodeEventHeaders, ticketDigest } from '@ticket-stream/ticket';

export interface TestTicket {
  readonly id: number;
  readonly stamp: number;
  readonly value: Buffer;
}

export function ticket(id: number, stamp: number, content = 'x', fields: object = {}): TestTicket {
  return { id, stamp, value: Buffer.from(JSON.stringify({ id, subject: content, ...fields })) };
}

const SOURCE = 'https://acme.zendesk.com';
export const LOG_ID = '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b';

function eventHeaders({ id, stamp, value }: TestTicket, logId = LOG_ID) {
  return encodeEventHeaders({
    ticketId: String(id),
    kind: 'changed',
    stamp,
    digest: ticketDigest(value),
    source: SOURCE,
    logId,
  });
}

/** As it is read from partition 0. */
export function logRecord(sent: TestTicket, offset: number): LogRecord {
  return {
    partition: 0,
    offset: BigInt(offset),
    publishedAtMs: 0,
    key: Buffer.from(String(sent.id)),
    value: sent.value,
    headers: eventHeaders(sent),
  };
}
