/**
 * Versions, positions and books in one SQLite file, and the tickets themselves where that is asked for. The members of
 * a group on one host, processes included, share it: partitions that move from one to the other find their tickets'
 * versions there.
 *
 * The effect lives elsewhere, so it comes first and the step follows in one transaction: a crash in between repeats
 * the effect and loses none. While an effect runs no transaction of this file is open, so others go on; a member that
 * lost its partition and finishes late is waited for (partition-locks.ts), so that nothing of its comes after.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Ticket, TicketVersion } from '@ticket-stream/ticket';
import { isSqliteBusy, storeError } from '../sqlite/sqlite-errors.ts';
import { ADD_TO_BOOKS, bookFigures, booksOf, packedTicket, unpackedTicket } from '../sqlite/sqlite-rows.ts';
import { partitionLocks } from './partition-locks.ts';
import { prepareFormat } from './sqlite-format.ts';
import type { StoredPosition, VersionStore } from './version-store.ts';

/** Another member's step takes milliseconds; longer than this, its disk hangs. */
const BUSY_TIMEOUT_MS = 5_000;
const OPEN_PAUSE_MS = 5;

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
  const database = translated(path, () => openWithOthers(path, keepTickets));
  const locks = partitionLocks(path);
  const selectVersion = database.prepare(
    'SELECT stamp, digest, log_id, partition, "offset" FROM versions WHERE ticket_id = ?',
  );
  const selectPositions = database.prepare('SELECT partition, log_id, next_offset FROM positions');
  const selectBooks = database.prepare('SELECT * FROM books');
  const saveVersion = database.prepare('INSERT OR REPLACE INTO versions VALUES (?, ?, ?, ?, ?, ?)');
  const savePosition = database.prepare('INSERT OR REPLACE INTO positions VALUES (?, ?, ?)');
  const addToBooks = database.prepare(ADD_TO_BOOKS);
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

    readBooks: () => translated(path, () => booksOf(selectBooks.get())),

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
                found.set(id, unpackedTicket(row['document']));
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
            for (const [id, value] of step.values ?? []) saveTicket.run(id, packedTicket(value));
          }
          for (const { partition, logId, nextOffset } of step.positions) {
            savePosition.run(partition, logId, nextOffset);
          }
          addToBooks.run(...bookFigures(step.books));
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

/** Who switches a new file to WAL beside another that does is refused at once: SQLite's own timeout does not act there. */
function openWithOthers(path: string, keepTickets: boolean): DatabaseSync {
  const giveUpAtMs = performance.now() + BUSY_TIMEOUT_MS;
  for (;;) {
    try {
      return open(path, keepTickets);
    } catch (error) {
      if (!isSqliteBusy(error) || performance.now() >= giveUpAtMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, OPEN_PAUSE_MS);
    }
  }
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
    try {
      database.exec('ROLLBACK');
    } catch {
      // A full disk may have ended the transaction already. `isTransaction` would tell, but not before Node 22.16: a
      // step that failed would leave its transaction open there, and every step after it would be refused.
    }
    throw error;
  }
}

function translated<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    throw storeError(error, path);
  }
}
