/**
 * One ticket, as `GET /api/v2/tickets/{id}.json` shows it: `{"ticket":{…}}`. Read as a page of one, by the reader that
 * knows every limit: its bytes are lifted out as they came, what is over a limit goes by unread, and what is cut, no
 * JSON or of another shape is an error.
 */
import { malformed, truncated } from './page-fields.ts';
import { type PageLimits, streamPage, type TicketSlice } from './page-stream.ts';

/** Before the ticket there is its key alone; a body that begins otherwise is another's. */
const HEAD_BYTES_MAX = 1_024;
const HEAD = /^(?:\xef\xbb\xbf)?\s*\{\s*"ticket"\s*:\s*/;
/** After the ticket, the end of the object around it and white space. */
const TAIL_BYTES = 64;
const TAIL = /\s*\}\s*$/;

/**
 * @returns a ticket, or what is left of one over a limit
 * @throws zendesk.page_truncated, zendesk.page_malformed, zendesk.page_too_large, and what the body throws
 */
export async function readShownTicket(
  body: AsyncIterable<Uint8Array>,
  limits: PageLimits,
): Promise<TicketSlice> {
  const found: TicketSlice[] = [];
  for await (const slices of streamPage(asPage(body), limits, 'time')) {
    found.push(...slices);
    if (found.length > 1) throw malformed('it shows more than one ticket');
  }
  const [ticket] = found;
  if (ticket === undefined) throw truncated('it shows no ticket');
  return ticket;
}

/** The same bytes with a page's array and control fields around the ticket. */
async function* asPage(body: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void> {
  let head: Buffer | undefined = Buffer.alloc(0);
  let held = Buffer.alloc(0);
  for await (const chunk of body) {
    let bytes = Buffer.from(chunk);
    if (head !== undefined) {
      bytes = Buffer.concat([head, bytes]);
      const match = HEAD.exec(bytes.toString('latin1', 0, HEAD_BYTES_MAX));
      if (match === null && bytes.length < HEAD_BYTES_MAX) {
        head = bytes;
        continue;
      }
      if (match === null) throw malformed('it does not begin with a ticket');
      yield Buffer.from('{"tickets":[');
      bytes = bytes.subarray(match[0].length);
      head = undefined;
    }
    bytes = Buffer.concat([held, bytes]);
    const passed = Math.max(0, bytes.length - TAIL_BYTES);
    if (passed > 0) yield bytes.subarray(0, passed);
    held = bytes.subarray(passed);
  }
  if (head !== undefined)
    throw head.length === 0 ? truncated('it is empty') : malformed('it holds no ticket');
  const last = held.toString('latin1');
  const end = TAIL.exec(last);
  yield held.subarray(0, end === null ? held.length : end.index);
  if (end !== null) yield Buffer.from('],"count":1,"end_of_stream":true,"next_page":null,"end_time":1}');
}
