import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';

// Primary result codes: https://www.sqlite.org/rescode.html (extended codes carry them in the low byte).
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function primaryCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : undefined;
}

export function isSqliteBusy(error: unknown): boolean {
  return primaryCode(error) === SQLITE_BUSY;
}

/** What SQLite threw as one of ours: a damaged file ends the service, a full or slow disk is waited for. */
export function storeError(error: unknown, path: string): unknown {
  if (isTicketStreamError(error)) return error;
  const code = primaryCode(error);
  if (code === undefined) return error;
  const damaged = code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
  const message = error instanceof Error ? error.message : String(error);
  return new TicketStreamError(damaged ? 'store.unusable' : 'sink.unavailable', `${path}: ${message}`, {
    cause: error,
    context: { store: path, sqliteCode: code },
  });
}
