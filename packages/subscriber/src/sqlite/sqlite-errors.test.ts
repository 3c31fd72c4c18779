import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import { expect, it, onTestFinished } from 'vitest';
import { storeError } from './sqlite-errors.ts';

/** What SQLite throws when `sql` is run on a database of its own. */
function thrownBy(sql: string, file = ':memory:'): unknown {
  try {
    const database = new DatabaseSync(file);
    onTestFinished(() => database.close());
    database.exec(sql);
  } catch (error) {
    return error;
  }
  throw new Error(`SQLite takes ${sql}`);
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sqlite-errors-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, 'store.sqlite');
}

it('waits for what passes: a full disk, a file or folder that cannot be used now', () => {
  const file = newFile();
  const full = 'PRAGMA max_page_count = 2; CREATE TABLE a (x); CREATE TABLE b (x)';
  for (const error of [thrownBy(full), thrownBy('SELECT 1', join(file, 'nowhere'))]) {
    expect(storeError(error, file)).toMatchObject({ code: 'sink.unavailable', context: { store: file } });
  }
});

it('ends the service over a damaged file', () => {
  const file = newFile();
  writeFileSync(file, 'not a database, but long enough to be read as one '.repeat(100));
  const error = storeError(thrownBy('SELECT * FROM sqlite_schema', file), file);
  expect(error).toMatchObject({ code: 'store.unusable', message: expect.stringContaining('is damaged') });
});

it.each([
  ['a broken constraint', 'CREATE TABLE a (x NOT NULL); INSERT INTO a VALUES (NULL)'],
  ['wrong SQL', 'SELECT * FROM nowhere'],
])('leaves %s as it is: no wait mends it', (_what, sql) => {
  const error = thrownBy(sql);
  expect(storeError(error, 'store.sqlite')).toBe(error);
});

it('leaves what is named already, and what is not SQLite’s', () => {
  for (const error of [new TicketStreamError('log.cut', 'cut'), new TypeError('no')]) {
    expect(storeError(error, 'store.sqlite')).toBe(error);
  }
});
