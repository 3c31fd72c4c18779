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
}

const CURSOR_CHARACTERS_MAX = 256;

/** What a cursor must belong to: this index, this query, with or without deleted tickets. */
export function queryFingerprint(...parts: readonly string[]): string {
  return createHash('sha256').update(parts.join('\0')).digest('base64url').slice(0, 12);
}

export function encodeCursor(fingerprint: string, { nowSecond, key, row }: PageCursor): string {
  return Buffer.from(JSON.stringify([1, fingerprint, nowSecond, key, row])).toString('base64url');
}

/** @throws search.bad_query  not a cursor, or the cursor of another query */
export function decodeCursor(fingerprint: string, text: string): PageCursor {
  const parts = parse(text);
  if (!Array.isArray(parts) || parts.length !== 5 || parts[0] !== 1) {
    throw badQuery('the cursor is not one of this service', { start: 0, length: 0 });
  }
  const [, of, nowSecond, key, row] = parts as unknown[];
  if (of !== fingerprint) {
    throw badQuery('the cursor belongs to another query or index; ask again without it', {
      start: 0,
      length: 0,
    });
  }
  if (!Number.isSafeInteger(nowSecond) || typeof key !== 'number' || !Number.isSafeInteger(row)) {
    throw badQuery('the cursor is not one of this service', { start: 0, length: 0 });
  }
  return { nowSecond: nowSecond as number, key, row: row as number };
}

function parse(text: string): unknown {
  if (text.length > CURSOR_CHARACTERS_MAX) return undefined;
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
