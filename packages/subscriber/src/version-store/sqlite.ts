/**
 * Versions, positions and books in one SQLite file, and the tickets themselves where that is asked for. The members of a group
 * on one host, processes included, share it: partitions that move from one to the other find their tickets' versions
 * there.
 *
 * The effect lives elsewhere, so it comes first and the step follows in one transaction: a crash in between repeats
 * the effect and loses none. While an effect runs no transaction of this file is open, so others go on; a member that
 * lost its partition and finishes late is waited for (partition-locks.ts), so that nothing of its comes after.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { Ticket, TicketVersion } from '@ticket-stream/ticket';
import type { Books } from '../books.ts';
import { partitionLocks } from './partition-locks.ts';
import { prepareFormat, ZSTD } from './sqlite-format.ts';
import type { StoredPosition, VersionStore } from './version-store.ts';

/** Another member's step takes milliseconds; longer than this, its disk hangs. */
const BUSY_TIMEOUT_MS = 5_000;

interface SqliteVersionStoreOptions {
  /** The file; made when missing, with its folder. On a local disk: SQLite's locks do not hold on network shares. */
  readonly path: string;
  /**
   * Keeps each ticket as well, compressed (some 1 KB each): changes come with `previous` and `changed`. Decided when
   * the file is made; a file made otherwise is refused, since what it lacks would look like tickets never seen.
   */
  readonly keepTickets?: boolean;
}

/**
 * @throws store.unusable    damaged, written by another version, or made with another `keepTickets`
 * @throws sink.unavailable  its disk is full or slow; also thrown by every method
 */
export function sqliteVersionStore(options: SqliteVersionStoreOptions): VersionStore {
  const { path, keepTickets = false } = options;
  const database = translated(path, () => open(path, keepTickets));
  const locks = partitionLocks(path);
  const selectVersion = database.prepare(
    'SELECT stamp, digest, log_id, partition, "offset" FROM versions WHERE ticket_id = ?',
  );
  const selectPositions = database.prepare('SELECT partition, log_id, next_offset FROM positions');
  const selectBooks = database.prepare('SELECT * FROM books');
  const saveVersion = database.prepare('INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, ?)');
  const savePosition = database.prepare('INSERT OR REPLACE INTO positions VALUES (?, ?, ?)');
  const addToBooks = database.prepare(
    `UPDATE books SET consumed = consumed + ?, applied = applied + ?, duplicate = duplicate + ?,
       stale = stale + ?, skipped = skipped + ?, dead_lettered = dead_lettered + ?`,
  );
  const selectTicket = database.prepare('SELECT document FROM tickets WHERE ticket_id = ?');
  const saveTicket = database.prepare('INSERT OR REPLACE INTO tickets VALUES (?, ?)');
  const saveGap = database.prepare('INSERT OR IGNORE INTO gaps VALUES (?, ?, ?, ?, ?)');
  // An offset has 63 bits; read as a double it would be rounded.
  selectVersion.setReadBigInts(true);
  selectPositions.setReadBigInts(true);

  return {
    readPositions: () =>
      translated(path, () =>
        selectPositions.all().map(
          (row): StoredPosition => ({
            partition: Number(row['partition']),
            logId: String(row['log_id']),
            nextOffset: row['next_offset'] as bigint,
          }),
        ),
      ),

    readBooks: () =>
      translated(path, (): Books => {
        const row = selectBooks.get() ?? {};
        const figure = (name: string) => Number(row[name]);
        return {
          consumed: figure('consumed'),
          applied: figure('applied'),
          duplicate: figure('duplicate'),
          stale: figure('stale'),
          skipped: figure('skipped'),
          deadLettered: figure('dead_lettered'),
        };
      }),

    readVersions: (ticketIds) =>
      translated(path, () => {
        const found = new Map<string, TicketVersion>();
        for (const id of ticketIds) {
          const row = selectVersion.get(id);
          if (row === undefined) continue;
          found.set(id, {
            stamp: Number(row['stamp']),
            digest: String(row['digest']),
            place: {
              logId: String(row['log_id']),
              partition: Number(row['partition']),
              offset: row['offset'] as bigint,
            },
          });
        }
        return found;
      }),

    ...(keepTickets
      ? {
          readTickets: (ticketIds: readonly string[]) =>
            translated(path, () => {
              const found = new Map<string, Ticket>();
              for (const id of ticketIds) {
                const row = selectTicket.get(id);
                if (row === undefined) continue;
                const json = zstdDecompressSync(row['document'] as Uint8Array).toString('utf8');
                found.set(id, JSON.parse(json) as Ticket);
              }
              return found;
            }),
        }
      : {}),

    recordGaps: (gaps) =>
      translated(path, () =>
        inTransaction(database, () => {
          for (const { partition, logId, from, to } of gaps) {
            saveGap.run(partition, logId, from, to, Date.now());
          }
        }),
      ),

    async record(step, effect) {
      await effect();
      translated(path, () =>
        inTransaction(database, () => {
          for (const [id, { stamp, digest, place }] of step.versions) {
            saveVersion.run(id, stamp, digest, place.logId, place.partition, place.offset);
          }
          if (keepTickets) {
            for (const [id, value] of step.values ?? []) saveTicket.run(id, zstdCompressSync(value, ZSTD));
          }
          for (const { partition, logId, nextOffset } of step.positions) {
            savePosition.run(partition, logId, nextOffset);
          }
          const { consumed, applied, duplicate, stale, skipped, deadLettered } = step.books;
          addToBooks.run(consumed, applied, duplicate, stale, skipped, deadLettered);
        }),
      );
    },

    exclusively: (partition, work) => locks.hold(partition, work),

    close() {
      locks.close();
      if (database.isOpen) database.close();
    },
  };
}

function open(path: string, keepTickets: boolean): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    // WAL: a member reads while another writes. FULL: what was reported as stored outlives a power cut.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    inTransaction(database, () => prepareFormat(database, { path, keepTickets }));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** BEGIN IMMEDIATE waits for the other members' steps; a deferred one could fail in the middle. */
function inTransaction(database: DatabaseSync, work: () => void): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

// Primary result codes, https://www.sqlite.org/rescode.html; extended ones carry them in the low byte.
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

function translated<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    const errcode = (error as { errcode?: unknown } | null)?.errcode;
    if (isTicketStreamError(error) || typeof errcode !== 'number') throw error;
    const code = errcode & 0xff;
    const damaged = code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
    const message = error instanceof Error ? error.message : String(error);
    throw new TicketStreamError(damaged ? 'store.unusable' : 'sink.unavailable', `${path}: ${message}`, {
      cause: error,
      context: { store: path, sqliteCode: code },
    });
  }
}
