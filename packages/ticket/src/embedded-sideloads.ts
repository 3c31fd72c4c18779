/**
 * Sideloaded records (users, groups…) travel inside a ticket's value as a last member of its object:
 * `,"_embedded":{…}` stands before the last bracket and nowhere else, so that cutting it out gives the bytes that
 * Zendesk sent. The digest, and with it the version, is always of those bytes: whether sideloads are asked for does
 * not make another version of a ticket.
 *
 * The cut is unambiguous because a ticket with an `_embedded` of its own is never published (`identifyTicket`,
 * ticket.own_embedded).
 */
const KEY = Buffer.from('"_embedded":');

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * @param slice         the JSON of a ticket, an object, as Zendesk sent it
 * @param embeddedJson  the JSON of the object to embed
 */
export function embedSideloads(slice: Uint8Array, embeddedJson: Uint8Array): Buffer {
  const bytes = asBuffer(slice);
  const end = bytes.lastIndexOf(CLOSE_OBJECT);
  const separator = isEmptyObject(bytes, end) ? EMPTY : SEPARATOR;
  return Buffer.concat([bytes.subarray(0, end), separator, KEY, embeddedJson, bytes.subarray(end)]);
}

/**
 * @param value  a ticket's value, with or without sideloads
 * @returns      its bytes as Zendesk sent them; where nothing is embedded, a view of the value itself
 */
export function withoutEmbedded(value: Uint8Array): Buffer {
  const bytes = asBuffer(value);
  const key = embeddedKeyAt(bytes);
  if (key === undefined) return bytes;
  const start = bytes[key - 1] === COMMA ? key - 1 : key;
  return Buffer.concat([bytes.subarray(0, start), bytes.subarray(bytes.lastIndexOf(CLOSE_OBJECT))]);
}

const EMPTY = Buffer.alloc(0);
const SEPARATOR = Buffer.from(',');

/** Where the last `"_embedded":` of the outermost object stands, if that is its last member. */
function embeddedKeyAt(bytes: Buffer): number | undefined {
  // Most values have none; a native search says so without a walk.
  if (!bytes.includes(KEY)) return undefined;
  let key: number | undefined;
  let depth = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        if (depth === 1 && startsWithKey(bytes, at)) key = at;
        at = stringEnd(bytes, at);
        break;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        depth++;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        depth--;
        break;
      case COMMA:
        // Another member follows: what was found is not the last one, and so not ours.
        if (depth === 1) key = undefined;
        break;
      default:
        break;
    }
  }
  return key;
}

/** At a string of the outermost object: it is that key, as `embedSideloads` writes it. A string that is a value has no colon behind it. */
function startsWithKey(bytes: Buffer, at: number): boolean {
  return bytes.compare(KEY, 0, KEY.length, at, Math.min(at + KEY.length, bytes.length)) === 0;
}

/** @param from  at the opening quote. @returns the closing one */
function stringEnd(bytes: Buffer, from: number): number {
  let at = from + 1;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

function isEmptyObject(bytes: Buffer, end: number): boolean {
  let at = end - 1;
  while (at >= 0 && isSpace(bytes[at])) at--;
  return bytes[at] === OPEN_OBJECT;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
