import { asTicketStreamError, TicketStreamError } from '@ticket-stream/errors';

// Primary result codes of SQLite (https://sqlite.org/rescode.html).
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;
const PASSING = new Set([
  SQLITE_BUSY,
  6, // LOCKED
  8, // READONLY
  10, // IOERR
  13, // FULL
  14, // CANTOPEN
]);

/** The border: what SQLite throws, as one of our codes. A full disk passes; a damaged file does not. */
export function asStoreError(error: unknown, file: string): TicketStreamError {
  const code = primaryCode(error);
  if (code === undefined) return asTicketStreamError(error);
  const said = error instanceof Error ? error.message : String(error);
  const options = { cause: error, context: { file, sqliteCode: code } };
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
    return new TicketStreamError('store.unusable', `the index ${file} is damaged: ${said}`, options);
  }
  if (PASSING.has(code)) {
    return new TicketStreamError(
      'sink.unavailable',
      `the index ${file} cannot be used now: ${said}`,
      options,
    );
  }
  return asTicketStreamError(error);
}

export function isBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

function primaryCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  return code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number' ? errcode & 0xff : undefined;
}
