/**
 * One member at a time works on a partition, by the operating system's own lock: for each partition an empty SQLite
 * file beside the store, held in an exclusive transaction from the lookup of versions to their record. The group
 * cannot promise that: a member that stands still for longer than its session (stopped, swapped out, in a call that
 * hangs) loses its partitions without knowing, and wakes up in the middle of an effect. Whoever has the partition by
 * then waits for it; the system frees the lock of a process that is dead.
 */
import { DatabaseSync } from 'node:sqlite';
import { TicketStreamError } from '@ticket-stream/errors';
import { isSqliteBusy } from '../sqlite/sqlite-errors.ts';

export interface PartitionLocks {
  /**
   * @throws sink.unavailable  another member is at work on the partition; names it, so that only this one waits
   */
  hold<T>(partition: number, work: () => Promise<T>): Promise<T>;
  close(): void;
}

/** @param path  of the store; the locks' names follow it */
export function partitionLocks(path: string): PartitionLocks {
  const locks = new Map<number, DatabaseSync>();

  function lockOf(partition: number): DatabaseSync {
    let lock = locks.get(partition);
    if (lock === undefined) {
      lock = new DatabaseSync(`${path}.partition-${partition}.lock`, { timeout: 0 });
      locks.set(partition, lock);
    }
    return lock;
  }

  function take(partition: number): DatabaseSync {
    try {
      const lock = lockOf(partition);
      // Within a transaction of its own it fails as well: neither does one member work on a partition twice at once.
      lock.exec('BEGIN EXCLUSIVE');
      return lock;
    } catch (error) {
      const why = isSqliteBusy(error) ? 'another member is still at work on it' : String(error);
      throw new TicketStreamError('sink.unavailable', `partition ${partition} of ${path}: ${why}`, {
        cause: error,
        context: { store: path, partition },
      });
    }
  }

  return {
    async hold(partition, work) {
      const lock = take(partition);
      try {
        return await work();
      } finally {
        if (lock.isOpen) lock.exec('ROLLBACK');
      }
    },
    close() {
      for (const lock of locks.values()) if (lock.isOpen) lock.close();
    },
  };
}
