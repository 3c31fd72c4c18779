/**
 * Finds where the elements of some top-level arrays of an export page (the tickets, and sideloads where asked for)
 * lie in its bytes, without decoding them.
 *
 * It follows strings, escapes and brackets only, and trusts the page to be JSON: what it cuts is right for every
 * page whose remainder (with `null` in the place of each element) is valid JSON and whose elements are, and
 * page-reader.ts checks both. Every significant byte of JSON is ASCII, and no byte of a longer UTF-8 sequence is,
 * so bytes need no decoding here, whole or damaged.
 *
 * States:
 *   page     outside these arrays; top-level keys are read, to recognise theirs however they are escaped
 *   between  inside such an array, between two elements
 *   nested   inside an element that is an object or an array; ends with its last bracket
 *   text     inside an element that is a string
 *   scalar   inside an element that is none of these (a number, a literal, or garbage); ends before the next
 *            byte that cannot belong to one
 * Within page, nested and text, `inString` says whether the next byte is inside a string, and `escaped` that it
 * is the one after a backslash: a chunk may end anywhere.
 */
export interface Cut {
  readonly kind: 'page' | 'element';
  /** element: the key of the array it is one of; page: empty. */
  readonly array: string;
  /** First byte in the chunk scanned. */
  readonly start: number;
  /** First byte after it. */
  readonly end: number;
  /** element: this cut begins an element; otherwise it goes on with the one the last chunk left open. */
  readonly begins: boolean;
  /** element: it ends with this cut; otherwise the next chunk goes on with it. */
  readonly ends: boolean;
  /** element: first byte in the chunk that is nested deeper than the limit or comes after such a one; `end` without. */
  readonly deepFrom: number;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
/** `[` and `{` differ from each other in this bit alone, as do `]` and `}`; no other byte meets them under it. */
const BRACKET_BIT = 0x20;

const PAGE = 0;
const BETWEEN = 1;
const NESTED = 2;
const TEXT = 3;
const SCALAR = 4;

/** Bytes of a string looked at one by one before a native search takes over; most strings of a ticket are shorter. */
const NEAR_BYTES = 32;
const NOT_FOUND = Number.MAX_SAFE_INTEGER;

/** Of a character of a key written as an escape. */
const ESCAPE_BYTES = 6;

const endsScalar = new Uint8Array(256);
for (const byte of [
  0x20,
  0x09,
  0x0a,
  0x0d,
  QUOTE,
  COMMA,
  COLON,
  OPEN_ARRAY,
  CLOSE_ARRAY,
  OPEN_OBJECT,
  CLOSE_OBJECT,
]) {
  endsScalar[byte] = 1;
}
const isSpace = new Uint8Array(256);
for (const byte of [0x20, 0x09, 0x0a, 0x0d]) isSpace[byte] = 1;

export class ElementScanner {
  readonly #depthMax: number;
  readonly #arrays: readonly string[];
  #state: typeof PAGE | typeof BETWEEN | typeof NESTED | typeof TEXT | typeof SCALAR = PAGE;
  #inString: boolean = false;
  #escaped: boolean = false;
  /** Brackets open outside elements. */
  #depth = 0;
  /** Brackets open inside the element; 0 outside. */
  #elementDepth = 0;
  /** In this chunk; of what is not too deep, beyond every chunk. */
  #deepFrom = NOT_FOUND;
  /** The byte scanned last begins an element. */
  #elementBegins: boolean = false;
  #pageTooDeep: boolean = false;
  /** At depth 1: the next string is a key. */
  #keyExpected: boolean = false;
  #readingKey: boolean = false;
  /** As long as the longest of their keys can be; a longer one is another's. */
  readonly #key: Buffer;
  #keyBytes = 0;
  /** At depth 1: the last key, if it is one of theirs and its value has not come yet. */
  #keyOfArray: string | undefined;
  /** The key of the array that is open. */
  #array = '';
  /** The next of each in this chunk, searched ahead natively and kept until passed: no byte is searched twice. */
  #nextBackslash = -1;
  #nextQuote = -1;

