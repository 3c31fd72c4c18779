import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import { storeError } from '@ticket-stream/subscriber/sqlite';

/** 'tsix': tells an index of ours from any other SQLite file. */
const APPLICATION_ID = 0x74736978;
/** Raised with every change of the tables below; an index is rebuilt from the log, never migrated. */
const SCHEMA_VERSION = 1;

/**
 * - `versions` is all that dedupe reads: narrow and keyed by the id's digits, which reach beyond SQLite's 63 bits.
 * - `tickets` holds what conditions test and lists are sorted by, without the ticket's bytes, so that a scan of it
 *   stays small; `bodies` holds the bytes, read for the hits of one page only.
 * - `ticket_text` is FTS5 without content (`contentless_delete`): the bytes are not stored twice, and a document is
 *   taken out by its row alone, where an external-content table must be told its old words again, exactly.
 *   Its row is that of `tickets`, negative for a deleted ticket: "without the deleted ones" is then a range of rows
 *   that FTS5 keeps to while it ranks, not a join.
 * - `hashsize`: FTS5 writes a segment whenever its table of new words passes 1 MiB, several in a batch of 1,000
 *   tickets, and merges them again; with 16 MiB a batch is one segment (× 1.2 in indexing).
 * - `porter`: refund finds refunds and refunded, as in Zendesk. The categories keep vowel signs (M*) inside words.
 */
const TABLES = `
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE logs (log INTEGER PRIMARY KEY, log_id TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE positions (
  part INTEGER PRIMARY KEY, log INTEGER NOT NULL, next_offset INTEGER NOT NULL
) STRICT;
CREATE TABLE books (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  consumed INTEGER NOT NULL, applied INTEGER NOT NULL, duplicate INTEGER NOT NULL,
  stale INTEGER NOT NULL, skipped INTEGER NOT NULL, dead_lettered INTEGER NOT NULL
) STRICT;
INSERT INTO books VALUES (1, 0, 0, 0, 0, 0, 0);
CREATE TABLE versions (
  id TEXT PRIMARY KEY, stamp INTEGER NOT NULL, digest TEXT NOT NULL,
  log INTEGER NOT NULL, part INTEGER NOT NULL, offset INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tickets (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, deleted INTEGER NOT NULL,
  status TEXT, priority TEXT, ticket_type TEXT, assignee TEXT, "group" TEXT, organization TEXT,
  requester TEXT, submitter TEXT, created INTEGER NOT NULL, updated INTEGER NOT NULL, trace_id TEXT
) STRICT;
CREATE INDEX tickets_updated ON tickets (updated);
CREATE TABLE bodies (row INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE VIRTUAL TABLE ticket_text USING fts5(
  id, subject, description, other, marks,
  content='', contentless_delete=1, tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'"
);
INSERT INTO ticket_text(ticket_text, rank) VALUES ('rank', 'bm25(10.0, 4.0, 1.0, 1.0, 0.0)');
INSERT INTO ticket_text(ticket_text, rank) VALUES ('hashsize', 16777216);
`;

/**
 * Opens the index for its one writer, making it where there is none.
 *
 * WAL with `synchronous=NORMAL`: a killed process loses nothing, since what it committed is with the system. A power
 * cut may take back the last transactions, whole and in order, documents together with their positions: the loop
 * then reads on from the stored position, so they come again. FULL would halve small batches for nothing more.
 *
 * @throws store.unusable  not an index, of another version, or damaged
 * @throws sink.unavailable  the file cannot be opened
 */
export function openForWriting(file: string): DatabaseSync {
  const db = open(file, false);
  try {
    // Also where the folder was there before; the WAL takes its mode from this file.
    chmodSync(file, 0o600);
    db.exec(`PRAGMA page_size = 8192;
      PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY`);
    if (isEmpty(db)) {
      db.exec(`BEGIN IMMEDIATE; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION};
        ${TABLES}`);
      db.prepare('INSERT INTO meta VALUES (?, ?)').run('index_id', randomBytes(4).toString('hex'));
      db.exec('COMMIT');
    }
    checkSchema(db, file);
    return db;
  } catch (error) {
    db.close();
    throw storeError(error, file);
  }
}

/** Opens the index beside its writer; sees the last recorded state. @throws as `openForWriting` */
export function openForReading(file: string): DatabaseSync {
  const db = open(file, true);
  try {
    db.exec('PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 1073741824');
    checkSchema(db, file);
    return db;
  } catch (error) {
    db.close();
    throw storeError(error, file);
  }
}

function open(file: string, readOnly: boolean): DatabaseSync {
  try {
    // Nobody but readers shares the file; a short wait covers the moment in which one of them recovers the WAL.
    return new DatabaseSync(file, { readOnly, timeout: 5000 });
  } catch (error) {
    throw storeError(error, file);
  }
}

function isEmpty(db: DatabaseSync): boolean {
  return number(db, 'SELECT count(*) AS n FROM sqlite_schema') === 0;
}

function checkSchema(db: DatabaseSync, file: string): void {
  const application = number(db, 'SELECT application_id AS n FROM pragma_application_id');
  const version = number(db, 'SELECT user_version AS n FROM pragma_user_version');
  if (application === APPLICATION_ID && version === SCHEMA_VERSION) return;
  throw new TicketStreamError(
    'store.unusable',
    application === APPLICATION_ID
      ? `the index ${file} has version ${version}; this program reads version ${SCHEMA_VERSION}`
      : `${file} is not a search index`,
    { context: { file, version } },
  );
}

function number(db: DatabaseSync, sql: string): number {
  return Number(db.prepare(sql).get()?.['n']);
}
