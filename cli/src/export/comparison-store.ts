/**
 * What Zendesk showed and what the log holds, ticket by ticket, side by side on disk: memory stays flat for millions.
 *
 * One SQLite file under DATA_DIR, readable by its owner alone. Its name is taken away as soon as it is open, so that it
 * is gone with the process however that ends; it holds ids, versions and digests, and no text of a ticket. Nothing in
 * it is worth a journal or a sync: after a crash there is nothing to go on from.
 */
import { randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import type { PageTaker } from './export-reading.ts';
import type { ShownTicket } from './shown-ticket.ts';

/** The two sides of one ticket. */
export interface Comparison {
  /** The ticket's id, or the digest of one without. */
  readonly key: string;
  /** As the walk showed it last; undefined where it did not. */
  readonly shown:
    | {
        /** Under which second it stands in the export, epoch seconds. */
        readonly second: number;
        readonly stamp: number | undefined;
        readonly digest: string;
        readonly deleted: boolean;
        readonly supportType: 'agent' | 'ai_agent';
        readonly refusedBecause: string | undefined;
      }
    | undefined;
  /** The latest version of it in the log, epoch seconds; undefined where there is none. */
  readonly logStamp: number | undefined;
  /** The log holds exactly the version that was shown, or a newer one. */
  readonly held: boolean;
  /** Code of the dead letter that holds the version that was shown. */
  readonly letter: string | undefined;
  /** Not by the walk, but when it was asked for by its id. */
  readonly shownById: boolean;
}

export interface LogVersion {
  readonly key: string;
  readonly stamp: number;
  readonly digest: string;
}

export interface ComparisonStore extends PageTaker {
  /** @param known  only tickets that were shown count: the others are not of interest */
  noteVersions(versions: Iterable<LogVersion>, only: 'known' | 'all'): void;
  noteLetter(letter: { readonly key: string; readonly digest: string; readonly code: string }): void;
  noteShownById(key: string): void;
  /** All of them, numbers in their order. */
  comparisons(): Generator<Comparison>;
  close(): void;
}

/** Of 4 KiB pages: 64 MiB, so that ids in no order do not cost a read each up to some millions of tickets. */
const CACHE_KIB = 64 * 1024;

const SCHEMA = `
  CREATE TABLE tickets (
    key          TEXT PRIMARY KEY,
    shown_second INTEGER,
    shown_stamp  INTEGER,
    shown_digest TEXT,
    deleted      INTEGER,
    support_type TEXT,
    refused      TEXT,
    log_stamp    INTEGER,
    held         INTEGER NOT NULL DEFAULT 0,
    letter       TEXT,
    shown_by_id  INTEGER NOT NULL DEFAULT 0
  ) STRICT, WITHOUT ROWID;
`;

const HELD = `coalesce(tickets.held OR excluded.log_stamp > tickets.shown_stamp
  OR (excluded.log_stamp = tickets.shown_stamp AND ? = tickets.shown_digest), 0)`;

/** @throws store.unusable  the folder cannot be written */
export function openComparisonStore(dataDir: string): ComparisonStore {
  const path = join(dataDir, `verify-${randomUUID()}.sqlite`);
  const database = openUnnamed(dataDir, path);
  const show = database.prepare(`
    INSERT INTO tickets (key, shown_second, shown_stamp, shown_digest, deleted, support_type, refused)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET shown_second = excluded.shown_second, shown_stamp = excluded.shown_stamp,
      shown_digest = excluded.shown_digest, deleted = excluded.deleted, support_type = excluded.support_type,
      refused = excluded.refused
    WHERE tickets.shown_second IS NULL OR excluded.shown_second >= tickets.shown_second`);
  const noteAny = database.prepare(`
    INSERT INTO tickets (key, log_stamp) VALUES (?, ?)
    ON CONFLICT (key) DO UPDATE SET held = ${HELD},
      log_stamp = max(coalesce(tickets.log_stamp, 0), excluded.log_stamp)`);
  const noteKnown = database.prepare(`
    UPDATE tickets SET
      held = held OR ?2 > shown_stamp OR (?2 = shown_stamp AND ?3 = shown_digest),
      log_stamp = max(coalesce(log_stamp, 0), ?2)
    WHERE key = ?1 AND shown_stamp IS NOT NULL`);
  const letter = database.prepare('UPDATE tickets SET letter = ? WHERE key = ? AND shown_digest = ?');
  const shownById = database.prepare('UPDATE tickets SET shown_by_id = 1 WHERE key = ?');
  const all = database.prepare('SELECT * FROM tickets ORDER BY key');

  return {
    begin: () => database.exec('BEGIN'),
    keep: () => database.exec('COMMIT'),
    drop: () => database.exec('ROLLBACK'),
    take(ticket) {
      show.run(
        sortable(ticket.key),
        secondOf(ticket),
        ticket.stamp ?? null,
        ticket.digest,
        Number(ticket.deleted),
        ticket.supportType,
        ticket.refusedBecause ?? null,
      );
    },
    noteVersions(versions, only) {
      database.exec('BEGIN');
      for (const { key, stamp, digest } of versions) {
        if (only === 'all') noteAny.run(sortable(key), stamp, digest);
        else noteKnown.run(sortable(key), stamp, digest);
      }
      database.exec('COMMIT');
    },
    noteLetter({ key, digest, code }) {
      letter.run(code, sortable(key), digest);
    },
    noteShownById(key) {
      shownById.run(sortable(key));
    },
    *comparisons() {
      for (const row of all.iterate()) yield comparison(row);
    },
    close() {
      database.close();
      forget(path);
    },
  };
}

/** Where a ticket without a usable generated_timestamp stands is not known; its version is the nearest to it. */
function secondOf({ generatedSecond, stamp }: ShownTicket): number {
  return generatedSecond ?? stamp ?? 0;
}

function openUnnamed(dataDir: string, path: string): DatabaseSync {
  try {
    mkdirSync(dataDir, { recursive: true });
    closeSync(openSync(path, 'wx', 0o600));
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = FILE; ${SCHEMA}`);
    forget(path);
    return database;
  } catch (error) {
    forget(path);
    throw new TicketStreamError('store.unusable', `no file can be kept in ${dataDir}`, {
      cause: error,
      remedy: 'Name a folder that can be written with --data-dir.',
    });
  }
}

/** Where a file that is open cannot lose its name, it does so when it is closed. */
function forget(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Nothing that was made is there, or it is tried again at the end.
  }
}

/** Ids of up to 19 digits do not fit 63 bits; with their length in front, text sorts as numbers do. */
function sortable(key: string): string {
  return String.fromCharCode(0x40 + key.length) + key;
}

function comparison(row: Record<string, unknown>): Comparison {
  const stamp = row['shown_stamp'];
  return {
    key: String(row['key']).slice(1),
    shown:
      row['shown_second'] === null
        ? undefined
        : {
            second: Number(row['shown_second']),
            stamp: stamp === null ? undefined : Number(stamp),
            digest: String(row['shown_digest']),
            deleted: row['deleted'] === 1,
            supportType: row['support_type'] === 'ai_agent' ? 'ai_agent' : 'agent',
            refusedBecause: textOf(row['refused']),
          },
    logStamp: row['log_stamp'] === null ? undefined : Number(row['log_stamp']),
    held: row['held'] === 1,
    letter: textOf(row['letter']),
    shownById: row['shown_by_id'] === 1,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
