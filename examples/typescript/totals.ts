/**
 * How many tickets each group has in each status: right across restarts, crashes and replays.
 *
 * One row a ticket, written again with each change. The subscriber hands a ticket over only where it moved to a newer
 * version, and remembers that after the row is on disk: killed in between, it writes the same row once more.
 */
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { changes, sqliteVersionStore } from '@ticket-stream/subscriber';

const { KAFKA_BROKERS = '127.0.0.1:9092', TICKETS_TOPIC = 'tickets' } = process.env;
const { once } = parseArgs({ options: { once: { type: 'boolean', default: false } } }).values;

const database = new DatabaseSync('totals.sqlite');
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
database.exec('CREATE TABLE IF NOT EXISTS tickets (id TEXT PRIMARY KEY, team TEXT, status TEXT) STRICT');
const save = database.prepare('INSERT OR REPLACE INTO tickets VALUES (?, ?, ?)');
const remove = database.prepare('DELETE FROM tickets WHERE id = ?');
const totals = database.prepare(
  'SELECT team, status, count(*) AS tickets FROM tickets GROUP BY team, status ORDER BY team, status',
);

function print(): void {
  for (const { team, status, tickets } of totals.all())
    process.stdout.write(`${team}\t${status}\t${tickets}\n`);
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

const versions = sqliteVersionStore({ path: 'versions.sqlite' });
const batches = changes({
  brokers: KAFKA_BROKERS.split(','),
  topic: TICKETS_TOPIC,
  group: `${TICKETS_TOPIC}.totals`,
  versions,
  from: 'earliest', // with a new store everything, wherever the group was
  signal: stop.signal,
  ...(once ? { until: 'end' } : {}),
});
for await (const batch of batches) {
  database.exec('BEGIN');
  for (const { ticketId, kind, ticket } of batch) {
    if (kind === 'deleted') remove.run(ticketId);
    else save.run(ticketId, String(ticket.group_id ?? 'none'), ticket.status ?? 'none');
  }
  database.exec('COMMIT');
  if (!once) process.stderr.write(`${batch.length} tickets changed\n`);
}
print();
await versions.close();
database.close();
