import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { sqliteVersionStore } from './sqlite.ts';
import { stepOf, ticketKeepingContract, versionOf, versionStoreContract } from './version-store.contract.ts';

const folder = mkdtempSync(join(tmpdir(), 'version-store-'));
let files = 0;
const newPath = () => join(folder, 'made', `${++files}.sqlite`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WRITER = fileURLToPath(new URL('../testing/store-writer.ts', import.meta.url));

/** As the first version of this store wrote it. */
const FORMAT_1 = `
  CREATE TABLE versions (ticket_id TEXT PRIMARY KEY, stamp INTEGER NOT NULL, digest TEXT NOT NULL,
    log_id TEXT NOT NULL, partition INTEGER NOT NULL, "offset" INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE positions (partition INTEGER PRIMARY KEY, log_id TEXT NOT NULL, next_offset INTEGER NOT NULL) STRICT;
  CREATE TABLE books (consumed INTEGER NOT NULL, applied INTEGER NOT NULL, duplicate INTEGER NOT NULL,
    stale INTEGER NOT NULL, skipped INTEGER NOT NULL, dead_lettered INTEGER NOT NULL) STRICT;
  INSERT INTO books VALUES (3, 1, 2, 0, 0, 0);
  INSERT INTO versions VALUES ('7', 100, '${'100'.padStart(32, '0')}', '${versionOf(1, 0n).place.logId}', 3, 4);
  INSERT INTO positions VALUES (3, '${versionOf(1, 0n).place.logId}', 5);
  PRAGMA user_version = 1;
`;

describe('the SQLite version store', () => {
  versionStoreContract(() => sqliteVersionStore({ path: newPath() }));
  describe('that keeps tickets', () => {
    versionStoreContract(() => sqliteVersionStore({ path: newPath(), keepTickets: true }));
    ticketKeepingContract(() => sqliteVersionStore({ path: newPath(), keepTickets: true }));
  });

  it('keeps what it stored when it is opened again', async () => {
    const path = newPath();
    const first = sqliteVersionStore({ path });
    await first.record(stepOf({ '1': versionOf(100, 0n) }, [], { consumed: 1, applied: 1 }), () => {});
    await first.close();
    const second = sqliteVersionStore({ path });
    expect(await second.readVersions(['1'])).toEqual(new Map([['1', versionOf(100, 0n)]]));
    expect(await second.readBooks()).toMatchObject({ consumed: 1, applied: 1 });
    await second.close();
  });

  it('stores all of a step or nothing', async () => {
    const store = sqliteVersionStore({ path: newPath() });
    // The position, stored after the version, has more bits than an offset can have.
    const step = stepOf(
      { '1': versionOf(100, 0n) },
      [{ ...versionOf(100, 0n).place, nextOffset: 2n ** 64n }],
      { consumed: 1, applied: 1 },
    );
    await expect(store.record(step, () => {})).rejects.toThrow();
    expect(await store.readVersions(['1'])).toEqual(new Map());
    expect(await store.readBooks()).toMatchObject({ consumed: 0, applied: 0 });
    await store.record(stepOf({ '2': versionOf(100, 1n) }, []), () => {});
    expect((await store.readVersions(['1', '2'])).size).toBe(1);
    await store.close();
  });

  it('shows one member what another stored, also while an effect of its own is at work', async () => {
    const path = newPath();
    const [mine, other] = [sqliteVersionStore({ path }), sqliteVersionStore({ path })];
    await mine.record(stepOf({ '1': versionOf(100, 0n) }, []), async () => {
      await other.record(stepOf({ '2': versionOf(100, 1n) }, []), () => {});
    });
    expect((await other.readVersions(['1', '2'])).size).toBe(2);
    await mine.close();
    await other.close();
  });

  it('adds up the books of processes that open a new file and write it at the same moment', async () => {
    const steps = 5;
    const writers = [0, 1, 2].map((partition) => {
      const child = spawn(process.execPath, [WRITER, String(partition), String(steps)]);
      let said = '';
      child.stderr.on('data', (text: Buffer) => {
        said += text.toString();
      });
      const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const ended = new Promise<string>((resolve) =>
        child.once('close', (code) => resolve(`${code}${said}`)),
      );
      return {
        write: (path: string) => child.stdin.write(`${path}\n`),
        answer: async () => (await answers.next()).value ?? (await ended),
        async end() {
          child.stdin.end();
          return ended;
        },
      };
    });
    // The first round waits for the slowest to start; from then on all are told at one moment.
    for (let round = 0; round < 20; round++) {
      const path = newPath();
      for (const { write } of writers) write(path);
      expect(await Promise.all(writers.map(({ answer }) => answer()))).toEqual([path, path, path]);
      const store = sqliteVersionStore({ path });
      expect(await store.readBooks()).toMatchObject({ consumed: 3 * steps, applied: 3 * steps });
      expect((await store.readPositions()).map(({ nextOffset }) => nextOffset)).toEqual(
        writers.map(() => BigInt(steps)),
      );
      await store.close();
    }
    expect(await Promise.all(writers.map(({ end }) => end()))).toEqual(['0', '0', '0']);
  });

  it('keeps gaps, each once', async () => {
    const path = newPath();
    const store = sqliteVersionStore({ path });
    const { logId } = versionOf(1, 0n).place;
    await store.recordGaps?.([{ partition: 3, logId, from: 4n, to: 9n }]);
    await store.recordGaps?.([{ partition: 3, logId, from: 4n, to: 9n }]);
    await store.close();
    const database = new DatabaseSync(path, { readOnly: true });
    expect(database.prepare('SELECT partition, from_offset, to_offset FROM gaps').all()).toEqual([
      { partition: 3, from_offset: 4, to_offset: 9 },
    ]);
    database.close();
  });

  it('takes over a file of format 1 with all it knows', async () => {
    const path = join(folder, 'format-1.sqlite');
    const database = new DatabaseSync(path);
    database.exec(FORMAT_1);
    database.close();
    const store = sqliteVersionStore({ path });
    expect(await store.readVersions(['7'])).toEqual(new Map([['7', versionOf(100, 4n)]]));
    expect(await store.readPositions()).toEqual([
      { partition: 3, logId: versionOf(1, 0n).place.logId, nextOffset: 5n },
    ]);
    expect(await store.readBooks()).toMatchObject({ consumed: 3, duplicate: 2 });
    await store.record(stepOf({ '8': versionOf(100, 5n) }, []), () => {});
    await store.close();
    const again = sqliteVersionStore({ path });
    expect((await again.readVersions(['7', '8'])).size).toBe(2);
    await again.close();
    expect(() => sqliteVersionStore({ path, keepTickets: true })).toThrow(
      expect.objectContaining({
        code: 'store.unusable',
        message: expect.stringContaining('keeps no tickets'),
      }),
    );
  });

  it('that keeps tickets is not made of a file of format 1, which stays as it was', async () => {
    const path = join(folder, 'format-1-kept.sqlite');
    const database = new DatabaseSync(path);
    database.exec(FORMAT_1);
    expect(() => sqliteVersionStore({ path, keepTickets: true })).toThrow(/keeps no tickets/);
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: 1 });
    database.close();
    const store = sqliteVersionStore({ path });
    expect((await store.readVersions(['7'])).size).toBe(1);
    await store.close();
  });

  it('is opened as it was made: one that keeps tickets goes on keeping them', async () => {
    const path = newPath();
    await sqliteVersionStore({ path, keepTickets: true }).close();
    expect(() => sqliteVersionStore({ path })).toThrow(/keeps tickets: opened without keepTickets/);
    await sqliteVersionStore({ path, keepTickets: true }).close();
  });

  it('refuses a file that is damaged, and one of another format', () => {
    const damaged = join(folder, 'damaged.sqlite');
    writeFileSync(damaged, 'not a database, and longer than one header of one hundred bytes.'.repeat(9));
    expect(() => sqliteVersionStore({ path: damaged })).toThrow(
      expect.objectContaining({ code: 'store.unusable' }),
    );
    const newer = join(folder, 'newer.sqlite');
    const database = new DatabaseSync(newer);
    database.exec('PRAGMA user_version = 7');
    database.close();
    expect(() => sqliteVersionStore({ path: newer })).toThrow(/has format 7, not 2/);
  });
});
