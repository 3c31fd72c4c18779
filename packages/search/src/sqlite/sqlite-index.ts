import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Books, StoredPosition, StoreStep } from '@ticket-stream/subscriber';
import {
  ADD_TO_BOOKS,
  bookFigures,
  booksOf,
  lockStore,
  type StoreLock,
  storeError,
  type VersionRow,
  versionsOf,
} from '@ticket-stream/subscriber/sqlite';
import type { TicketChange, TicketVersion } from '@ticket-stream/ticket';
import type { Query } from '../query-language/query.ts';
import type { SearchAnswer, SearchIndex, SearchOptions, StoredTicket } from '../search-index.ts';
import { type IndexedTicket, indexedTicket } from './indexed-ticket.ts';
import { openForWriting } from './schema.ts';
import { openSqliteReader, type SqliteReader } from './sqlite-reader.ts';

/**
 * The embedded index: one SQLite file, one writer, any number of readers.
 *
 * Keeps promise 3 for search: documents, versions, positions and books of a batch are one SQLite transaction
 * (`record`); an error in the effect, or a process killed anywhere in it, leaves the batch before it.
 *
 * `readTickets` is left out: search needs no previous state, and without it the loop reads and parses no stored
 * ticket for each one it indexes.
 *
 * @param file  made with its folder where missing
 * @throws store.locked    another process writes this index
 * @throws store.unusable  the file is of another version, damaged, or no index
 */
export function openSqliteIndex(file: string): SearchIndex {
  // Tickets are personal data: for the owner's eyes.
  mkdirSync(dirname(dirname(file)), { recursive: true });
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const lock = lockStore(file);
  let db: DatabaseSync | undefined;
  try {
    db = openForWriting(file);
    return new SqliteIndex(file, lock, db, openSqliteReader(file));
  } catch (error) {
    db?.close();
    lock.release();
    throw error;
  }
}

class SqliteIndex implements SearchIndex {
  readonly id: string;
  readonly #file: string;
  readonly #lock: StoreLock;
  readonly #db: DatabaseSync;
  readonly #reader: SqliteReader;
  readonly #statements: ReturnType<typeof prepareAll>;
  readonly #logNumbers = new Map<string, number>();
  /** The tickets applied by the running step; undefined between steps. */
  #applied: Set<string> | undefined;
  /** Steps run one after the other, whoever calls: a second BEGIN in the first's transaction would join the two. */
  #lastStep: Promise<unknown> = Promise.resolve();

  constructor(file: string, lock: StoreLock, db: DatabaseSync, reader: SqliteReader) {
    this.#file = file;
    this.#lock = lock;
    this.#db = db;
    this.#reader = reader;
    this.#statements = prepareAll(db);
    this.id = reader.id;
  }

  readPositions(): readonly StoredPosition[] {
    return this.#translated(() =>
      this.#statements.positions.all().map(
        (row): StoredPosition => ({
          partition: Number(row['part']),
          logId: String(row['log_id']),
          nextOffset: BigInt(row['next_offset'] as bigint),
        }),
      ),
    );
  }

  readBooks(): Books {
    return this.#translated(() => booksOf(this.#statements.books.get()));
  }

  readVersions(ticketIds: readonly string[]): ReadonlyMap<string, TicketVersion> {
    return this.#translated(() =>
      versionsOf(
        this.#statements.versions.all(JSON.stringify(ticketIds)) as unknown as readonly VersionRow[],
      ),
    );
  }

  async record(step: StoreStep, effect: () => void | Promise<void>): Promise<void> {
    const before = this.#lastStep;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastStep = promise;
    await before;
    try {
      await this.#recordAlone(step, effect);
    } finally {
      resolve();
    }
  }

  async #recordAlone(step: StoreStep, effect: () => void | Promise<void>): Promise<void> {
    this.#translated(() => this.#db.exec('BEGIN IMMEDIATE'));
    const applied = new Set<string>();
    this.#applied = applied;
    try {
      await effect();
      this.#translated(() => {
        for (const ticketId of applied) {
          if (!step.versions.has(ticketId)) {
            throw defect(`ticket ${ticketId} was applied in a step that names no version for it`);
          }
        }
        this.#writeStep(step);
        this.#db.exec('COMMIT');
      });
    } catch (error) {
      // A full disk may have ended the transaction already. The cache may name logs that were never committed.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      this.#logNumbers.clear();
      throw error;
    } finally {
      this.#applied = undefined;
    }
  }

  #writeStep({ versions, positions, books }: StoreStep): void {
    const { putVersion, putPosition, addBooks } = this.#statements;
    for (const [ticketId, { stamp, digest, place }] of versions) {
      putVersion.run(ticketId, stamp, digest, this.#logNumber(place.logId), place.partition, place.offset);
    }
    for (const { partition, logId, nextOffset } of positions) {
      putPosition.run(partition, this.#logNumber(logId), nextOffset);
    }
    addBooks.run(...bookFigures(books));
  }

  apply(changes: readonly TicketChange[]): void {
    const applied = this.#applied;
    if (applied === undefined) throw defect('the index was written outside a recorded step');
    const newest = new Map(changes.map((change) => [change.ticketId, change]));
    this.#translated(() => {
      const texts: TextRow[] = [];
      for (const change of newest.values()) {
        const ticket = indexedTicket(change);
        texts.push({ row: this.#putTicket(change, ticket), id: change.ticketId, ticket });
        applied.add(change.ticketId);
      }
      // FTS5 gathers new words in memory as long as rows ascend, and writes a segment at each step back: tickets that
      // change in any order would be indexed at less than half the rate.
      texts.sort((a, b) => (a.row < b.row ? -1 : 1));
      for (const { row, id, ticket } of texts) {
        const { subject, description, other, marks } = ticket;
        this.#statements.putText.run(row, id, subject, description, other, marks);
      }
    });
  }

  /** Writes all of a ticket but its text. @returns the row its text belongs to */
  #putTicket(change: TicketChange, ticket: IndexedTicket): bigint {
    const { findRow, addTicket, changeTicket, putBody, deleteText } = this.#statements;
    const deleted = change.kind === 'deleted';
    const columns = [
      deleted ? 1 : 0,
      ticket.status,
      ticket.priority,
      ticket.type,
      ticket.assignee,
      ticket.group,
      ticket.organization,
      ticket.requester,
      ticket.submitter,
      ticket.created,
      ticket.updated,
      change.traceId ?? null,
    ];
    const known = findRow.get(change.ticketId);
    let row: number;
    if (known === undefined) {
      row = Number(addTicket.run(change.ticketId, ...columns).lastInsertRowid);
    } else {
      row = Number(known['row']);
      changeTicket.run(...columns, row);
      deleteText.run(textRow(row, Number(known['deleted']) === 1));
    }
    putBody.run(row, change.value);
    return textRow(row, deleted);
  }

  #logNumber(logId: string): number {
    let log = this.#logNumbers.get(logId);
    if (log === undefined) {
      this.#statements.putLog.run(logId);
      log = Number(this.#statements.findLog.get(logId)?.['log']);
      this.#logNumbers.set(logId, log);
    }
    return log;
  }

  search(query: Query, options: SearchOptions): Promise<SearchAnswer> {
    return this.#reader.search(query, options);
  }

  get(ticketId: string): Promise<StoredTicket | undefined> {
    return this.#reader.get(ticketId);
  }

  count(): Promise<number> {
    return this.#reader.count();
  }

  /** Waits for a running step, then lets go of the files and the lock. */
  async close(): Promise<void> {
    await this.#lastStep;
    if (!this.#db.isOpen) return;
    await this.#reader.close();
    this.#db.close();
    this.#lock.release();
  }

  #translated<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }
}

