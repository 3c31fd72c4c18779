import type { Books, StoredPosition, StoreStep } from '@ticket-stream/subscriber';
import {
  bookFigures,
  booksOf,
  packedTicket,
  unpackedTicket,
  type VersionRow,
  versionsOf,
} from '@ticket-stream/subscriber/sqlite';
import type { Ticket, TicketChange, TicketVersion } from '@ticket-stream/ticket';
import type { AlertDatabase } from './alert-database.ts';

/**
 * A replayed record asks the store for this and nothing else. The ids lead the join, rows come as arrays and offsets as
 * bigints: 109 to 171 thousand duplicates a second, against 39 to 68 thousand by `IN (…)`, objects and offsets cast to
 * text (three runs of each, two busy cores, 2026-11).
 */
const VERSIONS = `SELECT v.ticket_id, v.stamp, lower(hex(v.digest)), l.log_id, v.partition, v.offset
  FROM json_each(?) ids CROSS JOIN versions v ON v.ticket_id = ids.value JOIN logs l USING (log)`;

/** What alerting knows of the log: the version and the document of every ticket, positions, books. */
export class TicketMemory {
  readonly #database: AlertDatabase;

  constructor(database: AlertDatabase) {
    this.#database = database;
  }

  readPositions(): readonly StoredPosition[] {
    return this.#database
      .all(
        `SELECT partition, log_id, CAST(next_offset AS TEXT) AS next_offset FROM positions JOIN logs USING (log)`,
      )
      .map((row) => ({
        partition: Number(row['partition']),
        logId: String(row['log_id']),
        nextOffset: BigInt(String(row['next_offset'])),
      }));
  }

  readBooks(): Books {
    return booksOf(this.#database.all(`SELECT * FROM books`)[0]);
  }

  readVersions(ticketIds: readonly string[]): ReadonlyMap<string, TicketVersion> {
    return versionsOf(this.#database.allArrays(VERSIONS, JSON.stringify(ticketIds)) as readonly VersionRow[]);
  }

  readTickets(ticketIds: readonly string[]): ReadonlyMap<string, Ticket> {
    const rows = this.#database.byId(`SELECT ticket_id, document FROM documents`, ticketIds);
    return new Map(
      rows.map((row): [string, Ticket] => [String(row['ticket_id']), unpackedTicket(row['document'])]),
    );
  }

  saveDocument(change: TicketChange): void {
    this.#database.run(
      `INSERT INTO documents VALUES (?, ?) ON CONFLICT (ticket_id) DO UPDATE SET document = excluded.document`,
      change.ticketId,
      packedTicket(change.value),
    );
  }

  saveStep(step: StoreStep): void {
    for (const [ticketId, { stamp, digest, place }] of step.versions) {
      this.#database.run(
        `INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (ticket_id) DO UPDATE SET stamp = excluded.stamp, digest = excluded.digest,
             log = excluded.log, partition = excluded.partition, offset = excluded.offset`,
        ticketId,
        stamp,
        Buffer.from(digest, 'hex'),
        this.#log(place.logId),
        place.partition,
        place.offset,
      );
    }
    for (const { partition, logId, nextOffset } of step.positions) {
      this.#database.run(
        `INSERT INTO positions VALUES (?, ?, ?)
           ON CONFLICT (partition) DO UPDATE SET log = excluded.log, next_offset = excluded.next_offset`,
        partition,
        this.#log(logId),
        nextOffset,
      );
    }
    this.#database.run(
      `INSERT INTO books VALUES (1, ?, ?, ?, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET
         consumed = consumed + excluded.consumed, applied = applied + excluded.applied,
         duplicate = duplicate + excluded.duplicate, stale = stale + excluded.stale,
         skipped = skipped + excluded.skipped, dead_lettered = dead_lettered + excluded.dead_lettered`,
      ...bookFigures(step.books),
    );
  }

  #log(logId: string): number {
    this.#database.run(`INSERT INTO logs (log_id) VALUES (?) ON CONFLICT DO NOTHING`, logId);
    return Number(this.#database.ownRow(`SELECT log FROM logs WHERE log_id = ?`, logId)?.['log']);
  }
}
