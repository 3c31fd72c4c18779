/**
 * The stores of search and alerting, read beside their writers or after they were killed, as a stranger would who has
 * only the files: nothing of their code is used, so a fault of it cannot hide here.
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { zstdDecompressSync } from 'node:zlib';
import type { Books } from '@ticket-stream/subscriber';

/** What a sink holds of one ticket, whatever the way on which it came there. */
export interface SinkTicket {
  readonly id: string;
  /** The ticket's JSON, byte for byte. */
  readonly document: Buffer;
  readonly stamp: bigint;
  readonly digest: string;
}

export interface SinkStore {
  /** Sorted by id, as text. One ticket is in memory at a time. */
  tickets(): Generator<SinkTicket, void>;
  /** Of the store's whole life. */
  books(): Books;
  /** Runs a query of the caller's own. */
  rows(sql: string): Record<string, unknown>[];
  close(): void;
}

/** @param dataDir  what the service was given as DATA_DIR */
export function openSearchStore(dataDir: string): SinkStore {
  return openStore(
    join(dataDir, 'search', 'index.sqlite'),
    `SELECT v.id AS id, b.value AS document, v.stamp AS stamp, v.digest AS digest
       FROM versions v LEFT JOIN tickets t ON t.id = v.id LEFT JOIN bodies b ON b.row = t.row ORDER BY v.id`,
    (row) => ({ document: buffer(row['document']), digest: String(row['digest']) }),
  );
}

/** Ticket state only: the ledger of alerts, times and trace ids are of a store's own life. */
export function openAlertingStore(dataDir: string): SinkStore {
  return openStore(
    join(dataDir, 'alerting', 'alerts.sqlite'),
    `SELECT v.ticket_id AS id, d.document AS document, v.stamp AS stamp, v.digest AS digest
       FROM versions v LEFT JOIN documents d ON d.ticket_id = v.ticket_id ORDER BY v.ticket_id`,
    (row) => ({
      document: zstdDecompressSync(buffer(row['document'])),
      digest: buffer(row['digest']).toString('hex'),
    }),
  );
}

function openStore(
  file: string,
  sql: string,
  read: (row: Record<string, unknown>) => Pick<SinkTicket, 'document' | 'digest'>,
): SinkStore {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  return {
    *tickets() {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      for (const row of statement.iterate()) {
        const id = String(row['id']);
        if (row['document'] === null) throw new Error(`${file}: ticket ${id} has a version and no document`);
        yield { id, stamp: row['stamp'] as bigint, ...read(row) };
      }
    },
    books() {
      const row = database.prepare('SELECT * FROM books').get();
      const count = (name: string) => Number(row?.[name] ?? Number.NaN);
      return {
        consumed: count('consumed'),
        applied: count('applied'),
        duplicate: count('duplicate'),
        stale: count('stale'),
        skipped: count('skipped'),
        deadLettered: count('dead_lettered'),
      };
    },
    rows: (query) => database.prepare(query).all(),
    close: () => database.close(),
  };
}

function buffer(value: unknown): Buffer {
  const { buffer: memory, byteOffset, byteLength } = value as Uint8Array;
  return Buffer.from(memory, byteOffset, byteLength);
}

export interface CanonicalDump {
  readonly tickets: number;
  /** SHA-256, hex, of the dump's bytes. */
  readonly sha256: string;
}

/**
 * Two sinks hold the same if, and only if, their dumps are equal: ticket by ticket in the order of ids, one line
 * "id stamp digest bytes", then the document and a line's end.
 */
export function canonicalDump(tickets: Iterable<SinkTicket>): CanonicalDump {
  const hash = createHash('sha256');
  let count = 0;
  for (const { id, stamp, digest, document } of tickets) {
    hash.update(`${id} ${stamp} ${digest} ${document.length}\n`).update(document).update('\n');
    count++;
  }
  return { tickets: count, sha256: hash.digest('hex') };
}

/** The first few tickets that the two hold differently, in words, for whoever has to find out why. */
export function differences(
  one: Iterable<SinkTicket>,
  other: Iterable<SinkTicket>,
  limit = 10,
): readonly string[] {
  const found: string[] = [];
  const [a, b] = [one[Symbol.iterator](), other[Symbol.iterator]()];
  const nameOf = ({ stamp, digest, document }: SinkTicket) => `${stamp} ${digest} (${document.length} bytes)`;
  let [left, right] = [a.next(), b.next()];
  while (found.length < limit && !(left.done && right.done)) {
    const [l, r] = [left.done ? undefined : left.value, right.done ? undefined : right.value];
    if (r === undefined || (l !== undefined && l.id < r.id)) {
      found.push(`${l?.id}: only here, ${l === undefined ? '' : nameOf(l)}`);
      left = a.next();
    } else if (l === undefined || r.id < l.id) {
      found.push(`${r.id}: only there, ${nameOf(r)}`);
      right = b.next();
    } else {
      if (nameOf(l) !== nameOf(r) || !l.document.equals(r.document)) {
        found.push(`${l.id}: here ${nameOf(l)}, there ${nameOf(r)}`);
      }
      [left, right] = [a.next(), b.next()];
    }
  }
  return found;
}
