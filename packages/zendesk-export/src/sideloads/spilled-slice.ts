import type { TicketSlice } from '../page-reader.ts';
import type { UnreadTicket } from '../unread-ticket.ts';

/** A slice as an entry of the spill: a byte that says which kind, then its bytes; an unread one's fields before its head. */
const TICKET = Buffer.from([0]);
const UNREAD = Buffer.from([1]);
const LENGTH_BYTES = 4;

export function toEntry(slice: TicketSlice): readonly Buffer[] {
  if (slice.kind === 'ticket') return [TICKET, slice.bytes];
  const { head, ...rest } = slice;
  const fields = Buffer.from(JSON.stringify(rest));
  const length = Buffer.allocUnsafe(LENGTH_BYTES);
  length.writeUInt32LE(fields.length);
  return [UNREAD, length, fields, head];
}

/** The slice again, with bytes of its own: an entry is a view of a larger piece, which a slice kept would keep whole. */
export function fromEntry(entry: Buffer): TicketSlice {
  if (entry[0] === TICKET[0]) {
    const bytes = Buffer.from(entry.subarray(1));
    return { kind: 'ticket', bytes, parsed: JSON.parse(bytes.toString('utf8')) };
  }
  const start = 1 + LENGTH_BYTES;
  const end = start + entry.readUInt32LE(1);
  const fields = JSON.parse(entry.toString('utf8', start, end)) as Partial<Omit<UnreadTicket, 'head'>> &
    Pick<UnreadTicket, 'kind' | 'reason' | 'byteLength' | 'sha256'>;
  return {
    kind: fields.kind,
    reason: fields.reason,
    head: Buffer.from(entry.subarray(end)),
    byteLength: fields.byteLength,
    sha256: fields.sha256,
    id: fields.id,
    generatedSecond: fields.generatedSecond,
  };
}
