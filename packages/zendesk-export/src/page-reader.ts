import { TicketStreamError } from '@ticket-stream/errors';
import { type Cut, ElementScanner } from './element-scanner.ts';
import { JsonTokens } from './json-tokens.ts';
import { type ExportMode, malformed, PageFields, type PageTail, truncated } from './page-fields.ts';
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

/**
 * Takes the records of sideloads as they are lifted out of the page. What it throws ends the page.
 * A record over a limit of a ticket is checked to be JSON and left out.
 */
export interface SideloadTaker {
  /** Keys of the top-level arrays to lift. */
  readonly arrays: readonly string[];
  /** @param bytes  its own to keep */
  take(array: string, bytes: Buffer, parsed: unknown): void;
  leaveOut(): void;
}

const NO_SIDELOADS: SideloadTaker = { arrays: [], take: () => {}, leaveOut: () => {} };

/** Bytes taken on at once: bounds a batch whatever the size of the body's chunks. */
export const PIECE_BYTES = 262_144;
const BOM = [0xef, 0xbb, 0xbf] as const;
const HOLE = Buffer.from('null');

/**
 * Reads a page piece by piece: a scanner lifts each ticket (and each record of the sideloads asked for) out of the
 * bytes and leaves `null` in its place; stream-json parses the page with these holes, so structure, separators,
 * control fields and the document's end are checked by a parser; each element is parsed once, on its own, by
 * JSON.parse.
 */
export class PageReader {
  readonly #limits: PageLimits;
  readonly #sideloads: SideloadTaker;
  readonly #scanner: ElementScanner;
  readonly #tokens = new JsonTokens();
  readonly #fields: PageFields;
  #bytes = 0;
  #bomBytes = 0;
  #tickets = 0;
  #records = 0;
  #elementOpen: boolean = false;
  /** The beginning of an element that goes on in the next piece. */
  #partial = Buffer.alloc(0);
  #partialBytes = 0;
  #unread: UnreadTicketReader | undefined;

  constructor(limits: PageLimits, mode: ExportMode, sideloads: SideloadTaker = NO_SIDELOADS) {
    this.#limits = limits;
    this.#sideloads = sideloads;
    this.#fields = new PageFields(mode, sideloads.arrays);
    this.#scanner = new ElementScanner(limits.depthMax, ['tickets', ...sideloads.arrays]);
  }

  /**
   * @param received  at most PIECE_BYTES, its owner's again when this returns
   * @returns         the tickets that ended in it, in page order
   * @throws zendesk.page_malformed, zendesk.page_too_large, and what the taker of sideloads throws
   */
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
    return this.#readElements(piece, cuts);
  }

  /**
   * The body ended.
   * @throws zendesk.page_truncated, zendesk.page_malformed  the page is not whole
   */
  end(): PageTail {
    if (this.#bytes === 0) throw truncated('it is empty');
    if (this.#elementOpen) throw truncated('inside a ticket or a sideload');
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
    if (this.#fields.records !== this.#records) {
      throw malformed(`${this.#records} sideloads were lifted out of ${this.#fields.records} elements`);
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

  #readElements(piece: Buffer, cuts: readonly Cut[]): TicketSlice[] {
    const slices: TicketSlice[] = [];
    for (const cut of cuts) {
      if (cut.kind === 'page') continue;
      if (cut.begins) this.#elementOpen = true;
      const bytes = piece.subarray(cut.start, cut.end);
      const overLimit =
        cut.deepFrom < cut.end || this.#partialBytes + bytes.length > this.#limits.ticketBytesMax;
      if (this.#unread === undefined && overLimit) {
        this.#unread = new UnreadTicketReader();
        this.#unread.write(this.#partial.subarray(0, this.#partialBytes), this.#partialBytes);
        this.#dropPartial();
      }
      if (this.#unread !== undefined) {
        this.#unread.write(bytes, cut.deepFrom - cut.start);
      } else if (!(cut.begins && cut.ends)) {
        this.#keepPart(bytes);
      }
      if (cut.ends) {
        const slice = this.#takeElement(bytes);
        this.#elementOpen = false;
        if (cut.array === 'tickets') {
          this.#tickets++;
          slices.push(slice);
        } else {
          this.#records++;
          if (slice.kind === 'ticket') this.#sideloads.take(cut.array, slice.bytes, slice.parsed);
          else this.#sideloads.leaveOut();
        }
      }
    }
    return slices;
  }

  /** @param last  the element's last bytes, or all of them where it lies within one piece */
  #takeElement(last: Buffer): TicketSlice {
    if (this.#unread !== undefined) {
      const unread = this.#unread.end();
      this.#unread = undefined;
      return unread;
    }
    // A copy: the piece may be reused by its owner, and a slice of it would keep it whole.
    const bytes = Buffer.from(this.#partialBytes > 0 ? this.#partial.subarray(0, this.#partialBytes) : last);
    this.#dropPartial();
    return { kind: 'ticket', bytes, parsed: parseElement(bytes) };
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

function parseElement(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's own message quotes the text: it stays here.
    throw malformed('a ticket or a sideload in it is not JSON');
  }
}
