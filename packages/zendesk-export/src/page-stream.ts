import { TicketStreamError } from '@ticket-stream/errors';
import { JsonTokens } from './json-tokens.ts';
import { type ExportMode, malformed, PageFields, type PageTail, truncated } from './page-fields.ts';
import { type Cut, TicketScanner } from './ticket-scanner.ts';
import { type UnreadTicket, UnreadTicketReader } from './unread-ticket.ts';

export interface PageLimits {
  /** Largest ticket that is kept and parsed, in bytes of its JSON; a larger one comes as an UnreadTicket. */
  readonly ticketBytesMax: number;
  /** Largest page, decoded. */
  readonly pageBytesMax: number;
  /** Brackets open at once: in a ticket (deeper: an UnreadTicket), and in the page around the tickets. */
  readonly depthMax: number;
}

export interface ReadTicket {
  readonly kind: 'ticket';
  /** One element of the tickets array, byte for byte as it came. It is the receiver's to keep. */
  readonly bytes: Buffer;
  /**
   * `JSON.parse` of it; anything that JSON can be, an object or not. To look at, not to publish: numbers are
   * doubles, and V8 mistakes a key written with an escape for another one once it has met a key that holds a backslash
   * (nodejs/node#63785). Zendesk's own keys have neither; `bytes` are right in any case.
   */
  readonly parsed: unknown;
}

export type TicketSlice = ReadTicket | UnreadTicket;

/** Bytes taken on at once: bounds a batch whatever the size of the body's chunks. */
const PIECE_BYTES = 262_144;
const BOM = [0xef, 0xbb, 0xbf] as const;

/**
 * Yields the tickets of one export page as they arrive; memory holds one piece of the body and one ticket, whatever
 * the page's size.
 *
 * A scanner lifts each element of the top-level `tickets` array out of the bytes and leaves `null` in its place;
 * stream-json parses the page with these holes, so structure, separators, sideloads, control fields and the
 * document's end are checked by a parser; each ticket is parsed once, on its own, by JSON.parse. Measured on a
 * 100 MB page of 4 KB tickets: page-stream.bench.ts.
 *
 * Nothing yielded may be made durable before the generator returned: only then was the page whole (promise 1).
 *
 * @param body    UTF-8 JSON in any chunking (a chunk may split a character); its chunks may be reused once the next
 *                is asked for. Destroyed when the reader stops early.
 * @param mode    which control fields make the page whole
 * @returns       tickets in page order, those of one piece together; when done, what the page says besides
 * @throws zendesk.page_truncated  the body ended inside the JSON
 * @throws zendesk.page_malformed  it is not JSON, not an export page, or a ticket of it is not JSON
 * @throws zendesk.page_too_large  more than pageBytesMax
 */
export async function* streamPage(
  body: AsyncIterable<Uint8Array>,
  limits: PageLimits,
  mode: ExportMode = 'time',
): AsyncGenerator<readonly TicketSlice[], PageTail> {
  const reader = new PageReader(limits, mode);
  for await (const chunk of body) {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
      const length = Math.min(PIECE_BYTES, chunk.length - start);
      const tickets = reader.read(Buffer.from(chunk.buffer, chunk.byteOffset + start, length));
      if (tickets.length > 0) yield tickets;
    }
  }
  return reader.end();
}

class PageReader {
  readonly #limits: PageLimits;
  readonly #scanner: TicketScanner;
  readonly #tokens = new JsonTokens();
  readonly #fields: PageFields;
  #bytes = 0;
  #bomBytes = 0;
  #tickets = 0;
  #ticketOpen: boolean = false;
  /** The beginning of a ticket that goes on in the next piece. */
  #partial = Buffer.alloc(0);
  #partialBytes = 0;
  #unread: UnreadTicketReader | undefined;

  constructor(limits: PageLimits, mode: ExportMode) {
    this.#limits = limits;
    this.#fields = new PageFields(mode);
    this.#scanner = new TicketScanner(limits.depthMax);
  }

