import { chmodSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { storeError } from '@ticket-stream/subscriber/sqlite';
import { prepareSchema } from './alert-schema.ts';

export type Row = Record<string, unknown>;

/** Bound variables of one statement; ids are asked for in slices of it. */
const IDS_A_QUERY = 500;

/**
 * The database of alerting: one connection that writes, one that reads and sees committed rows only. A step may wait for
 * its effect in the middle of a transaction, so everything else that writes takes its turn behind it (`turn`).
 *
 * Errors of SQLite come out as store.unusable (damaged) or sink.unavailable (a full or slow disk).
 */
export class AlertDatabase {
  readonly path: string;
  readonly #writer: DatabaseSync;
  readonly #reader: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  /** The end of the line of writers. */
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
    this.#writer = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true });
    try {
      chmodSync(path, 0o600);
      this.#writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768');
      prepareSchema(this.#writer, path);
      this.#reader = new DatabaseSync(path, { timeout: 5_000, readOnly: true });
    } catch (error) {
      this.#writer.close();
      throw error;
    }
  }

  /** One writer after the other, in the order of asking. */
  turn<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => {});
    return turn;
  }

  /** @param select  without its WHERE */
  byId(select: string, ids: readonly string[]): Row[] {
    const rows: Row[] = [];
    for (let at = 0; at < ids.length; at += IDS_A_QUERY) {
      const slice = ids.slice(at, at + IDS_A_QUERY);
      // json_each keeps the statement the same for any number of ids.
      rows.push(
        ...this.all(`${select} WHERE ticket_id IN (SELECT value FROM json_each(?))`, JSON.stringify(slice)),
      );
    }
    return rows;
  }

  /** Committed rows. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    try {
      return this.#statement(this.#reader, sql).all(...values);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  /** Committed rows as arrays, whole numbers as bigints. */
  allArrays(sql: string, ...values: SQLInputValue[]): readonly unknown[] {
    try {
      let statement = this.#statements.get(sql);
      if (statement === undefined) {
        statement = this.#reader.prepare(sql, { readBigInts: true, returnArrays: true });
        this.#statements.set(sql, statement);
      }
      return statement.all(...values);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  /** One row as the writer sees it: what its open transaction wrote included. */
  ownRow(sql: string, ...values: SQLInputValue[]): Row | undefined {
    try {
      return this.#statement(this.#writer, sql).get(...values);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  run(
    sql: string,
    ...values: SQLInputValue[]
  ): { changes: number | bigint; lastInsertRowid: number | bigint } {
    try {
      return this.#statement(this.#writer, sql).run(...values);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  /** A transaction around `work`, which may wait; nothing of it stays where it throws. */
  async inTransaction<T>(work: () => Promise<T>): Promise<T> {
    this.#exec('BEGIN IMMEDIATE');
    try {
      const result = await work();
      this.#exec('COMMIT');
      return result;
    } catch (error) {
      // A failed COMMIT may already have rolled back.
      if (this.#writer.isTransaction) this.#exec('ROLLBACK');
      throw error;
    }
  }

  /** In a turn of its own, or a step that is under way loses its database. */
  close(): void {
    this.#reader.close();
    this.#statements.clear();
    this.#writer.close();
  }

  #exec(sql: string): void {
    try {
      this.#writer.exec(sql);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  /** No statement runs on both connections, so its text is its key. */
  #statement(database: DatabaseSync, sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}
