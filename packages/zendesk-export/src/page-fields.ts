import { TicketStreamError } from '@ticket-stream/errors';
import type { Token } from 'stream-json/core/parser.js';

/** Which of the two exports is read: by `start_time` and `end_time`, or by `after_cursor`. */
export type ExportMode = 'time' | 'cursor';

/**
 * What an export page says besides its tickets. "Whole" is decided here: promise 1, "nothing lost", rests on
 * `end()` refusing every page whose control fields did not arrive.
 *
 * Each mode has its own control fields. Those of the other mode are keys like any other: whatever they hold, they
 * neither make a page whole nor spoil it, for nothing is decided by them.
 */
export interface PageTail {
  /** Cursor mode: opaque, the `cursor` of the next request. Undefined in time mode, and where it came as null. */
  readonly afterCursor: string | undefined;
  /** `end_time`, epoch seconds: the start of the next request. Undefined in cursor mode, as is `nextStartTime`. */
  readonly endTime: number | undefined;
  /** `start_time` taken out of `next_page`; its host is nobody's business (we ask the configured one). */
  readonly nextStartTime: number | undefined;
  /** A control field came as null and nothing tells where to go on: the same again, at the paced interval. */
  readonly askAgain: boolean;
  readonly count: number | undefined;
  readonly endOfStream: boolean | undefined;
  /** Elements of the tickets array, whatever they are. */
  readonly ticketCount: number;
  /** Of the decoded body. */
  readonly bytes: number;
}

type ControlKinds = ReadonlyMap<string, 'number' | 'string' | 'boolean'>;

/**
 * Control fields and their types; each may be null. Cursor pages also have `after_url` (the cursor once more, behind
 * a host that is nobody's business) and `before_*`: not needed. They have no `count` [rec], but one that came would be held
 * against the tickets as in time mode.
 */
const controlKindsOf: Readonly<Record<ExportMode, ControlKinds>> = {
  time: new Map([
    ['end_time', 'number'],
    ['next_page', 'string'],
    ['count', 'number'],
    ['end_of_stream', 'boolean'],
  ]),
  cursor: new Map([
    ['after_cursor', 'string'],
    ['count', 'number'],
    ['end_of_stream', 'boolean'],
  ]),
};

/** 9999-12-31T23:59:59Z; a larger end_time is no time, and going on from it would lose everything before it. */
const LATEST_SECOND = 253_402_300_799;
/** Of a top-level key: a longer one is none of ours. Of a control value: a longer one is wrong. */
const KEY_CHARS_MAX = 64;
const VALUE_CHARS_MAX = 16_384;

/** Where the next request goes on. */
type NextPlace = Pick<PageTail, 'afterCursor' | 'endTime' | 'nextStartTime' | 'askAgain'>;

export function malformed(why: string): TicketStreamError {
  return new TicketStreamError('zendesk.page_malformed', `the export page is malformed: ${why}`);
}

export function truncated(why: string): TicketStreamError {
  return new TicketStreamError('zendesk.page_truncated', `the export page ended early: ${why}`);
}

/**
 * Reads the tokens of a page, the places of tickets and lifted sideloads holding anything: top-level control fields
 * are put together, everything else (sideloads nobody asked for, unknown keys) is passed over token by token.
 */
export class PageFields {
  readonly #mode: ExportMode;
  readonly #controlKinds: ControlKinds;
  readonly #sideloads: ReadonlySet<string>;
  #depth = 0;
  #ended: boolean = false;
  #key = '';
  #text = '';
  #collecting: boolean = false;
  readonly #arraysSeen = new Set<string>();
  /** `tickets` or a sideload, while inside that array. */
  #inArray: string | undefined;
  #tickets = 0;
  #records = 0;
  readonly #values = new Map<string, string | number | boolean | null>();

  /** @param sideloads  keys of the sideloads that are lifted out */
  constructor(mode: ExportMode, sideloads: readonly string[]) {
    this.#mode = mode;
    this.#controlKinds = controlKindsOf[mode];
    this.#sideloads = new Set(sideloads);
  }

  /** Elements of the lifted sideloads so far, whatever they are. */
  get records(): number {
    return this.#records;
  }

