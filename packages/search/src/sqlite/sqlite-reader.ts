import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { storeError } from '@ticket-stream/subscriber/sqlite';
import { printQuery } from '../query-language/print-query.ts';
import type { Query } from '../query-language/query.ts';
import { planQuery, type QueryPlan } from '../query-language/query-plan.ts';
import type { SearchAnswer, SearchHit, SearchOptions, StoredTicket, TicketReader } from '../search-index.ts';
import { textDigest } from './indexed-ticket.ts';
import {
  decodeCursor,
  encodeCursor,
  type PageCursor,
  queryFingerprint,
  type ShownHit,
} from './page-cursor.ts';
import { type QuerySql, querySql } from './query-sql.ts';
import { openForReading } from './schema.ts';

export interface SqliteReader extends TicketReader {
  readonly id: string;
}

/**
 * Reads the index beside its writer, in this process or another: the last recorded state, never half a batch.
 *
 * How a query is answered: words and tags by FTS5, which ranks and cuts to one page before anything else is read;
 * conditions by the narrow table `tickets`, before a rank is computed; bodies for the hits of the page only.
 *
 * Paging goes by the last hit's sort key. By date that is exact, however the index moves in between: each ticket
 * that stays as it is comes once. A score moves a little with every ticket indexed (bm25 weighs a word by how many
 * have it), so the last hit's score is asked for again and paging goes on below where it stands now. A ticket whose own
 * text has changed since stands somewhere else, with hits not yet shown on either side: then the hit before it is
 * asked, and so on.
 *
 * @throws store.unusable, sink.unavailable
 */
export function openSqliteReader(file: string): SqliteReader {
  return new Reader(file, openForReading(file));
}

/** A page ends early, with a cursor, once its tickets weigh this much: a ticket alone may have 8 MB. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** How many of a page's hits can be asked where the next page begins. */
const SHOWN_MAX = 4;

interface Row {
  readonly row: number;
  readonly key: number;
}

class Reader implements SqliteReader {
  readonly id: string;
  readonly #file: string;
  readonly #db: DatabaseSync;
  readonly #ticketByRow: StatementSync;
  readonly #ticketById: StatementSync;
  readonly #count: StatementSync;

  constructor(file: string, db: DatabaseSync) {
    this.#file = file;
    this.#db = db;
    this.id = String(db.prepare("SELECT value FROM meta WHERE name = 'index_id'").get()?.['value']);
    const stored = `SELECT t.id, t.deleted, t.trace_id, b.value, v.stamp, v.digest, l.log_id, v.part, v.offset
      FROM tickets t JOIN bodies b USING (row) JOIN versions v ON v.id = t.id JOIN logs l USING (log)`;
    this.#ticketByRow = db.prepare(`${stored} WHERE t.row = ?`, { readBigInts: true });
    this.#ticketById = db.prepare(`${stored} WHERE t.id = ?`, { readBigInts: true });
    // Rows are numbered from 1 and none is ever taken out, so the last number is their count, at any size at once.
    this.#count = db.prepare('SELECT coalesce(max(row), 0) AS n FROM tickets');
  }

  async search(query: Query, options: SearchOptions): Promise<SearchAnswer> {
    return this.#snapshot(() => this.#search(query, options));
  }

