import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import type { VersionStore } from '@ticket-stream/subscriber';
import { describe, expect, inject, it } from 'vitest';
import { versionStoreContract } from '../../packages/subscriber/src/version-store/version-store.contract.ts';
import { readmeBlocks } from './readme-blocks.ts';

const { folder, project } = inject('installedPackage');
const readme = join(folder, 'README.md');

/** As the README asks for it of a driver of Postgres. */
interface Database {
  query(sql: string, values: readonly unknown[]): Promise<readonly Record<string, string>[]>;
  transaction<T>(work: () => Promise<T>): Promise<T>;
  tryLock(key: number): Promise<(() => Promise<void>) | undefined>;
}

/**
 * The README's own tables and statements, by SQLite: it takes them as they are, but for the numbering of parameters and
 * a list as one. What only Postgres can show, its isolation and its advisory locks, is not shown here.
 */
function databaseOf(tables: string): Database {
  const sqlite = new DatabaseSync(':memory:');
  sqlite.exec(tables);
  const locked = new Set<number>();
  return {
    async query(sql, values) {
      const statement = sqlite.prepare(
        sql.replace('= ANY($1)', 'IN (SELECT value FROM json_each($1))').replaceAll(/\$(\d)/g, '?$1'),
      );
      statement.setReadBigInts(true);
      const rows = statement.all(
        ...values.map((value) => (Array.isArray(value) ? JSON.stringify(value) : (value as string))),
      );
      return rows.map((row) =>
        Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)])),
      );
    },
    async transaction(work) {
      sqlite.exec('BEGIN');
      try {
        const result = await work();
        sqlite.exec('COMMIT');
        return result;
      } catch (error) {
        sqlite.exec('ROLLBACK');
        throw error;
      }
    },
    async tryLock(key) {
      if (locked.has(key)) return undefined;
      locked.add(key);
      return async () => void locked.delete(key);
    },
  };
}

describe('the version store of the README, as it stands there', async () => {
  const [tables = ''] = readmeBlocks(readme, 'sql');
  const code = readmeBlocks(readme, 'ts').find((block) => block.includes('postgresVersionStore'));
  const file = join(project, 'readme-store.ts');
  writeFileSync(file, code ?? '');
  const { postgresVersionStore } = (await import(pathToFileURL(file).href)) as {
    postgresVersionStore(database: Database): VersionStore;
  };

  versionStoreContract(() => postgresVersionStore(databaseOf(tables)));

  it('lets one member at a time work on a partition, and says so to the other', async () => {
    const database = databaseOf(tables);
    const [one, other] = [postgresVersionStore(database), postgresVersionStore(database)];
    const atWork = Promise.withResolvers<string>();
    const working = one.exclusively?.(3, () => atWork.promise);
    await expect(other.exclusively?.(3, async () => 'at once')).rejects.toMatchObject({
      code: 'sink.unavailable',
      disposition: 'retry',
      context: { partition: 3 },
    });
    expect(await other.exclusively?.(4, async () => 'another partition')).toBe('another partition');
    atWork.reject(new Error('the sink'));
    await expect(working).rejects.toThrow('the sink');
    expect(await other.exclusively?.(3, async () => 'after it')).toBe('after it');
  });
});