interface TextRow {
  readonly row: bigint;
  readonly id: string;
  readonly ticket: IndexedTicket;
}

function prepareAll(db: DatabaseSync) {
  const exact = (sql: string, returnArrays = false): StatementSync =>
    db.prepare(sql, { readBigInts: true, returnArrays });
  return {
    positions: exact('SELECT part, log_id, next_offset FROM positions JOIN logs USING (log) ORDER BY part'),
    books: db.prepare('SELECT * FROM books'),
    // One statement a batch: 1.26 M ids/s; one prepared get an id: 0.37 M/s (1,000 ids a batch, 50,000 stored).
    versions: exact(
      `SELECT v.id, v.stamp, v.digest, l.log_id, v.part, v.offset
       FROM json_each(?) ids CROSS JOIN versions v ON v.id = ids.value JOIN logs l USING (log)`,
      true,
    ),
    putVersion: db.prepare(
      `INSERT INTO versions (id, stamp, digest, log, part, offset) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp, digest = excluded.digest,
         log = excluded.log, part = excluded.part, offset = excluded.offset`,
    ),
    putPosition: db.prepare('INSERT OR REPLACE INTO positions (part, log, next_offset) VALUES (?, ?, ?)'),
    addBooks: db.prepare(ADD_TO_BOOKS),
    putLog: db.prepare('INSERT OR IGNORE INTO logs (log_id) VALUES (?)'),
    findLog: db.prepare('SELECT log FROM logs WHERE log_id = ?'),
    findRow: db.prepare('SELECT row, deleted FROM tickets WHERE id = ?'),
    // Not one INSERT OR REPLACE: a statement that can fail half done makes SQLite set a savepoint, and FTS5 then writes
    // out what it has gathered, after each ticket instead of each batch (a third of the rate, 2026-11).
    addTicket: db.prepare(
      `INSERT INTO tickets (id, deleted, status, priority, ticket_type, assignee, "group", organization, requester,
         submitter, created, updated, trace_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    changeTicket: db.prepare(
      `UPDATE tickets SET deleted = ?, status = ?, priority = ?, ticket_type = ?, assignee = ?, "group" = ?,
         organization = ?, requester = ?, submitter = ?, created = ?, updated = ?, trace_id = ? WHERE row = ?`,
    ),
    putBody: db.prepare('INSERT OR REPLACE INTO bodies (row, value) VALUES (?, ?)'),
    deleteText: db.prepare('DELETE FROM ticket_text WHERE rowid = ?'),
    putText: db.prepare(
      'INSERT INTO ticket_text (rowid, id, subject, description, other, marks) VALUES (?, ?, ?, ?, ?, ?)',
    ),
  };
}

/** node:sqlite binds a number as REAL, which FTS5 takes for "any row" in places; a bigint is bound as INTEGER. */
function textRow(row: number, deleted: boolean): bigint {
  return BigInt(deleted ? -row : row);
}

function defect(message: string): TicketStreamError {
  return new TicketStreamError('internal.defect', message);
}