  /**
   * @param depthMax  brackets open at once, in an element as in the page around them
   * @param arrays    keys of the arrays whose elements are cut out
   */
  constructor(depthMax: number, arrays: readonly string[]) {
    this.#depthMax = depthMax;
    this.#arrays = arrays;
    this.#key = Buffer.alloc(ESCAPE_BYTES * Math.max(...arrays.map((name) => name.length)));
  }

  /** The page around the elements is nested deeper than the limit; nothing after it is to be trusted. */
  get pageTooDeep(): boolean {
    return this.#pageTooDeep;
  }

  /** Cuts the chunk into what belongs to elements and what to the page, in order and without a gap. */
  scan(chunk: Buffer): Cut[] {
    const cuts: Cut[] = [];
    if (this.#deepFrom !== NOT_FOUND) this.#deepFrom = 0;
    this.#nextBackslash = -1;
    this.#nextQuote = -1;
    let at = 0;
    while (at < chunk.length) {
      const start = at;
      switch (this.#state) {
        case PAGE:
          at = this.#scanPage(chunk, start);
          cuts.push({ kind: 'page', array: '', start, end: at, begins: false, ends: false, deepFrom: at });
          break;
        case BETWEEN:
          at = this.#scanBetween(chunk, start);
          if (at > start)
            cuts.push({
              kind: 'page',
              array: '',
              start,
              end: at,
              begins: false,
              ends: false,
              deepFrom: at,
            });
          if (this.#elementBegins) at = this.#scanElement(chunk, at, true, cuts);
          break;
        default:
          at = this.#scanElement(chunk, start, false, cuts);
      }
    }
    return cuts;
  }

  #scanPage(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    while (at < length) {
      if (this.#readingKey) {
        at = this.#readKey(chunk, at);
        continue;
      }
      if (this.#inString) {
        at = this.#skipString(chunk, at);
        continue;
      }
      const byte = chunk[at++] as number;
      if (byte === QUOTE) {
        if (this.#depth === 1 && this.#keyExpected) {
          this.#readingKey = true;
          this.#keyBytes = 0;
        }
        this.#inString = true;
      } else if ((byte | BRACKET_BIT) === OPEN_OBJECT) {
        const opens =
          byte === OPEN_ARRAY && this.#depth === 1 && !this.#keyExpected ? this.#keyOfArray : undefined;
        this.#depth++;
        if (this.#depth === 1) this.#keyExpected = byte === OPEN_OBJECT;
        if (this.#depth > this.#depthMax) this.#pageTooDeep = true;
        if (opens !== undefined) {
          this.#array = opens;
          this.#keyOfArray = undefined;
          this.#state = BETWEEN;
          return at;
        }
      } else if ((byte | BRACKET_BIT) === CLOSE_OBJECT) {
        this.#depth--;
      } else if (this.#depth === 1) {
        if (byte === COMMA) {
          this.#keyExpected = true;
          this.#keyOfArray = undefined;
        } else if (byte === COLON) {
          this.#keyExpected = false;
        }
      }
    }
    return at;
  }

  #readKey(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    while (at < length) {
      const byte = chunk[at++] as number;
      if (!this.#escaped && byte === QUOTE) {
        this.#readingKey = false;
        this.#inString = false;
        this.#keyOfArray = this.#arrayOfKey();
        return at;
      }
      this.#escaped = !this.#escaped && byte === BACKSLASH;
      if (this.#keyBytes < this.#key.length) this.#key[this.#keyBytes] = byte;
      this.#keyBytes++;
    }
    return at;
  }

  #arrayOfKey(): string | undefined {
    if (this.#keyBytes > this.#key.length) return undefined;
    const raw = this.#key.toString('latin1', 0, this.#keyBytes);
    if (!raw.includes('\\')) return this.#arrays.find((name) => name === raw);
    try {
      const key: unknown = JSON.parse(`"${raw}"`);
      return this.#arrays.find((name) => name === key);
    } catch {
      return undefined; // No valid key; the page's parser refuses it.
    }
  }

  /** @returns where the next element begins (its state set), or just after the array's end, or the chunk's length */
  #scanBetween(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    for (; at < length; at++) {
      const byte = chunk[at] as number;
      if (byte === COMMA || isSpace[byte] === 1) continue;
      if (byte === CLOSE_ARRAY) {
        this.#depth--;
        this.#state = PAGE;
        return at + 1;
      }
      // Neither can begin an element: left in the page, whose parser refuses them.
      if (byte === CLOSE_OBJECT || byte === COLON) continue;
      this.#elementBegins = true;
      this.#deepFrom = NOT_FOUND;
      if ((byte | BRACKET_BIT) === OPEN_OBJECT) this.#state = NESTED;
      else if (byte === QUOTE) this.#state = TEXT;
      else this.#state = SCALAR;
      return at;
    }
    return at;
  }

