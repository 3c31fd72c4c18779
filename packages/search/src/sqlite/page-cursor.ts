import { createHash } from 'node:crypto';
import { badQuery } from '../query-language/bad-query.ts';

/**
 * Where a page ended: the sort key and the row of its last hit, not a count of hits, so that tickets which come and
 * go before it shift nothing. It names the query it belongs to and the moment its relative times count back from.
 */
export interface PageCursor {
  readonly nowSecond: number;
  /** A date in epoch seconds, or a score. */
  readonly key: number;
  readonly row: number;
  /** By score only: the last hits of the page, the last one first. */
  readonly shown: readonly ShownHit[];
}

/** A hit whose score can be asked for again, as long as its text is what it was. */
export interface ShownHit {
  readonly row: number;
  /** `textDigest` of the ticket as it was shown. */
  readonly text: string;
}

const CURSOR_CHARACTERS_MAX = 512;
/** Raised with every change of what a cursor holds. */
const CURSOR_VERSION = 2;

/** What a cursor must belong to: this index, this query, with or without deleted tickets. */
export function queryFingerprint(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('base64url').slice(0, 12);
}

export function encodeCursor(fingerprint: string, { nowSecond, key, row, shown }: PageCursor): string {
  const hits = shown.map((hit) => [hit.row, hit.text]);
  return Buffer.from(JSON.stringify([CURSOR_VERSION, fingerprint, nowSecond, key, row, hits])).toString(
    'base64url',
  );
}

/** @throws search.bad_query  not a cursor, or the cursor of another query */
export function decodeCursor(fingerprint: string, text: string): PageCursor {
  const parts = parse(text);
  if (!Array.isArray(parts) || parts.length !== 6 || parts[0] !== CURSOR_VERSION) throw notOurs();
  const [, of, nowSecond, key, row, hits] = parts as unknown[];
  if (of !== fingerprint) {
    throw badQuery('the cursor belongs to another query or index; ask again without it', {
      start: 0,
      length: 0,
    });
  }
  if (!isWhole(nowSecond) || typeof key !== 'number' || !isWhole(row) || !Array.isArray(hits))
    throw notOurs();
  return { nowSecond, key, row, shown: hits.map(readShown) };
}

function readShown(hit: unknown): ShownHit {
  if (!Array.isArray(hit)) throw notOurs();
  const [row, text] = hit as unknown[];
  if (!isWhole(row) || typeof text !== 'string') throw notOurs();
  return { row, text };
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function notOurs() {
  return badQuery('the cursor is not one of this service', { start: 0, length: 0 });
}

function parse(text: string): unknown {
  if (text.length > CURSOR_CHARACTERS_MAX) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
