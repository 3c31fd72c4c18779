import {
  type AlertState,
  type HistoryEntry,
  type HistoryState,
  historyStates,
} from '@ticket-stream/alerting';
import type { createHttpServer } from '@ticket-stream/service-kit';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;

interface AlertsQuery {
  readonly limit: number;
  readonly cursor?: string;
  readonly state?: HistoryState;
}

const querystring = {
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT },
    cursor: { type: 'string', pattern: '^[1-9]\\d{0,14}$' },
    state: { enum: historyStates },
  },
};

/**
 * `GET /alerts?limit=&cursor=&state=`: every decision, the newest first: what fired and how far its deliveries are,
 * what was suppressed and why. `next` is the cursor of the next page, null on the last.
 */
export function alertRoutes(
  app: ReturnType<typeof createHttpServer>,
  alerts: Pick<AlertState['ledger'], 'history'>,
): void {
  app.get<{ Querystring: AlertsQuery }>('/alerts', { schema: { querystring } }, async ({ query }, reply) => {
    const problem = unknownParameter(query);
    if (problem !== undefined) {
      return reply.code(400).send({ error: { code: 'bad_request', message: problem } });
    }
    const { limit, cursor, state } = query;
    const before = cursor === undefined ? undefined : Number(cursor);
    // One more than asked for tells whether there is a next page.
    const found = alerts.history({ limit: limit + 1, before, state });
    const shown = found.slice(0, limit);
    const last = shown.at(-1);
    return {
      alerts: shown.map(asJson),
      next: found.length > limit && last !== undefined ? String(last.seq) : null,
    };
  });
}

/** @returns what is wrong: a misspelt `stat` that were passed over would answer another question than the one asked */
function unknownParameter(query: object): string | undefined {
  const names = Object.keys(querystring.properties);
  const unknown = Object.keys(query).find((name) => !names.includes(name));
  return unknown && `there is no parameter "${unknown}"; there are ${names.join(', ')}`;
}

function asJson(entry: HistoryEntry) {
  return {
    id: entry.alertId,
    rule: entry.rule,
    severity: entry.severity,
    ticketId: entry.ticketId,
    version: entry.versionId,
    outcome: entry.outcome,
    reason: entry.reason ?? null,
    decidedAt: new Date(entry.decidedAtMs).toISOString(),
    traceId: entry.traceId ?? null,
    deliveries: entry.deliveries.map((delivery) => ({
      channel: delivery.channel,
      state: delivery.state,
      attempts: delivery.attempts,
      status: delivery.lastStatus ?? null,
      cause: delivery.lastCause ?? null,
      nextAttemptAt: isoTime(delivery.nextAttemptAtMs),
      settledAt: isoTime(delivery.settledAtMs),
    })),
  };
}

function isoTime(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
