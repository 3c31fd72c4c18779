import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { openSqliteIndex } from './sqlite/sqlite-index.ts';
import { withStoredTickets } from './stored-tickets.ts';
import { change, put, stepOf } from './testing/test-index.ts';

it('gives the tickets of the index back, and is the same store otherwise', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stored-tickets-'));
  const index = openSqliteIndex(join(folder, 'index.sqlite'));
  const store = withStoredTickets(index);
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  const [one, two] = [change('1', { subject: 'printer' }), change('2', { status: 'deleted' })];
  await put(index, [one, two]);
  expect(await store.readTickets?.(['1', '2', '3'])).toEqual(
    new Map([
      ['1', one.ticket],
      ['2', two.ticket],
    ]),
  );
  const newer = change('1', { subject: 'scanner' }, { offset: 2n });
  await store.record(stepOf([newer], 3n), () => index.apply([newer]));
  expect(await store.readTickets?.(['1'])).toEqual(new Map([['1', newer.ticket]]));
  expect(await store.readVersions(['1'])).toEqual(new Map([['1', newer.version]]));
  expect(await store.readPositions()).toEqual(await index.readPositions());
  expect(await store.readBooks()).toMatchObject({ consumed: 3, applied: 3 });
});
