import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Books, StoredPosition, StoreStep, VersionStore } from '@ticket-stream/subscriber';
import type { Ticket, TicketChange, TicketVersion } from '@ticket-stream/ticket';
import { prepareSchema } from './alert-schema.ts';
import type { SuppressionReason } from './evaluate.ts';
import type { Severity } from './rules/rule.ts';
import { storeError } from './sqlite-errors.ts';
import { lockStore, type StoreLock } from './store-lock.ts';

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
 *
 * **Two connections.** `record` may wait for its effect in the middle of a transaction, so everything else that
 * writes takes its turn behind it (`#turn`); readers have a connection of their own and see committed rows only.
 */
export interface AlertRecord {
  readonly alertId: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly ticketId: string;
  readonly versionId: string;
  readonly decidedAtMs: number;
  /** The trace the record was sent in. */
  readonly traceId: string | undefined;
  readonly outcome:
    | {
        readonly kind: 'fired';
        /** The delivery's body, JSON. */
        readonly body: string;
        /** The span that raised it: a delivery, also one after a restart, goes on with its trace. */
        readonly traceparent: string | undefined;
        /** One outbox row each. */
        readonly channels: readonly string[];
      }
    | { readonly kind: 'suppressed'; readonly reason: SuppressionReason };
}

/** A row of the outbox that waits for a channel. */
export interface Delivery {
  readonly seq: number;
  readonly channel: string;
  readonly alertId: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly ticketId: string;
  /** JSON, the same at every attempt. */
  readonly body: string;
  /** Attempts made before this one. */
  readonly attempts: number;
  readonly traceId: string | undefined;
  readonly traceparent: string | undefined;
}

export type DeliveryOutcome =
  | { readonly state: 'delivered'; readonly status: number | undefined }
  | {
      readonly state: 'pending';
      readonly status: number | undefined;
      readonly cause: string;
      readonly nextAttemptAtMs: number;
      /** False: not one of the row's tries. */
      readonly counts: boolean;
    }
  | { readonly state: 'dead'; readonly status: number | undefined; readonly cause: string };

export interface HistoryEntry {
  readonly seq: number;
  readonly alertId: string;
  readonly rule: string;
  readonly severity: string;
  readonly ticketId: string;
  readonly versionId: string;
  readonly outcome: 'fired' | 'suppressed';
  readonly reason: string | undefined;
  readonly decidedAtMs: number;
  readonly traceId: string | undefined;
  readonly deliveries: readonly {
    readonly channel: string;
    readonly state: 'pending' | 'delivered' | 'dead';
    readonly attempts: number;
    readonly lastStatus: number | undefined;
    readonly lastCause: string | undefined;
    readonly nextAttemptAtMs: number | undefined;
    readonly settledAtMs: number | undefined;
  }[];
}

export const historyStates = ['fired', 'suppressed', 'pending', 'delivered', 'dead'] as const;
export type HistoryState = (typeof historyStates)[number];

export interface AlertCounts {
  readonly fired: number;
  readonly suppressed: number;
  /** Outbox rows by state. */
  readonly pending: number;
  readonly delivered: number;
  readonly dead: number;
}

export interface AlertStateOptions {
  /** Made where it is missing, readable for its owner only: it holds tickets. */
  readonly folder: string;
  readonly nowMs?: () => number;
  /** Suppressed decisions kept beyond the newest this many decisions are dropped. */
  readonly suppressedKept?: number;
}

const SUPPRESSED_KEPT = 100_000;
/** Bound variables of one statement; ids are asked for in slices of it. */
const IDS_A_QUERY = 500;
/**
 * Measured, level 1: tickets of 1.0 kB (the barest there are) become 1.8 times smaller in 20 µs, tickets of 3.2 kB
 * 3.0 times in 25 µs; 15 to 18 µs to open. Level 3, zstd's own default, wins 2 % more.
 */
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/**
 * A replayed record asks the store for this and nothing else. The ids lead the join, rows come as arrays and offsets as
 * bigints: 109 to 171 thousand duplicates a second, against 39 to 68 thousand by `IN (…)`, objects and offsets cast to
 * text (three runs of each, two busy cores, 2026-11).
 */
