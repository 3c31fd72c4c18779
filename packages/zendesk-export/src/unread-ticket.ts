import { createHash } from 'node:crypto';
import { isTicketId, usableSecond } from '@ticket-stream/ticket';
import type { Token } from 'stream-json/core/parser.js';
import { JsonTokens } from './json-tokens.ts';
import { malformed } from './page-fields.ts';

/**
 * A ticket over a limit: it goes by without being kept. What is left of it is enough for a dead letter, and for a
 * person to fetch it again.
 */
export interface UnreadTicket {
  readonly kind: 'unread';
  readonly reason: 'too_large' | 'too_deep';
  /** Its first 64 KiB, or all of it where it is shorter. */
  readonly head: Buffer;
  readonly byteLength: number;
  /** Of all its bytes, 64 hex digits. */
  readonly sha256: string;
  /** Decimal digits as they stand in the text; undefined where it has none, or where it came after a depth over the limit. */
  readonly id: string | undefined;
  /** Epoch seconds; undefined where it has none that can be used, or where it came after a depth over the limit. */
  readonly generatedSecond: number | undefined;
}

const HEAD_BYTES = 65_536;
const FIELD_CHARS_MAX = 64;

/**
 * Takes the bytes of such a ticket in any cut. It is checked by stream-json as the page is, so that an unread
 * ticket cannot hide a damaged page; a ticket too deep is checked up to that depth (a parser's stack grows with it),
 * and after it only its brackets are counted and its strings followed.
 */
export class UnreadTicketReader {
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #byteLength = 0;
  #tooDeep: boolean = false;
  readonly #hash = createHash('sha256');
  readonly #tokens = new JsonTokens();
  readonly #fields = new TopLevelFields();

  /**
   * @param deepFrom  first byte that is nested too deep or comes after such a one; the length where there is none. What
   *                  stands before it is read in any cut alike: the same ticket has the same id each time it comes.
   * @throws zendesk.page_malformed  the ticket is not JSON
   */
  write(bytes: Buffer, deepFrom: number): void {
    this.#byteLength += bytes.length;
    this.#hash.update(bytes);
    if (this.#headBytes < HEAD_BYTES) {
      const part = Buffer.from(bytes.subarray(0, HEAD_BYTES - this.#headBytes));
      this.#head.push(part);
      this.#headBytes += part.length;
    }
    if (this.#tooDeep) return;
    this.#check(() => this.#tokens.write(this.#tokens.decode(bytes.subarray(0, deepFrom))));
    this.#tooDeep = deepFrom < bytes.length;
  }

  /** @throws zendesk.page_malformed  the ticket is not JSON */
  end(): UnreadTicket {
    if (!this.#tooDeep) this.#check(() => this.#tokens.end());
    return {
      kind: 'unread',
      reason: this.#tooDeep ? 'too_deep' : 'too_large',
      head: Buffer.concat(this.#head),
      byteLength: this.#byteLength,
      sha256: this.#hash.digest('hex'),
      id: this.#fields.id,
      generatedSecond: this.#fields.generatedSecond,
    };
  }

  #check(tokens: () => readonly Token[]): void {
    let read: readonly Token[];
    try {
      read = tokens();
    } catch {
      throw malformed('a ticket over the size limit is not JSON');
    }
    this.#fields.read(read);
  }
}

/** `id` and `generated_timestamp` of the outermost object; of a key given twice the last, as JSON.parse has it. */
class TopLevelFields {
  id: string | undefined;
  generatedSecond: number | undefined;
  #depth = 0;
  #isObject: boolean = false;
  #key = '';
  #text = '';

  read(tokens: readonly Token[]): void {
    for (const token of tokens) {
      switch (token.name) {
        case 'startObject':
        case 'startArray':
          if (this.#depth === 0) this.#isObject = token.name === 'startObject';
          if (this.#depth === 1) this.#value(undefined);
          this.#depth++;
          break;
        case 'endObject':
        case 'endArray':
          this.#depth--;
          break;
        case 'startKey':
        case 'startString':
        case 'startNumber':
          this.#text = '';
          break;
        case 'stringChunk':
        case 'numberChunk':
          if (this.#depth === 1 && this.#text.length <= FIELD_CHARS_MAX) this.#text += token.value;
          break;
        case 'endKey':
          if (this.#depth === 1) this.#key = this.#text;
          break;
        case 'endString':
        case 'endNumber':
          this.#value(token.name === 'endNumber' ? 'number' : 'string');
          break;
        case 'nullValue':
        case 'trueValue':
        case 'falseValue':
          this.#value(undefined);
          break;
        default:
          break;
      }
    }
  }

  #value(kind: 'number' | 'string' | undefined): void {
    if (this.#depth !== 1 || !this.#isObject) return;
    if (this.#key === 'id') this.id = kind !== undefined && isTicketId(this.#text) ? this.#text : undefined;
    if (this.#key === 'generated_timestamp') {
      this.generatedSecond = kind === 'number' ? usableSecond(Number(this.#text)) : undefined;
    }
  }
}
