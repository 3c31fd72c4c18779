import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import { isSqliteBusy, storeError } from './sqlite-errors.ts';

/**
 * One writer a store, by the operating system's own lock: a second database file, empty, held in an exclusive
 * transaction for as long as the store is open. The system frees it with the process, also after `kill -9`, so there
 * is no left-over lock to judge by its age. The store itself is not locked that way, because readers use it.
 *
 * Holds on local disks. A network file system may only pretend to lock.
 */
export interface StoreLock {
  release(): void;
}

/** Keeps held locks from the garbage collector, which would close the database and let a second writer in. */
const held = new Set<DatabaseSync>();

/**
 * @param file  of the store; the lock lies beside it
 * @throws store.locked      another process (or another opening in this one) writes the store; names its pid if known
 * @throws sink.unavailable  the folder cannot be written
 */
export function lockStore(file: string): StoreLock {
  const lockFile = `${file}.lock`;
  const holderFile = `${file}.pid`;
  let lock: DatabaseSync;
  try {
    lock = new DatabaseSync(lockFile, { timeout: 0 });
  } catch (error) {
    throw storeError(error, lockFile);
  }
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isSqliteBusy(error)) throw storeError(error, lockFile);
    const holder = readHolder(holderFile);
    throw new TicketStreamError(
      'store.locked',
      `${holder === undefined ? 'another process' : `process ${holder}`} writes ${file}`,
      { cause: error, context: { file, holder } },
    );
  }
  held.add(lock);
  noteHolder(holderFile);
  return {
    release() {
      rmSync(holderFile, { force: true });
      held.delete(lock);
      lock.close();
    },
  };
}

/** Only for the message above, so a disk too full for it changes nothing; the lock is what counts. */
function noteHolder(holderFile: string): void {
  try {
    writeFileSync(holderFile, `${process.pid}\n`);
  } catch {}
}

function readHolder(holderFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(holderFile, 'utf8'));
    return Number.isSafeInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