  read(received: Buffer): TicketSlice[] {
    this.#bytes += received.length;
    if (this.#bytes > this.#limits.pageBytesMax) {
      throw new TicketStreamError('zendesk.page_too_large', 'the export page is larger than allowed', {
        context: { pageBytesMax: this.#limits.pageBytesMax },
      });
    }
    const piece = this.#withoutBom(received);
    const cuts = this.#scanner.scan(piece);
    // The page first: what its parser refuses is not worth parsing tickets for.
    this.#readPage(piece, cuts);
    return this.#readTickets(piece, cuts);
  }

  end(): PageTail {
    if (this.#bytes === 0) throw truncated('it is empty');
    if (this.#ticketOpen) throw truncated('inside a ticket');
    try {
      this.#fields.read(this.#tokens.end());
    } catch (error) {
      // At the end of the text the parser says in the same way "more was to come" and "that was no JSON" of the last
      // few characters; both are fetched again.
      throw error instanceof TicketStreamError ? error : truncated('inside the JSON');
    }
    const tail = this.#fields.end(this.#bytes);
    if (tail.ticketCount !== this.#tickets) {
      throw malformed(`${this.#tickets} tickets were lifted out of ${tail.ticketCount} elements`);
    }
    return tail;
  }

  /** A byte order mark has no place in JSON; one at the very beginning is passed over, as everybody does. */
  #withoutBom(piece: Buffer): Buffer {
    let at = 0;
    while (at < piece.length && this.#bomBytes < BOM.length) {
      if (piece[at] !== BOM[this.#bomBytes]) {
        if (this.#bomBytes > 0) throw malformed('it begins with half a byte order mark');
        this.#bomBytes = BOM.length;
        break;
      }
      this.#bomBytes++;
      at++;
    }
    return piece.subarray(at);
  }

  #readPage(piece: Buffer, cuts: readonly Cut[]): void {
    if (this.#scanner.pageTooDeep) throw malformed('it is nested deeper than allowed');
    let text = '';
    for (const cut of cuts) {
      if (cut.kind === 'page') text += this.#tokens.decode(piece.subarray(cut.start, cut.end));
      // The decoder may hold the lead of a broken character: the hole goes through it too, to keep the order.
      else if (cut.begins) text += this.#tokens.decode(HOLE);
    }
    try {
      this.#fields.read(this.#tokens.write(text));
    } catch (error) {
      throw error instanceof TicketStreamError ? error : malformed('it is not JSON');
    }
  }

  #readTickets(piece: Buffer, cuts: readonly Cut[]): TicketSlice[] {
    const slices: TicketSlice[] = [];
    for (const cut of cuts) {
      if (cut.kind === 'page') continue;
      if (cut.begins) {
        this.#tickets++;
        this.#ticketOpen = true;
      }
      const bytes = piece.subarray(cut.start, cut.end);
      const overLimit = cut.tooDeep || this.#partialBytes + bytes.length > this.#limits.ticketBytesMax;
      if (this.#unread === undefined && overLimit) {
        this.#unread = new UnreadTicketReader();
        this.#unread.write(this.#partial.subarray(0, this.#partialBytes), false);
        this.#dropPartial();
      }
      if (this.#unread !== undefined) {
        this.#unread.write(bytes, cut.tooDeep);
      } else if (!(cut.begins && cut.ends)) {
        this.#keepPart(bytes);
      }
      if (cut.ends) {
        slices.push(this.#takeTicket(bytes));
        this.#ticketOpen = false;
      }
    }
    return slices;
  }

  /** @param last  the ticket's last bytes, or all of them where it lies within one piece */
  #takeTicket(last: Buffer): TicketSlice {
    if (this.#unread !== undefined) {
      const ticket = this.#unread.end();
      this.#unread = undefined;
      return ticket;
    }
    // A copy: the piece may be reused by its owner, and a slice of it would keep it whole.
    const bytes = Buffer.from(this.#partialBytes > 0 ? this.#partial.subarray(0, this.#partialBytes) : last);
    this.#dropPartial();
    return { kind: 'ticket', bytes, parsed: parseTicket(bytes) };
  }

  /** Doubled as it grows: a ticket that comes byte by byte costs no more than one that comes whole. */
  #keepPart(bytes: Buffer): void {
    const needed = this.#partialBytes + bytes.length;
    if (needed > this.#partial.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#partial.length, 16_384));
      this.#partial.copy(larger, 0, 0, this.#partialBytes);
      this.#partial = larger;
    }
    bytes.copy(this.#partial, this.#partialBytes);
    this.#partialBytes = needed;
  }

  #dropPartial(): void {
    this.#partialBytes = 0;
    // One large ticket is no reason to hold its size for the rest of the page.
    if (this.#partial.length > PIECE_BYTES) this.#partial = Buffer.alloc(0);
  }
}

const HOLE = Buffer.from('null');

function parseTicket(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's own message quotes the text: it stays here.
    throw malformed('a ticket in it is not JSON');
  }
}
