// A process of its own that writes steps into SQLite version stores: <partition> <steps>. For each path that comes as a
// line it opens that store, writes, closes it and answers with the path.

import { createInterface } from 'node:readline';
import { emptyBooks } from '../books.ts';
import { sqliteVersionStore } from '../version-store/sqlite.ts';

const [partition = '0', steps = '0'] = process.argv.slice(2);
const logId = '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b';
for await (const path of createInterface({ input: process.stdin })) {
  const store = sqliteVersionStore({ path });
  for (let step = 0; step < Number(steps); step++) {
    await store.record(
      {
        versions: new Map([
          [
            `${Number(partition) + 1}${step}`,
            { stamp: 1, digest: '', place: { logId, partition: Number(partition), offset: BigInt(step) } },
          ],
        ]),
        positions: [{ partition: Number(partition), logId, nextOffset: BigInt(step + 1) }],
        books: { ...emptyBooks, consumed: 1, applied: 1 },
      },
      () => {},
    );
  }
  await store.close();
  process.stdout.write(`${path}\n`);
}