const VERSIONS = `SELECT v.ticket_id, v.stamp, lower(hex(v.digest)), l.log_id, v.partition, v.offset
  FROM json_each(?) ids CROSS JOIN versions v ON v.ticket_id = ids.value JOIN logs l USING (log)`;

type VersionRow = readonly [
  ticketId: string,
  stamp: bigint,
  digest: string,
  logId: string,
  partition: bigint,
  offset: bigint,
];

type Row = Record<string, unknown>;

export class AlertState implements VersionStore {
  readonly #path: string;
  readonly #lock: StoreLock;
  readonly #writer: DatabaseSync;
  readonly #reader: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #versions: StatementSync;
  readonly #suppressedKept: number;
  /** When the store was opened for the first time, epoch milliseconds. */
  readonly firstStartedAtMs: number;
  #hasCaughtUp: boolean;
  /** The end of the line of writers. */
  #lastTurn: Promise<unknown> = Promise.resolve();
  /** Fired alerts of the transaction that is open; undefined while none is. */
  #saved: AlertRecord[] | undefined;
  #onFired: (alerts: readonly AlertRecord[]) => void = () => {};

  private constructor(path: string, lock: StoreLock, options: AlertStateOptions) {
    this.#path = path;
    this.#lock = lock;
    this.#suppressedKept = options.suppressedKept ?? SUPPRESSED_KEPT;
    this.#writer = new DatabaseSync(path, { timeout: 5_000, enableForeignKeyConstraints: true });
    try {
      chmodSync(path, 0o600);
      this.#writer.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768');
      prepareSchema(this.#writer, path);
      const now = (options.nowMs ?? Date.now)();
      this.#writer
        .prepare(`INSERT INTO meta VALUES ('first_started_at_ms', ?) ON CONFLICT DO NOTHING`)
        .run(now);
      this.firstStartedAtMs = Number(this.#meta('first_started_at_ms') ?? now);
      this.#hasCaughtUp = this.#meta('caught_up_at_ms') !== undefined;
      this.#reader = new DatabaseSync(path, { timeout: 5_000, readOnly: true });
      this.#versions = this.#reader.prepare(VERSIONS, { readBigInts: true, returnArrays: true });
    } catch (error) {
      this.#writer.close();
      throw error;
    }
  }

  /**
   * Opens the store in `folder`, or makes it.
   * @throws store.locked    another process has it open
   * @throws store.unusable  damaged, of another version, or another file of that name
   */
  static open(options: AlertStateOptions): AlertState {
    mkdirSync(options.folder, { recursive: true, mode: 0o700 });
    const path = join(options.folder, 'alerts.sqlite');
    const lock = lockStore(join(options.folder, 'alerts.lock'));
    try {
      return new AlertState(path, lock, options);
    } catch (error) {
      lock.release();
      throw storeError(error, path);
    }
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
    return this.#turn(() => {
      this.#run(`INSERT INTO meta VALUES ('caught_up_at_ms', ?) ON CONFLICT DO NOTHING`, nowMs);
      this.#hasCaughtUp = true;
    });
  }