  /** @throws zendesk.page_malformed  not an object, two keys of `tickets`, a lifted sideload or a control field, wrong types */
  read(tokens: readonly Token[]): void {
    for (const token of tokens) {
      switch (token.name) {
        case 'startObject':
        case 'startArray':
          this.#open(token.name === 'startArray');
          break;
        case 'endObject':
        case 'endArray':
          this.#depth--;
          if (this.#depth === 1) this.#inArray = undefined;
          if (this.#depth === 0) this.#ended = true;
          break;
        case 'startKey':
          this.#collecting = this.#depth === 1;
          this.#text = '';
          break;
        case 'endKey':
          if (this.#depth === 1) this.#takeKey();
          this.#collecting = false;
          break;
        case 'startString':
        case 'startNumber':
          this.#collecting = this.#depth === 1 && this.#controlKinds.has(this.#key);
          this.#text = '';
          break;
        case 'stringChunk':
        case 'numberChunk':
          // One over the limit is kept, to tell that it was passed.
          if (this.#collecting && this.#text.length <= VALUE_CHARS_MAX) this.#text += token.value;
          break;
        case 'endString':
          this.#value(this.#text);
          break;
        case 'endNumber':
          this.#value(Number(this.#text));
          break;
        case 'nullValue':
        case 'trueValue':
        case 'falseValue':
          this.#value(token.value);
          break;
        default:
          break;
      }
    }
  }

  /**
   * To be asked when the document ended as it should.
   * @throws zendesk.page_malformed  without its control fields
   */
  end(bytes: number): PageTail {
    if (!this.#ended) throw truncated('no document');
    if (!this.#arraysSeen.has('tickets')) throw malformed('it has no tickets array');
    const place = this.#mode === 'cursor' ? this.#cursorPlace() : this.#timePlace();
    const count = this.#values.get('count');
    if (typeof count === 'number' && !(Number.isSafeInteger(count) && count >= 0)) {
      throw malformed('count is no whole number');
    }
    const endOfStream = this.#values.get('end_of_stream');
    return {
      ...place,
      count: typeof count === 'number' ? count : undefined,
      endOfStream: typeof endOfStream === 'boolean' ? endOfStream : undefined,
      ticketCount: this.#tickets,
      bytes,
    };
  }

  #timePlace(): NextPlace {
    const endTime = second(this.#values.get('end_time'), 'end_time');
    const nextPage = this.#values.get('next_page');
    const nextStartTime = typeof nextPage === 'string' ? startTimeOf(nextPage) : undefined;
    const askAgain =
      endTime === undefined &&
      nextStartTime === undefined &&
      (this.#values.get('end_time') === null || nextPage === null);
    if (endTime === undefined && nextStartTime === undefined && !askAgain) {
      throw malformed('neither end_time nor a next_page with a start_time is there');
    }
    return { afterCursor: undefined, endTime, nextStartTime, askAgain };
  }

  #cursorPlace(): NextPlace {
    const cursor = this.#values.get('after_cursor');
    if (cursor === undefined) throw malformed('no after_cursor is there');
    // Sent on, an empty one would be no cursor at all: the export would begin anew.
    if (cursor === '') throw malformed('after_cursor is empty');
    const afterCursor = typeof cursor === 'string' ? cursor : undefined;
    return {
      afterCursor,
      endTime: undefined,
      nextStartTime: undefined,
      askAgain: afterCursor === undefined,
    };
  }

  #open(isArray: boolean): void {
    if (this.#depth === 0 && isArray) throw malformed('it is an array, not an object');
    if (this.#depth === 1) {
      if (this.#key === 'tickets') {
        if (!isArray) throw malformed('tickets is not an array');
        this.#inArray = this.#key;
      } else if (this.#sideloads.has(this.#key)) {
        // One that is no array (null, an object) has no records to lift: passed over like any key.
        if (isArray) this.#inArray = this.#key;
      } else if (this.#controlKinds.has(this.#key)) {
        throw malformed(`${this.#key} is not a ${this.#controlKinds.get(this.#key)}`);
      }
    } else if (this.#depth === 2) {
      this.#countElement();
    }
    this.#depth++;
  }

  #countElement(): void {
    if (this.#inArray === 'tickets') this.#tickets++;
    else if (this.#inArray !== undefined) this.#records++;
  }

  #takeKey(): void {
    this.#key = this.#text.length > KEY_CHARS_MAX ? '' : this.#text;
    if (this.#key === 'tickets' || this.#sideloads.has(this.#key)) {
      if (this.#arraysSeen.has(this.#key)) throw malformed(`it has two ${this.#key} keys`);
      this.#arraysSeen.add(this.#key);
    } else if (this.#values.has(this.#key)) {
      throw malformed(`it has two ${this.#key} keys`);
    }
  }

  #value(value: string | number | boolean | null): void {
    this.#collecting = false;
    if (this.#depth === 0) throw malformed('it is not an object');
    if (this.#depth === 2) this.#countElement();
    if (this.#depth !== 1) return;
    if (this.#key === 'tickets') throw malformed('tickets is not an array');
    const kind = this.#controlKinds.get(this.#key);
    if (kind === undefined) return;
    if (value !== null && typeof value !== kind) throw malformed(`${this.#key} is not a ${kind}`);
    if (this.#text.length > VALUE_CHARS_MAX) throw malformed(`${this.#key} is too long`);
    this.#values.set(this.#key, value);
  }
}

function second(value: string | number | boolean | null | undefined, name: string): number | undefined {
  if (typeof value !== 'number') return undefined;
  if (!Number.isSafeInteger(value) || value < 0 || value > LATEST_SECOND) {
    throw malformed(`${name} is no moment in whole seconds`);
  }
  return value;
}

/** The host may be another than ours, and the link relative: only the parameter counts. */
function startTimeOf(link: string): number | undefined {
  const url = URL.parse(link, 'https://link.invalid');
  const text = url?.searchParams.get('start_time');
  if (text === null || text === undefined || !/^\d{1,12}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= LATEST_SECOND ? value : undefined;
}
