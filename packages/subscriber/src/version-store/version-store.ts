import type { Ticket, TicketVersion } from '@ticket-stream/ticket';
import type { Books } from '../books.ts';

/** How far a store has come in one partition: `nextOffset` is the next record to read, of the log `logId`. */
export interface StoredPosition {
  readonly partition: number;
  readonly logId: string;
  readonly nextOffset: bigint;
}

/** Offsets of a partition that reading stepped over: from the first one missed up to where it went on. */
export interface LogGap {
  readonly partition: number;
  readonly logId: string;
  readonly from: bigint;
  readonly to: bigint;
}

/** What one batch adds to a store, beside the effect itself. */
export interface StoreStep {
  /** By ticket id: the version each applied ticket now has. Empty for a batch of repeats. */
  readonly versions: ReadonlyMap<string, TicketVersion>;
  /** By ticket id: the JSON of that version, byte for byte, for a store that keeps tickets by itself. */
  readonly values?: ReadonlyMap<string, Buffer>;
  /** The positions after this batch; a store overwrites what it has for these partitions. */
  readonly positions: readonly StoredPosition[];
  /** What this batch counts, to be added to the store's books. */
  readonly books: Books;
}

/**
 * Port: what a subscriber remembers. The loop calls it from one place at a time and in the order of the log.
 *
 * An implementer does *not* compare versions, retry, batch or skip: the loop does. It never reports a version,
 * position or count that a crash could take back: promise 3 ("effects once") and promise 4 ("never backwards")
 * rest on `record`.
 */
export interface VersionStore {
  /** All stored positions. Read at every assignment. */
  readPositions(): Promise<readonly StoredPosition[]> | readonly StoredPosition[];

  /** Books of the store's whole life. */
  readBooks(): Promise<Books> | Books;

  /** The stored versions among these ids; ids never seen are absent. Called for every batch, so make it fast. */
  readVersions(
    ticketIds: readonly string[],
  ): Promise<ReadonlyMap<string, TicketVersion>> | ReadonlyMap<string, TicketVersion>;

  /**
   * The tickets as stored, for those ids; absent where the store keeps no documents. Called for ids of which something
   * fresh may have come.
   */
  readTickets?(
    ticketIds: readonly string[],
  ): Promise<ReadonlyMap<string, Ticket>> | ReadonlyMap<string, Ticket>;

  /**
   * Keeps, durably, that reading stepped over these offsets by somebody's word; the same gap again is one. Absent
   * where nothing keeps it.
   */
  recordGaps?(gaps: readonly LogGap[]): Promise<void> | void;

  /**
   * Runs `work`, one look at a piece of the partition from its versions to their record, while no other member does:
   * what a member that lost the partition decided may not take place after its successor's. Absent where one process
   * alone can open the store.
   * @throws sink.unavailable  another member is at work; its context names the partition
   */
  exclusively?<T>(partition: number, work: () => Promise<T>): Promise<T>;

  /**
   * Runs `effect` and makes it durable together with the step, in one transaction where the effect's data lives in
   * this store; otherwise the effect first, then the step: a repeat may happen, a loss never.
   * When `effect` throws, nothing of the step is stored and the error goes through unchanged.
   * @returns when effect and step are durable
   */
  record(step: StoreStep, effect: () => void | Promise<void>): Promise<void>;

  close(): Promise<void> | void;
}