  readPositions(): readonly StoredPosition[] {
    return this.#all(
      `SELECT partition, log_id, CAST(next_offset AS TEXT) AS next_offset FROM positions JOIN logs USING (log)`,
    ).map((row) => ({
      partition: Number(row['partition']),
      logId: String(row['log_id']),
      nextOffset: BigInt(String(row['next_offset'])),
    }));
  }

  readBooks(): Books {
    const row = this.#all(`SELECT * FROM books`)[0] ?? {};
    return {
      consumed: Number(row['consumed'] ?? 0),
      applied: Number(row['applied'] ?? 0),
      duplicate: Number(row['duplicate'] ?? 0),
      stale: Number(row['stale'] ?? 0),
      skipped: Number(row['skipped'] ?? 0),
      deadLettered: Number(row['dead_lettered'] ?? 0),
    };
  }

  readVersions(ticketIds: readonly string[]): ReadonlyMap<string, TicketVersion> {
    try {
      const versions = new Map<string, TicketVersion>();
      const rows = this.#versions.all(JSON.stringify(ticketIds)) as unknown as readonly VersionRow[];
      for (const [ticketId, stamp, digest, logId, partition, offset] of rows) {
        const place = { logId, partition: Number(partition), offset };
        versions.set(ticketId, { stamp: Number(stamp), digest, place });
      }
      return versions;
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  readTickets(ticketIds: readonly string[]): ReadonlyMap<string, Ticket> {
    const rows = this.#byId(`SELECT ticket_id, document FROM documents`, ticketIds);
    return new Map(
      rows.map((row): [string, Ticket] => [
        String(row['ticket_id']),
        JSON.parse(zstdDecompressSync(row['document'] as Uint8Array).toString('utf8')) as Ticket,
      ]),
    );
  }

  async record(step: StoreStep, effect: () => void | Promise<void>): Promise<void> {
    const fired = await this.#turn(async () => {
      this.#exec('BEGIN IMMEDIATE');
      const saved: AlertRecord[] = [];
      this.#saved = saved;
      try {
        await effect();
        this.#saveStep(step);
        this.#exec('COMMIT');
        return saved;
      } catch (error) {
        // A failed COMMIT may already have rolled back.
        if (this.#writer.isTransaction) this.#exec('ROLLBACK');
        throw error;
      } finally {
        this.#saved = undefined;
      }
    });
    if (fired.length > 0) this.#onFired(fired);
  }

  /**
   * Keeps the document of a change and what was decided for it; valid only inside the effect of `record`, with
   * which it becomes durable. A decision whose alert id is known already changes nothing.
   */
  save(change: TicketChange, alerts: readonly AlertRecord[]): void {
    const saved = this.#saved;
    if (saved === undefined) {
      throw new TicketStreamError('internal.defect', 'alerts are saved outside a step of the store');
    }
    this.#run(
      `INSERT INTO documents VALUES (?, ?) ON CONFLICT (ticket_id) DO UPDATE SET document = excluded.document`,
      change.ticketId,
      zstdCompressSync(change.value, ZSTD),
    );
    for (const alert of alerts) {
      const { outcome } = alert;
      const fired = outcome.kind === 'fired' ? outcome : undefined;
      const inserted = this.#run(
        `INSERT INTO alerts
           (alert_id, rule, severity, ticket_id, version_id, outcome, reason, decided_at_ms, trace_id, traceparent, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (alert_id) DO NOTHING`,
        alert.alertId,
        alert.rule,
        alert.severity,
        alert.ticketId,
        alert.versionId,
        outcome.kind,
        outcome.kind === 'suppressed' ? outcome.reason : null,
        alert.decidedAtMs,
        alert.traceId ?? null,
        fired?.traceparent ?? null,
        fired?.body ?? null,
      );
      if (inserted.changes === 0) continue;
      const seq = Number(inserted.lastInsertRowid);
      if (fired === undefined) {
        this.#run(`DELETE FROM alerts WHERE outcome = 'suppressed' AND seq <= ?`, seq - this.#suppressedKept);
        continue;
      }
      for (const channel of fired.channels) {
        this.#run(
          `INSERT INTO outbox (seq, channel, ticket_id, state, attempts, next_attempt_at_ms)
           VALUES (?, ?, ?, 'pending', 0, ?)`,
          seq,
          channel,
          alert.ticketId,
          alert.decidedAtMs,
        );
      }
      saved.push(alert);
    }
  }

  /**
   * Rows that are due, the longest due first. A ticket's alerts go out in their order: a row whose ticket has an
   * earlier one pending in the same channel is not among them.
   */
  dueDeliveries(channel: string, nowMs: number, limit: number): readonly Delivery[] {
    return this.#all(
      `SELECT o.seq, o.channel, o.attempts, a.alert_id, a.rule, a.severity, a.ticket_id, a.body, a.trace_id, a.traceparent
         FROM outbox AS o JOIN alerts AS a USING (seq)
        WHERE o.state = 'pending' AND o.channel = ? AND o.next_attempt_at_ms <= ?
          AND NOT EXISTS (SELECT 1 FROM outbox AS earlier
                           WHERE earlier.state = 'pending' AND earlier.channel = o.channel
                             AND earlier.ticket_id = o.ticket_id AND earlier.seq < o.seq)
        ORDER BY o.next_attempt_at_ms, o.seq LIMIT ?`,
      channel,
      nowMs,
      limit,
    ).map((row) => ({
      seq: Number(row['seq']),
      channel: String(row['channel']),
      alertId: String(row['alert_id']),
      rule: String(row['rule']),
      severity: String(row['severity']) as Severity,
      ticketId: String(row['ticket_id']),
      body: String(row['body']),
      attempts: Number(row['attempts']),
      traceId: textOf(row['trace_id']),
      traceparent: textOf(row['traceparent']),
    }));
  }

  /** When the next row after `nowMs` falls due, epoch milliseconds; undefined where none waits. */
  nextDueAtMs(channel: string, nowMs: number): number | undefined {
    return numberOf(
      this.#all(
        `SELECT min(next_attempt_at_ms) AS at FROM outbox
          WHERE state = 'pending' AND channel = ? AND next_attempt_at_ms > ?`,
        channel,
        nowMs,
      )[0]?.['at'],
    );
  }

  /** Keeps what came of an attempt. @returns when that is durable */
  settleDelivery(
    { seq, channel }: Pick<Delivery, 'seq' | 'channel'>,
    outcome: DeliveryOutcome,
    nowMs: number,
  ): Promise<void> {
    return this.#turn(() => {
      this.#run(
        `UPDATE outbox SET state = ?, attempts = attempts + ?, last_status = ?, last_cause = ?,
                next_attempt_at_ms = coalesce(?, next_attempt_at_ms), settled_at_ms = ?
          WHERE seq = ? AND channel = ?`,
        outcome.state,
        outcome.state === 'pending' && !outcome.counts ? 0 : 1,
        outcome.status ?? null,
        outcome.state === 'delivered' ? null : outcome.cause,
        outcome.state === 'pending' ? outcome.nextAttemptAtMs : null,
        outcome.state === 'pending' ? null : nowMs,
        seq,
        channel,
      );
    });
  }

  /**
   * Decisions, the newest first.
   * @param query  before: only those with a lower `seq`
   */
  history(query: {
    readonly limit: number;
    readonly before?: number | undefined;
    readonly state?: HistoryState | undefined;
  }): readonly HistoryEntry[] {
    const { limit, before = Number.MAX_SAFE_INTEGER, state } = query;
    const filter =
      state === undefined
        ? ''
        : state === 'fired' || state === 'suppressed'
          ? `AND outcome = '${state}'`
          : `AND seq IN (SELECT DISTINCT seq FROM outbox WHERE state = '${state}' AND seq < ?2 ORDER BY seq DESC LIMIT ?1)`;
    const rows = this.#all(
      `SELECT seq, alert_id, rule, severity, ticket_id, version_id, outcome, reason, decided_at_ms, trace_id
         FROM alerts WHERE seq < ?2 ${filter} ORDER BY seq DESC LIMIT ?1`,
      limit,
      before,
    );
    return rows.map((row) => {
      const seq = Number(row['seq']);
      return {
        seq,
        alertId: String(row['alert_id']),
        rule: String(row['rule']),
        severity: String(row['severity']),
        ticketId: String(row['ticket_id']),
        versionId: String(row['version_id']),
        outcome: row['outcome'] as 'fired' | 'suppressed',
        reason: textOf(row['reason']),
        decidedAtMs: Number(row['decided_at_ms']),
        traceId: textOf(row['trace_id']),
        deliveries: this.#all(`SELECT * FROM outbox WHERE seq = ? ORDER BY channel`, seq).map((delivery) => ({
          channel: String(delivery['channel']),
          state: delivery['state'] as 'pending' | 'delivered' | 'dead',
          attempts: Number(delivery['attempts']),
          lastStatus: numberOf(delivery['last_status']),
          lastCause: textOf(delivery['last_cause']),
          nextAttemptAtMs:
            delivery['state'] === 'pending' ? numberOf(delivery['next_attempt_at_ms']) : undefined,
          settledAtMs: numberOf(delivery['settled_at_ms']),
        })),
      };
    });
  }

  /** Of the store's whole life; suppressed ones as far as they are kept. */
  counts(): AlertCounts {
    const counts = { fired: 0, suppressed: 0, pending: 0, delivered: 0, dead: 0 };
    const rows = this.#all(
      `SELECT outcome AS name, count(*) AS n FROM alerts GROUP BY outcome
       UNION ALL SELECT state, count(*) FROM outbox GROUP BY state`,
    );
    for (const row of rows) counts[row['name'] as keyof AlertCounts] = Number(row['n']);
    return counts;
  }

  /** After the step that is under way; then frees the lock. */
  async close(): Promise<void> {
    await this.#turn(() => {
      this.#reader.close();
      this.#statements.clear();
      this.#writer.close();
    });
    this.#lock.release();
  }

  #saveStep(step: StoreStep): void {
    for (const [ticketId, { stamp, digest, place }] of step.versions) {
      this.#run(
        `INSERT INTO versions VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (ticket_id) DO UPDATE SET stamp = excluded.stamp, digest = excluded.digest,
             log = excluded.log, partition = excluded.partition, offset = excluded.offset`,
        ticketId,
        stamp,
        Buffer.from(digest, 'hex'),
        this.#log(place.logId),
        place.partition,
        place.offset,
      );
    }
    for (const { partition, logId, nextOffset } of step.positions) {
      this.#run(
        `INSERT INTO positions VALUES (?, ?, ?)
           ON CONFLICT (partition) DO UPDATE SET log = excluded.log, next_offset = excluded.next_offset`,
        partition,
        this.#log(logId),
        nextOffset,
      );
    }
    const { consumed, applied, duplicate, stale, skipped, deadLettered } = step.books;
    this.#run(
      `INSERT INTO books VALUES (1, ?, ?, ?, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET
         consumed = consumed + excluded.consumed, applied = applied + excluded.applied,
         duplicate = duplicate + excluded.duplicate, stale = stale + excluded.stale,
         skipped = skipped + excluded.skipped, dead_lettered = dead_lettered + excluded.dead_lettered`,
      consumed,
      applied,
      duplicate,
      stale,
      skipped,
      deadLettered,
    );
  }

  #log(logId: string): number {
    this.#run(`INSERT INTO logs (log_id) VALUES (?) ON CONFLICT DO NOTHING`, logId);
    return Number(this.#statement(this.#writer, `SELECT log FROM logs WHERE log_id = ?`).get(logId)?.['log']);
  }

  #meta(key: string): unknown {
    return this.#writer.prepare(`SELECT value FROM meta WHERE key = ?`).get(key)?.['value'];
  }

  /** One writer after the other, in the order of asking. */
  #turn<T>(work: () => T | Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work);
    this.#lastTurn = turn.catch(() => {});
    return turn;
  }

  #byId(select: string, ids: readonly string[]): Row[] {
    const rows: Row[] = [];
    for (let at = 0; at < ids.length; at += IDS_A_QUERY) {
      const slice = ids.slice(at, at + IDS_A_QUERY);
      // json_each keeps the statement the same for any number of ids.
      rows.push(
        ...this.#all(`${select} WHERE ticket_id IN (SELECT value FROM json_each(?))`, JSON.stringify(slice)),
      );
    }
    return rows;
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    try {
      return this.#statement(this.#reader, sql).all(...values);
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  #run(
    sql: string,
    ...values: SQLInputValue[]
  ): { changes: number | bigint; lastInsertRowid: number | bigint } {
    try {
      return this.#statement(this.#writer, sql).run(...values);
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  #exec(sql: string): void {
    try {
      this.#writer.exec(sql);
    } catch (error) {
      throw storeError(error, this.#path);
    }
  }

  /** No statement runs on both connections, so its text is its key. */
  #statement(database: DatabaseSync, sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
