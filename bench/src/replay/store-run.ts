/**
 * What a repeat costs a store, against the first application: `store-run.ts search|alerting <tickets>`, with the
 * sample tickets as its first message. Batches of 1,000, as the consumer loop hands them over: for each, the stored
 * versions are asked for, then one step is recorded, with the changes applied the first time, without any the second.
 * Changes are made before the clock runs. Sends { freshPerSecond, duplicatesPerSecond }.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlertState, defaultRuleFile, loadRuleFile, raiseAlerts } from '@ticket-stream/alerting';
import { openSqliteIndex } from '@ticket-stream/search';
import { type Books, emptyBooks, type VersionStore } from '@ticket-stream/subscriber';
import {
  compareToStored,
  type Ticket,
  type TicketChange,
  ticketChange,
  ticketDigest,
} from '@ticket-stream/ticket';
import type { SampleTicket } from '../publish/sample-tickets.ts';

const BATCH = 1_000;
const none = Buffer.alloc(0);
const [sink = '', tickets = ''] = process.argv.slice(2);
const [samples] = (await once(process, 'message')) as [readonly SampleTicket[]];
const dir = mkdtempSync(join(tmpdir(), 'ticket-stream-bench-'));
const logId = randomUUID();

interface Sink {
  readonly store: VersionStore;
  apply(changes: readonly TicketChange[]): void | Promise<void>;
}

async function openSink(): Promise<Sink> {
  if (sink === 'search') {
    const index = openSqliteIndex(join(dir, 'index', 'index.sqlite'));
    return { store: index, apply: (changes) => index.apply(changes) };
  }
  const state = AlertState.open({ folder: join(dir, 'alerting') });
  await state.markCaughtUp(Date.now());
  const { handle } = raiseAlerts({
    rules: await loadRuleFile(defaultRuleFile),
    state,
    channels: ['log'],
    eventAgeMaxSeconds: 6 * 3_600,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return { store: state, apply: handle };
}

function batchOf(from: number): TicketChange[] {
  const stamp = Math.floor(Date.now() / 1_000);
  return Array.from({ length: BATCH }, (_, k) => {
    const n = from + k;
    const { head, tail } = samples[n % samples.length] as SampleTicket;
    const ticketId = String(1_000_000 + n);
    const value = Buffer.from(`${head}${ticketId}${tail}`);
    return ticketChange({
      ticketId,
      kind: 'changed',
      ticket: JSON.parse(value.toString()) as Ticket,
      value,
      previous: undefined,
      version: { stamp, digest: ticketDigest(value), place: { logId, partition: 0, offset: BigInt(n) } },
      source: 'https://bench.zendesk.com',
      publishedAtMs: Date.now(),
      traceId: undefined,
    });
  });
}

/** One batch as the loop does it, from the lookup to the durable step. @returns ms */
async function handle(
  { store, apply }: Sink,
  changes: readonly TicketChange[],
  nextOffset: number,
): Promise<number> {
  const startedAtMs = performance.now();
  const stored = await store.readVersions(changes.map(({ ticketId }) => ticketId));
  const fresh = changes.filter(
    ({ ticketId, version }) => compareToStored(stored.get(ticketId), version) === 'fresh',
  );
  const books: Books = {
    ...emptyBooks,
    consumed: changes.length,
    applied: fresh.length,
    duplicate: changes.length - fresh.length,
  };
  await store.record(
    {
      versions: new Map(fresh.map(({ ticketId, version }) => [ticketId, version])),
      positions: [{ partition: 0, logId, nextOffset: BigInt(nextOffset) }],
      books,
    },
    () => (fresh.length === 0 ? undefined : apply(fresh)),
  );
  return performance.now() - startedAtMs;
}

try {
  const opened = await openSink();
  const count = Number(tickets);
  const times = { fresh: 0, duplicates: 0 };
  // A repeat is decided by its headers: the second pass needs no ticket, and keeping 30,000 would weigh on the heap.
  const versions: TicketChange[][] = [];
  for (let n = 0; n < count; n += BATCH) {
    const changes = batchOf(n);
    times.fresh += await handle(opened, changes, n + BATCH);
    versions.push(changes.map((change) => ({ ...change, ticket: { id: 0 }, value: none })));
  }
  for (const [n, changes] of versions.entries()) {
    times.duplicates += await handle(opened, changes, (n + 1) * BATCH);
  }
  const books = await opened.store.readBooks();
  if (books.applied !== count || books.duplicate !== count) throw new Error(JSON.stringify(books));
  await opened.store.close();
  process.send?.({
    freshPerSecond: (1_000 * count) / times.fresh,
    duplicatesPerSecond: (1_000 * count) / times.duplicates,
  });
  process.disconnect();
} finally {
  rmSync(dir, { recursive: true, force: true });
}
