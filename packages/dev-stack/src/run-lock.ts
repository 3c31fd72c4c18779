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

const SQLITE_BUSY = 5;

/**
 * @throws store.locked    another process (or another start in this one) holds the directory
 * @throws store.unusable  the lock's file cannot be opened, or is none
 */
export function lockRun(dataDir: string): RunLock {
  const path = join(dataDir, 'run.lock');
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch (cause) {
    database?.close();
    if ((cause as { errcode?: number }).errcode !== SQLITE_BUSY) {
      throw new TicketStreamError('store.unusable', `${path} is no lock: ${(cause as Error).message}`, {
        cause,
        context: { dataDir },
        remedy: `Remove ${path} if it is there, and see that ${dataDir} can be written to.`,
      });
    }
    throw new TicketStreamError('store.locked', `Another run uses the Kafka of ${dataDir}.`, {
      cause,
      context: { dataDir },
      remedy: 'Stop the other run, or use another DATA_DIR: two runs side by side have one each.',
    });
  }
  return {
    release() {
      if (database?.isOpen) database.close();
    },
  };
}
