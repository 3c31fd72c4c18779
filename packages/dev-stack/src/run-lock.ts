import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';

/**
 * One run a data directory. The lock is the operating system's own file lock, taken through SQLite: it is gone the
 * moment its process is, also after kill -9, so there is no stale lock to judge and no race in judging it.
 */
export interface RunLock {
  release(): void;
}

/** @throws store.locked  another process (or another start in this one) holds the directory */
export function lockRun(dataDir: string): RunLock {
  const database = new DatabaseSync(join(dataDir, 'run.lock'), { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    throw new TicketStreamError('store.locked', `Another run uses the Kafka of ${dataDir}.`, {
      cause,
      context: { dataDir },
      remedy: 'Stop the other run, or use another DATA_DIR: two runs side by side have one each.',
    });
  }
  return {
    release() {
      if (database.isOpen) database.close();
    },
  };
}
