import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';

// Primary result codes: https://www.sqlite.org/rescode.html (extended codes carry them in the low byte).
const BUSY = 5;
const CORRUPT = 11;
const NOTADB = 26;
const PASSING = new Set([
  BUSY,
  6, // LOCKED
  8, // READONLY
  10, // IOERR
  13, // FULL
  14, // CANTOPEN
]);

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

export function isSqliteBusy(error: unknown): boolean {
  return primaryCode(error) === BUSY;
}

/**
 * What SQLite threw as one of ours: a damaged file ends the service, a full or slow disk is waited for. Anything else (a
 * broken constraint, wrong SQL) stays what it is: no wait mends it.
 */
export function storeError(error: unknown, path: string): unknown {
  if (isTicketStreamError(error)) return error;
  const code = primaryCode(error);
  if (code === undefined) return error;
  const said = error instanceof Error ? error.message : String(error);
  const options = { cause: error, context: { store: path, sqliteCode: code } };
  if (code === CORRUPT || code === NOTADB) {
    return new TicketStreamError('store.unusable', `${path} is damaged: ${said}`, options);
  }
  if (!PASSING.has(code)) return error;
  return new TicketStreamError('sink.unavailable', `${path} cannot be used now: ${said}`, options);
}
