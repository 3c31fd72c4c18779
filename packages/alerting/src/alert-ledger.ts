import type { AlertDatabase } from './alert-database.ts';
import type {
  AlertCounts,
  AlertRecord,
  Delivery,
  DeliveryOutcome,
  HistoryEntry,
  HistoryState,
} from './alert-record.ts';
import type { Severity } from './rules/rule.ts';

/** Every decision, and the outbox: what is to be delivered, and what came of it. */
export class AlertLedger {
  readonly #database: AlertDatabase;
  readonly #suppressedKept: number;

  /** @param suppressedKept  suppressed decisions beyond the newest this many decisions are dropped */
  constructor(database: AlertDatabase, suppressedKept: number) {
    this.#database = database;
    this.#suppressedKept = suppressedKept;
  }

  /**
   * Inside a step. A decision whose alert id is known already changes nothing.
   * @returns the alerts that fired now
   */
  saveDecisions(alerts: readonly AlertRecord[]): readonly AlertRecord[] {
    const saved: AlertRecord[] = [];
    for (const alert of alerts) {
      const { outcome } = alert;
      const fired = outcome.kind === 'fired' ? outcome : undefined;
      const inserted = this.#database.run(
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
        this.#database.run(
          `DELETE FROM alerts WHERE outcome = 'suppressed' AND seq <= ?`,
          seq - this.#suppressedKept,
        );
        continue;
      }
      for (const channel of fired.channels) {
        this.#database.run(
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
    return saved;
  }

  /**
   * Rows that are due, the longest due first. A ticket's alerts go out in their order: a row whose ticket has an
   * earlier one pending in the same channel is not among them.
   */
  dueDeliveries(channel: string, nowMs: number, limit: number): readonly Delivery[] {
    return this.#database
      .all(
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
      )
      .map((row) => ({
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
      this.#database.all(
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
    return this.#database.turn(() => {
      this.#database.run(
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
    const rows = this.#database.all(
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
        deliveries: this.#database
          .all(`SELECT * FROM outbox WHERE seq = ? ORDER BY channel`, seq)
          .map((delivery) => ({
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
    const rows = this.#database.all(
      `SELECT outcome AS name, count(*) AS n FROM alerts GROUP BY outcome
       UNION ALL SELECT state, count(*) FROM outbox GROUP BY state`,
    );
    for (const row of rows) counts[row['name'] as keyof AlertCounts] = Number(row['n']);
    return counts;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
