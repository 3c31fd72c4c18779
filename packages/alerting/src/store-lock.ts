import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import { isSqliteBusy } from '@ticket-stream/subscriber/sqlite';

/**
 * One writer a store. The lock is an open exclusive transaction on a database of its own: SQLite holds it by a lock
 * of the operating system on the file, so `kill -9` frees it in the same moment and nothing is ever left behind.
 * A lock on the store itself would keep its readers out.
 */
export interface StoreLock {
  release(): void;
}

/** Keeps held locks from the garbage collector, which would close the database and let a second writer in. */
const held = new Set<DatabaseSync>();

/** @throws store.locked  another process, or another store of this one, holds it */
export function lockStore(lockPath: string): StoreLock {
  const database = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isSqliteBusy(error)) throw error;
    throw new TicketStreamError('store.locked', `another process holds ${lockPath}`, {
      cause: error,
      context: { lock: lockPath },
    });
  }
  held.add(database);
  return {
    release() {
      held.delete(database);
      database.close();
    },
  };
}
