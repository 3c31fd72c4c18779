import { fork } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { emptyBooks } from '@ticket-stream/subscriber';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseQuery } from '../query-language/parse-query.ts';
import { searchIndexContract } from '../search-index.contract.ts';
import { searchQueriesContract } from '../search-queries.contract.ts';
import { change, put } from '../testing/test-index.ts';
import { openSqliteIndex } from './sqlite-index.ts';
import { openSqliteReader } from './sqlite-reader.ts';

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-index-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'search', 'index.sqlite');
}

searchIndexContract('SQLite', () => openSqliteIndex(newFile()));
searchQueriesContract('SQLite', () => openSqliteIndex(newFile()));

const options = { limit: 10, deleted: false, nowSecond: 1_772_000_000 };

describe('the SQLite index', () => {
  it('goes on where it was closed, under the same id', async () => {
    const file = newFile();
    const first = openSqliteIndex(file);
    await put(first, [change('1', { subject: 'printer' })], 8n);
    const { id } = first;
    await first.close();
    await first.close();
    const second = openSqliteIndex(file);
    onTestFinished(() => second.close());
    expect(second.id).toBe(id);
    expect((await second.search(parseQuery('printer'), options)).total).toBe(1);
    expect((await second.readPositions())[0]?.nextOffset).toBe(8n);
  });

  it('gives each index an id of its own', async () => {
    const [a, b] = [openSqliteIndex(newFile()), openSqliteIndex(newFile())];
    onTestFinished(async () => {
      await a.close();
      await b.close();
    });
    expect(a.id).not.toBe(b.id);
  });

  it('is read by others while it is written, and written by one', async () => {
    const file = newFile();
    const index = openSqliteIndex(file);
    onTestFinished(() => index.close());
    expect(() => openSqliteIndex(file)).toThrow(expect.objectContaining({ code: 'store.locked' }));
    expect(() => openSqliteIndex(file)).toThrow(`process ${process.pid}`);
    const reader = openSqliteReader(file);
    onTestFinished(() => reader.close());
    await put(index, [change('1', { subject: 'printer' })]);
    expect((await reader.search(parseQuery('printer'), options)).total).toBe(1);
    expect(await reader.count()).toBe(1);
  });

  it('keeps nothing in memory of a step that could not be stored: the same step is whole the next time', async () => {
    const index = openSqliteIndex(newFile());
    onTestFinished(() => index.close());
    const one = change('1', { subject: 'printer' });
    const { logId } = one.version.place;
    const step = (nextOffset: bigint) => ({
      versions: new Map([['1', one.version]]),
      positions: [{ partition: 3, logId, nextOffset }],
      books: { ...emptyBooks, consumed: 1, applied: 1 },
    });
    // More bits than an offset can have: refused after the document, the version and its log were written.
    await expect(index.record(step(2n ** 64n), () => index.apply([one]))).rejects.toThrow();
    expect(await index.count()).toBe(0);
    await index.record(step(2n), () => index.apply([one]));
    expect(await index.readVersions(['1'])).toEqual(new Map([['1', one.version]]));
    expect(await index.readPositions()).toEqual([{ partition: 3, logId, nextOffset: 2n }]);
    expect(await index.get('1')).toMatchObject({ version: one.version });
    expect(await index.readBooks()).toMatchObject({ consumed: 1, applied: 1 });
  });

  it('is free after its writer was killed in the middle of a step, with the step before it', async () => {
    const file = newFile();
    const writer = fork(new URL('./testing/writer-to-kill.ts', import.meta.url), [file]);
    const ended = new Promise((resolve) => writer.once('exit', resolve));
    onTestFinished(() => void writer.kill('SIGKILL'));
    await new Promise((resolve, reject) => {
      writer.once('message', resolve);
      writer.once('exit', () => reject(new Error('the writer ended by itself')));
    });
    expect(() => openSqliteIndex(file)).toThrow(
      expect.objectContaining({
        code: 'store.locked',
        message: expect.stringContaining(`process ${writer.pid}`),
      }),
    );
    writer.kill('SIGKILL');
    await ended;
    const index = openSqliteIndex(file);
    onTestFinished(() => index.close());
    expect((await index.search(parseQuery('printer'), options)).hits.map((hit) => hit.ticketId)).toEqual([
      '1',
    ]);
    expect((await index.readVersions(['1', '2'])).size).toBe(1);
    expect((await index.readPositions())[0]?.nextOffset).toBe(1n);
    expect(await index.readBooks()).toEqual({ ...emptyBooks, consumed: 1, applied: 1 });
  });

  it('refuses another version, another database and a damaged file', async () => {
    const file = newFile();
    await openSqliteIndex(file).close();
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => openSqliteIndex(file)).toThrow(
      expect.objectContaining({ code: 'store.unusable', message: expect.stringContaining('version 99') }),
    );
    const foreign = `${file}.foreign`;
    const other = new DatabaseSync(foreign);
    other.exec('CREATE TABLE t (x)');
    other.close();
    expect(() => openSqliteIndex(foreign)).toThrow(expect.objectContaining({ code: 'store.unusable' }));
    const damaged = `${file}.damaged`;
    writeFileSync(damaged, 'not a database, but long enough to be read as one '.repeat(100));
    expect(() => openSqliteIndex(damaged)).toThrow(expect.objectContaining({ code: 'store.unusable' }));
    // Each refusal let go of its lock.
    const again = openSqliteIndex(`${file}.new`);
    await again.close();
  });

  it.each([
    ['made by itself', 0o700],
    ['there before, and open to others', 0o755],
  ])('is for the eyes of its owner, in a folder %s', async (_what, mode) => {
    const file = newFile();
    if (mode === 0o755) mkdirSync(dirname(file), { mode });
    const index = openSqliteIndex(file);
    onTestFinished(() => index.close());
    await put(index, [change('1', { subject: 'printer' })]);
    expect(statSync(dirname(file)).mode & 0o777).toBe(mode);
    for (const part of [file, `${file}-wal`, `${file}-shm`]) expect(statSync(part).mode & 0o777).toBe(0o600);
  });

  it('says that the store cannot be used now where its folder cannot be', () => {
    const file = newFile();
    expect(() => openSqliteReader(file)).toThrow(expect.objectContaining({ code: 'sink.unavailable' }));
  });
});
