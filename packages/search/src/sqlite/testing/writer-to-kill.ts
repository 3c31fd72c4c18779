/** Records one step, begins a second, says so, and never ends: to be killed. The argument is the index's file. */
import { emptyBooks } from '@ticket-stream/subscriber';
import { ticketChange } from '@ticket-stream/ticket';
import { openSqliteIndex } from '../sqlite-index.ts';

const index = openSqliteIndex(process.argv[2] ?? '');
const place = { logId: '7b1f1d3e-3c1a-4f0e-9a52-0d6f4f6a1c11', partition: 0 };

async function record(id: number, during: () => Promise<void>): Promise<void> {
  const ticket = { id, subject: 'printer' };
  const ticketId = String(id);
  const version = {
    stamp: 1_772_000_000,
    digest: 'a'.repeat(32),
    place: { ...place, offset: BigInt(id - 1) },
  };
  const change = ticketChange({
    ticketId,
    kind: 'changed',
    ticket,
    value: Buffer.from(JSON.stringify(ticket)),
    previous: undefined,
    version,
    source: 'https://acme.zendesk.com',
    publishedAtMs: 0,
    traceId: undefined,
  });
  await index.record(
    {
      versions: new Map([[ticketId, version]]),
      positions: [{ ...place, nextOffset: BigInt(id) }],
      books: { ...emptyBooks, consumed: 1, applied: 1 },
    },
    async () => {
      await index.apply([change]);
      await during();
    },
  );
}

await record(1, async () => {});
// The open channel to the parent keeps the process alive.
process.on('message', () => {});
await record(2, () => new Promise(() => process.send?.('in the middle of a step')));
