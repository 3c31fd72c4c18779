import type { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';

/** Raised when a reader of the old tables would go wrong; `application_id` is "tsal" in ASCII. */
const SCHEMA_VERSION = 1;
const APPLICATION_ID = 0x74_73_61_6c;

const schema = `
  CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The ids of logs, 36 characters, once instead of with every ticket.
  CREATE TABLE logs (
    log    INTEGER PRIMARY KEY,
    log_id TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE positions (
    partition   INTEGER PRIMARY KEY,
    log         INTEGER NOT NULL REFERENCES logs,
    next_offset INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE books (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    consumed      INTEGER NOT NULL,
    applied       INTEGER NOT NULL,
    duplicate     INTEGER NOT NULL,
    stale         INTEGER NOT NULL,
    skipped       INTEGER NOT NULL,
    dead_lettered INTEGER NOT NULL
  ) STRICT;

  -- Apart from the documents, because every batch looks versions up and few look into a document.
  CREATE TABLE versions (
    ticket_id TEXT PRIMARY KEY,
    stamp     INTEGER NOT NULL,
    digest    BLOB NOT NULL,
    log       INTEGER NOT NULL REFERENCES logs,
    partition INTEGER NOT NULL,
    offset    INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The ticket's JSON as Zendesk sent it, compressed with zstd.
  CREATE TABLE documents (
    ticket_id TEXT NOT NULL UNIQUE,
    document  BLOB NOT NULL
  ) STRICT;

  -- Every decision. Fired ones stay: they are the ledger of what was sent.
  CREATE TABLE alerts (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id      TEXT NOT NULL UNIQUE,
    rule          TEXT NOT NULL,
    severity      TEXT NOT NULL,
    ticket_id     TEXT NOT NULL,
    version_id    TEXT NOT NULL,
    outcome       TEXT NOT NULL CHECK (outcome IN ('fired', 'suppressed')),
    reason        TEXT,
    decided_at_ms INTEGER NOT NULL,
    trace_id      TEXT,
    traceparent   TEXT,
    body          TEXT
  ) STRICT;
  CREATE INDEX alerts_by_outcome ON alerts (outcome, seq);

  CREATE TABLE outbox (
    seq                INTEGER NOT NULL REFERENCES alerts,
    channel            TEXT NOT NULL,
    ticket_id          TEXT NOT NULL,
    state              TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts           INTEGER NOT NULL,
    next_attempt_at_ms INTEGER NOT NULL,
    last_status        INTEGER,
    last_cause         TEXT,
    settled_at_ms      INTEGER,
    PRIMARY KEY (seq, channel)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX outbox_due ON outbox (channel, next_attempt_at_ms, seq) WHERE state = 'pending';
  CREATE INDEX outbox_order ON outbox (channel, ticket_id, seq) WHERE state = 'pending';
  CREATE INDEX outbox_by_state ON outbox (state, seq);
`;

/** @throws store.unusable  the file is no alert store, or one of another version */
export function prepareSchema(database: DatabaseSync, path: string): void {
  const version = pragma(database, 'user_version');
  const application = pragma(database, 'application_id');
  if (version === 0 && application === 0) {
    const tables = database.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.['n'];
    if (tables === 0) {
      database.exec(
        `BEGIN IMMEDIATE; ${schema} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`,
      );
      return;
    }
  }
  if (application !== APPLICATION_ID || version !== SCHEMA_VERSION) {
    throw new TicketStreamError(
      'store.unusable',
      application === APPLICATION_ID
        ? `${path} has version ${version}; this is version ${SCHEMA_VERSION}`
        : `${path} is not an alert store`,
      { context: { store: path, version, expected: SCHEMA_VERSION } },
    );
  }
}

function pragma(database: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}
