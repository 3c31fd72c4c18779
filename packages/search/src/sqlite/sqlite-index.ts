import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Books, StoredPosition, StoreStep } from '@ticket-stream/subscriber';
import type { TicketChange, TicketVersion } from '@ticket-stream/ticket';
import type { Query } from '../query-language/query.ts';
import type { SearchAnswer, SearchIndex, SearchOptions, StoredTicket } from '../search-index.ts';
import { type IndexedTicket, indexedTicket } from './indexed-ticket.ts';
import { openForWriting } from './schema.ts';
import { asStoreError } from './sqlite-errors.ts';
import { openSqliteReader, type SqliteReader } from './sqlite-reader.ts';
import { lockStore, type StoreLock } from './store-lock.ts';

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
    return this.#translated(() => {
      const row = this.#statements.books.get() ?? {};
      return {
        consumed: Number(row['consumed']),
        applied: Number(row['applied']),
        duplicate: Number(row['duplicate']),
        stale: Number(row['stale']),
        skipped: Number(row['skipped']),
        deadLettered: Number(row['dead_lettered']),
      };
    });
  }

  readVersions(ticketIds: readonly string[]): ReadonlyMap<string, TicketVersion> {
    return this.#translated(() => {
      const versions = new Map<string, TicketVersion>();
      const { version } = this.#statements;
      for (const ticketId of ticketIds) {
        const row = version.get(ticketId) as unknown as VersionRow | undefined;
        if (row === undefined) continue;
        const [stamp, digest, logId, partition, offset] = row;
        versions.set(ticketId, {
          stamp: Number(stamp),
          digest,
          place: { logId, partition: Number(partition), offset },
        });
      }
      return versions;
    });
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
    addBooks.run(
      books.consumed,
      books.applied,
      books.duplicate,
      books.stale,
      books.skipped,
      books.deadLettered,
    );
  }

  apply(changes: readonly TicketChange[]): void {
    const applied = this.#applied;
    if (applied === undefined) throw defect('the index was written outside a recorded step');
    this.#translated(() => {
      for (const change of changes) {
        this.#put(change, indexedTicket(change));
        applied.add(change.ticketId);
      }
    });
  }

  #put(change: TicketChange, ticket: IndexedTicket): void {
    const { findRow, deleteText, putTicket, putBody, putText } = this.#statements;
    const deleted = change.kind === 'deleted';
    const known = findRow.get(change.ticketId);
    if (known !== undefined) {
      const row = Number(known['row']);
      deleteText.run(BigInt(Number(known['deleted']) === 1 ? -row : row));
    }
    const { lastInsertRowid } = putTicket.run(
      known === undefined ? null : Number(known['row']),
      change.ticketId,
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
    );
    const row = Number(known?.['row'] ?? lastInsertRowid);
    putBody.run(row, change.value);
    putText.run(
      BigInt(deleted ? -row : row),
      change.ticketId,
      ticket.subject,
      ticket.description,
      ticket.other,
      ticket.marks,
    );
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
      throw asStoreError(error, this.#file);
    }
  }
}

type VersionRow = readonly [stamp: bigint, digest: string, logId: string, partition: bigint, offset: bigint];

function prepareAll(db: DatabaseSync) {
  const exact = (sql: string, returnArrays = false): StatementSync =>
    db.prepare(sql, { readBigInts: true, returnArrays });
  return {
    positions: exact('SELECT part, log_id, next_offset FROM positions JOIN logs USING (log) ORDER BY part'),
    books: db.prepare('SELECT * FROM books'),
    // One prepared look-up an id; the same as one statement over json_each of all ids measured slower (see bench).
    version: exact(
      'SELECT stamp, digest, log_id, part, offset FROM versions JOIN logs USING (log) WHERE id = ?',
      true,
    ),
    putVersion: db.prepare(
      `INSERT INTO versions (id, stamp, digest, log, part, offset) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp, digest = excluded.digest,
         log = excluded.log, part = excluded.part, offset = excluded.offset`,
    ),
    putPosition: db.prepare('INSERT OR REPLACE INTO positions (part, log, next_offset) VALUES (?, ?, ?)'),
    addBooks: db.prepare(
      `UPDATE books SET consumed = consumed + ?, applied = applied + ?, duplicate = duplicate + ?,
         stale = stale + ?, skipped = skipped + ?, dead_lettered = dead_lettered + ?`,
    ),
    putLog: db.prepare('INSERT OR IGNORE INTO logs (log_id) VALUES (?)'),
    findLog: db.prepare('SELECT log FROM logs WHERE log_id = ?'),
    findRow: db.prepare('SELECT row, deleted FROM tickets WHERE id = ?'),
    putTicket: db.prepare(
      `INSERT OR REPLACE INTO tickets (row, id, deleted, status, priority, ticket_type, assignee, "group",
         organization, requester, submitter, created, updated, trace_id)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    putBody: db.prepare('INSERT OR REPLACE INTO bodies (row, value) VALUES (?, ?)'),
    deleteText: db.prepare('DELETE FROM ticket_text WHERE rowid = ?'),
    putText: db.prepare(
      'INSERT INTO ticket_text (rowid, id, subject, description, other, marks) VALUES (?, ?, ?, ?, ?, ?)',
    ),
  };
}

function defect(message: string): TicketStreamError {
  return new TicketStreamError('internal.defect', message);
}
