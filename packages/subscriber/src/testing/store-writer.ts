// A process of its own that writes steps into a SQLite version store: <path> <partition> <steps>.

import { emptyBooks } from '../books.ts';
import { sqliteVersionStore } from '../version-store/sqlite.ts';

const [path = '', partition = '0', steps = '0'] = process.argv.slice(2);
const store = sqliteVersionStore({ path });
const logId = '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b';
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
