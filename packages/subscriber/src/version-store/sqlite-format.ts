/**
 * The tables of the SQLite version store, and how a file of an older format becomes one of this.
 *
 * - 1: versions, positions, books.
 * - 2 (2026-11): `tickets` (documents, zstd) and `gaps`; `meta.keep_tickets` says whether the file keeps tickets. A
 *   file of format 1 keeps none.
 */
import type { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';

const FORMAT = 2;

const FORMAT_1 = `
  CREATE TABLE versions (
    ticket_id TEXT PRIMARY KEY,
    stamp     INTEGER NOT NULL,
    digest    TEXT NOT NULL,
    log_id    TEXT NOT NULL,
    partition INTEGER NOT NULL,
    "offset"  INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE positions (
    partition   INTEGER PRIMARY KEY,
    log_id      TEXT NOT NULL,
    next_offset INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE books (
    consumed      INTEGER NOT NULL,
    applied       INTEGER NOT NULL,
    duplicate     INTEGER NOT NULL,
    stale         INTEGER NOT NULL,
    skipped       INTEGER NOT NULL,
    dead_lettered INTEGER NOT NULL
  ) STRICT;
  INSERT INTO books VALUES (0, 0, 0, 0, 0, 0);
`;

const FORMAT_2 = `
  CREATE TABLE tickets (
    ticket_id TEXT PRIMARY KEY,
    document  BLOB NOT NULL
  ) STRICT;
  CREATE TABLE gaps (
    partition   INTEGER NOT NULL,
    log_id      TEXT NOT NULL,
    from_offset INTEGER NOT NULL,
    to_offset   INTEGER NOT NULL,
    accepted_at_ms INTEGER NOT NULL,
    PRIMARY KEY (partition, log_id, from_offset, to_offset)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE meta (keep_tickets INTEGER NOT NULL) STRICT;
  PRAGMA user_version = ${FORMAT};
`;

/**
 * Inside a transaction of the caller: a kill leaves a file of the former format or of this one.
 * @throws store.unusable
 */
export function prepareFormat(
  database: DatabaseSync,
  { path, keepTickets }: { readonly path: string; readonly keepTickets: boolean },
): void {
  const format = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
  if (format > FORMAT || format < 0) {
    throw new TicketStreamError('store.unusable', `${path} has format ${format}, not ${FORMAT}`, {
      context: { store: path, format },
    });
  }
  if (format === 0) database.exec(FORMAT_1);
  if (format < 2) {
    database.exec(FORMAT_2);
    database.prepare('INSERT INTO meta VALUES (?)').run(format === 0 && keepTickets ? 1 : 0);
  }
  const keeps = Number(database.prepare('SELECT keep_tickets FROM meta').get()?.['keep_tickets']) === 1;
  if (keeps === keepTickets) return;
  const message = keeps
    ? `${path} keeps tickets: opened without keepTickets it would go on with old ones`
    : `${path} keeps no tickets: with keepTickets, tickets it has seen would come as never seen`;
  throw new TicketStreamError('store.unusable', message, {
    context: { store: path, keepTickets },
    remedy: keeps
      ? "Open it with keepTickets: true, or give another path and `from: 'earliest'`: the log is read again."
      : "Give another path and `from: 'earliest'`: the log is read again. Or leave keepTickets out.",
  });
}
