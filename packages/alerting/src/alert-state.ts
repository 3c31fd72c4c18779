import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Books, StoredPosition, StoreStep, VersionStore } from '@ticket-stream/subscriber';
import { lockStore, type StoreLock, storeError } from '@ticket-stream/subscriber/sqlite';
import type { Ticket, TicketChange, TicketVersion } from '@ticket-stream/ticket';
import { AlertDatabase } from './alert-database.ts';
import { AlertLedger } from './alert-ledger.ts';
import type { AlertRecord } from './alert-record.ts';
import { TicketMemory } from './ticket-memory.ts';

export interface AlertStateOptions {
  /** Made where it is missing, readable for its owner only: it holds tickets. */
  readonly folder: string;
  readonly nowMs?: () => number;
  /** Suppressed decisions kept beyond the newest this many decisions are dropped. */
  readonly suppressedKept?: number;
}

const SUPPRESSED_KEPT = 100_000;

/**
 * What alerting remembers, in one SQLite database: the version and the document of every ticket, positions, books,
 * decisions, and the outbox.
 *
 * Promise 3, "effects once": an alert, its outbox rows, the version it was made from and the position behind it are
 * one transaction (`record`). The alert's id is made of rule and version and is unique here, so that the same
 * version decided twice, in whatever way that comes about, makes no second alert.
 *
 * **Durability.** `synchronous=FULL`: a transaction that returned survives a power cut. A `kill -9` needs less (the
 * operating system has the pages), but the outbox does: after a cut that took back a `delivered`, the alert would go
 * out again. A batch costs one fsync.
 */
export class AlertState implements VersionStore {
  readonly #lock: StoreLock;
  readonly #database: AlertDatabase;
  readonly #tickets: TicketMemory;
  readonly #ledger: AlertLedger;
  /** When the store was opened for the first time, epoch milliseconds. */
  readonly firstStartedAtMs: number;
  #hasCaughtUp: boolean;
  /** Fired alerts of the transaction that is open; undefined while none is. */
  #saved: AlertRecord[] | undefined;
  #onFired: (alerts: readonly AlertRecord[]) => void = () => {};

  private constructor(database: AlertDatabase, lock: StoreLock, options: AlertStateOptions) {
    this.#lock = lock;
    this.#database = database;
    this.#tickets = new TicketMemory(database);
    this.#ledger = new AlertLedger(database, options.suppressedKept ?? SUPPRESSED_KEPT);
    const now = (options.nowMs ?? Date.now)();
    database.run(`INSERT INTO meta VALUES ('first_started_at_ms', ?) ON CONFLICT DO NOTHING`, now);
    this.firstStartedAtMs = Number(this.#meta('first_started_at_ms') ?? now);
    this.#hasCaughtUp = this.#meta('caught_up_at_ms') !== undefined;
  }

  /**
   * Opens the store in `folder`, or makes it.
   * @throws store.locked    another process has it open
   * @throws store.unusable  damaged, of another version, or another file of that name
   */
  static open(options: AlertStateOptions): AlertState {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const path = join(options.folder, 'alerts.sqlite');
    const lock = lockStore(path);
    let database: AlertDatabase | undefined;
    try {
      database = new AlertDatabase(path);
      return new AlertState(database, lock, options);
    } catch (error) {
      database?.close();
      lock.release();
      throw storeError(error, path);
    }
  }

  /** Decisions as they are kept, and the outbox; a decision comes there by `save` alone. */
  get ledger(): Omit<AlertLedger, 'saveDecisions'> {
    return this.#ledger;
  }

  /** Whether this store has ever caught up with its log. */
  get hasCaughtUp(): boolean {
    return this.#hasCaughtUp;
  }

  /** Called with the alerts that a committed step fired, if any. */
  onFired(listener: (alerts: readonly AlertRecord[]) => void): void {
    this.#onFired = listener;
  }

  /** From here on nothing counts as history. @returns when that is durable */
  markCaughtUp(nowMs: number): Promise<void> {
    return this.#database.turn(() => {
      this.#database.run(`INSERT INTO meta VALUES ('caught_up_at_ms', ?) ON CONFLICT DO NOTHING`, nowMs);
      this.#hasCaughtUp = true;
    });
  }

  readPositions(): readonly StoredPosition[] {
    return this.#tickets.readPositions();
  }

  readBooks(): Books {
    return this.#tickets.readBooks();
  }

  readVersions(ticketIds: readonly string[]): ReadonlyMap<string, TicketVersion> {
    return this.#tickets.readVersions(ticketIds);
  }

  readTickets(ticketIds: readonly string[]): ReadonlyMap<string, Ticket> {
    return this.#tickets.readTickets(ticketIds);
  }

  async record(step: StoreStep, effect: () => void | Promise<void>): Promise<void> {
    const fired = await this.#database.turn(() =>
      this.#database.inTransaction(async () => {
        const saved: AlertRecord[] = [];
        this.#saved = saved;
        try {
          await effect();
        } finally {
          this.#saved = undefined;
        }
        this.#tickets.saveStep(step);
        return saved;
      }),
    );
    if (fired.length > 0) this.#onFired(fired);
  }

  /**
   * Keeps the document of a change and what was decided for it; valid only inside the effect of `record`, with
   * which it becomes durable. A decision whose alert id is known already changes nothing.
   */
  save(change: TicketChange, alerts: readonly AlertRecord[]): void {
    if (this.#saved === undefined) {
      throw new TicketStreamError('internal.defect', 'alerts are saved outside a step of the store');
    }
    this.#tickets.saveDocument(change);
    this.#saved.push(...this.#ledger.saveDecisions(alerts));
  }

  /** After the step that is under way; then frees the lock. */
  async close(): Promise<void> {
    await this.#database.turn(() => this.#database.close());
    this.#lock.release();
  }

  #meta(key: string): unknown {
    return this.#database.ownRow(`SELECT value FROM meta WHERE key = ?`, key)?.['value'];
  }
}