  #scanElement(chunk: Buffer, start: number, begins: boolean, cuts: Cut[]): number {
    let end: number;
    let ends: boolean;
    this.#elementBegins = false;
    if (this.#state === NESTED) {
      end = this.#skipNested(chunk, start);
      ends = this.#elementDepth === 0;
    } else if (this.#state === TEXT) {
      if (begins) this.#inString = true;
      end = this.#skipString(chunk, begins ? start + 1 : start);
      ends = !this.#inString;
    } else {
      end = start;
      while (end < chunk.length && endsScalar[chunk[end] as number] === 0) end++;
      ends = end < chunk.length;
    }
    if (ends) this.#state = BETWEEN;
    cuts.push({
      kind: 'element',
      array: this.#array,
      start,
      end,
      begins,
      ends,
      deepFrom: Math.min(this.#deepFrom, end),
    });
    return end;
  }

  /** @returns the first byte after the bracket that closes the element, or the chunk's length */
  #skipNested(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    let depth = this.#elementDepth;
    while (at < length) {
      if (this.#inString) {
        at = this.#skipString(chunk, at);
        continue;
      }
      const byte = chunk[at++] as number;
      if (byte === QUOTE) {
        this.#inString = true;
      } else if ((byte | BRACKET_BIT) === OPEN_OBJECT) {
        depth++;
        if (depth > this.#depthMax && this.#deepFrom === NOT_FOUND) this.#deepFrom = at - 1;
      } else if ((byte | BRACKET_BIT) === CLOSE_OBJECT) {
        depth--;
        if (depth === 0) break;
      }
    }
    this.#elementDepth = depth;
    return at;
  }

  /** @returns the first byte after the closing quote (`inString` is false then), or the chunk's length */
  #skipString(chunk: Buffer, from: number): number {
    const { length } = chunk;
    let at = from;
    if (this.#escaped && at < length) {
      this.#escaped = false;
      at++;
    }
    for (;;) {
      const near = Math.min(at + NEAR_BYTES, length);
      while (at < near) {
        const byte = chunk[at] as number;
        if (byte === QUOTE) {
          this.#inString = false;
          return at + 1;
        }
        at += byte === BACKSLASH ? 2 : 1;
      }
      if (at >= length) {
        this.#escaped = at > length;
        return length;
      }
      if (this.#nextBackslash < at) this.#nextBackslash = find(chunk, BACKSLASH, at);
      if (this.#nextQuote < at) this.#nextQuote = find(chunk, QUOTE, at);
      if (this.#nextQuote < this.#nextBackslash) {
        this.#inString = false;
        return this.#nextQuote + 1;
      }
      if (this.#nextBackslash === NOT_FOUND) return length;
      at = this.#nextBackslash;
    }
  }
}

function find(chunk: Buffer, byte: number, from: number): number {
  const found = chunk.indexOf(byte, from);
  return found === -1 ? NOT_FOUND : found;
}