  async get(ticketId: string): Promise<StoredTicket | undefined> {
    return this.#snapshot(() => {
      const row = this.#ticketById.get(ticketId);
      return row === undefined ? undefined : storedTicket(row);
    });
  }

  async count(): Promise<number> {
    return this.#snapshot(() => Number(this.#count.get()?.['n']));
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  /** Total, page and documents of one answer come from one state of the index. */
  #snapshot<T>(work: () => T): T {
    try {
      this.#db.exec('BEGIN');
      try {
        return work();
      } finally {
        this.#db.exec('COMMIT');
      }
    } catch (error) {
      throw storeError(error, this.#file);
    }
  }

  #search(query: Query, { limit, cursor, deleted, nowSecond }: SearchOptions): SearchAnswer {
    const fingerprint = queryFingerprint(this.id, deleted ? 'deleted' : '', printQuery(query));
    const after = cursor === undefined ? undefined : decodeCursor(fingerprint, cursor);
    const now = after?.nowSecond ?? nowSecond;
    const plan = planQuery(query, { deleted, nowSecond: now });
    const sql = querySql(plan);
    const total = this.#total(sql, deleted);
    // One more than asked for tells whether there is a next page.
    const rows = this.#page(sql, plan, deleted, after, limit + 1);
    const hits: SearchHit[] = [];
    let bytes = 0;
    for (const row of rows.slice(0, limit)) {
      if (bytes > ANSWER_BYTES_MAX) break;
      const hit = this.#hit(row, plan);
      hits.push(hit);
      bytes += hit.value.length;
    }
    const last = rows[hits.length - 1];
    if (rows.length === hits.length || last === undefined) return { total, hits, next: undefined };
    const shown = plan.order.by === 'relevance' ? lastShown(rows, hits) : [];
    const next = encodeCursor(fingerprint, { nowSecond: now, key: last.key, row: last.row, shown });
    return { total, hits, next };
  }

  #total({ match, where, parameters }: QuerySql, deleted: boolean): number {
    const conditions: string[] = [];
    let from = 'tickets t';
    const values: (string | number)[] = [];
    if (match === undefined) {
      if (!deleted) conditions.push('t.deleted = 0');
    } else {
      from =
        where === undefined ? 'ticket_text f' : 'ticket_text f CROSS JOIN tickets t ON t.row = abs(f.rowid)';
      conditions.push('f.ticket_text MATCH ?');
      values.push(match);
      if (!deleted) conditions.push('f.rowid > 0');
    }
    if (where !== undefined) conditions.push(where);
    const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const statement = this.#db.prepare(`SELECT count(*) AS n FROM ${from} ${filter}`);
    return Number(statement.get(...values, ...parameters)?.['n']);
  }

  #page(
    sql: QuerySql,
    plan: QueryPlan,
    deleted: boolean,
    after: PageCursor | undefined,
    limit: number,
  ): readonly Row[] {
    return plan.order.by === 'relevance' && sql.match !== undefined
      ? this.#pageByScore(sql, sql.match, plan.order.ascending, deleted, after, limit)
      : this.#pageByDate(sql, plan, deleted, after, limit);
  }

  #pageByScore(
    { where, parameters }: QuerySql,
    match: string,
    worstFirst: boolean,
    deleted: boolean,
    after: PageCursor | undefined,
    limit: number,
  ): readonly Row[] {
    const live = deleted ? '' : 'AND f.rowid > 0';
    const ranked =
      where === undefined
        ? `SELECT f.rowid AS row, f.rank AS key FROM ticket_text f WHERE f.ticket_text MATCH ? ${live}`
        : `SELECT f.rowid AS row, f.rank AS key FROM ticket_text f CROSS JOIN tickets t ON t.row = abs(f.rowid)
           WHERE f.ticket_text MATCH ? ${live} AND ${where}`;
    const values: (string | number)[] = [match, ...parameters];
    // Rank: the lower the better. OFFSET 0 keeps SQLite from moving the comparison into the scan, where it would
    // compute the rank once for each time it is named.
    let page = `SELECT row, key FROM (${ranked} LIMIT -1 OFFSET 0)`;
    if (after !== undefined) {
      const { key, row } = this.#placeNow(match, after);
      page += worstFirst
        ? ' WHERE key < ? OR (key = ? AND row > ?)'
        : ' WHERE key > ? OR (key = ? AND row > ?)';
      values.push(key, key, row);
    }
    return this.#rows(`${page} ORDER BY key ${worstFirst ? 'DESC' : 'ASC'}, row LIMIT ?`, [...values, limit]);
  }

  /** Where the page before ends by now. All of its last hits changed: where it ended then is as near as one can get. */
  #placeNow(match: string, { key, row, shown }: PageCursor): Row {
    const score = this.#db.prepare(
      'SELECT rank AS key FROM ticket_text WHERE ticket_text MATCH ? AND rowid = ?',
    );
    for (const hit of shown) {
      const stored = this.#ticketByRow.get(Math.abs(hit.row));
      if (stored === undefined || textDigest(storedTicket(stored).value) !== hit.text) continue;
      // node:sqlite binds a number as REAL, and FTS5 lets a REAL row pass for "any row"; a bigint is bound as INTEGER.
      const now = score.get(match, BigInt(hit.row))?.['key'];
      // Undefined: deleted since, so its text stands in another row.
      if (now !== undefined) return { key: Number(now), row: hit.row };
    }
    return { key, row };
  }

  #pageByDate(
    { match, where, parameters }: QuerySql,
    { order }: QueryPlan,
    deleted: boolean,
    after: PageCursor | undefined,
    limit: number,
  ): readonly Row[] {
    const date = order.by === 'created' ? 't.created' : 't.updated';
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    let from = 'tickets t';
    if (match !== undefined) {
      from = 'ticket_text f CROSS JOIN tickets t ON t.row = abs(f.rowid)';
      conditions.push('f.ticket_text MATCH ?');
      values.push(match);
      if (!deleted) conditions.push('f.rowid > 0');
    } else if (!deleted) conditions.push('t.deleted = 0');
    if (where !== undefined) {
      conditions.push(where);
      values.push(...parameters);
    }
    if (after !== undefined) {
      conditions.push(`(${date}, t.row) ${order.ascending ? '>' : '<'} (?, ?)`);
      values.push(after.key, after.row);
    }
    const filter = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const direction = order.ascending ? 'ASC' : 'DESC';
    return this.#rows(
      `SELECT t.row AS row, ${date} AS key FROM ${from} ${filter}
       ORDER BY ${date} ${direction}, t.row ${direction} LIMIT ?`,
      [...values, limit],
    );
  }

  #rows(sql: string, values: readonly (string | number)[]): readonly Row[] {
    return this.#db
      .prepare(sql)
      .all(...values)
      .map(({ row, key }) => ({ row: Number(row), key: Number(key) }));
  }

  #hit({ row, key }: Row, plan: QueryPlan): SearchHit {
    const stored = this.#ticketByRow.get(Math.abs(row));
    if (stored === undefined) throw new TypeError(`row ${row} is in the text index and not in the table`);
    return { ...storedTicket(stored), score: plan.order.by === 'relevance' ? -key : undefined };
  }
}

/** The last hits of a page, the last one first. */
function lastShown(rows: readonly Row[], hits: readonly SearchHit[]): ShownHit[] {
  const shown: ShownHit[] = [];
  for (let at = hits.length - 1; at >= 0 && shown.length < SHOWN_MAX; at--) {
    const [row, hit] = [rows[at]?.row, hits[at]];
    if (row !== undefined && hit !== undefined) shown.push({ row, text: textDigest(hit.value) });
  }
  return shown;
}

function storedTicket(row: Record<string, unknown>): StoredTicket {
  const value = row['value'] as Uint8Array;
  const traceId = row['trace_id'];
  return {
    ticketId: String(row['id']),
    value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
    version: {
      stamp: Number(row['stamp']),
      digest: String(row['digest']),
      place: {
        logId: String(row['log_id']),
        partition: Number(row['part']),
        offset: row['offset'] as bigint,
      },
    },
    deleted: Number(row['deleted']) === 1,
    traceId: typeof traceId === 'string' ? traceId : undefined,
  };
}
