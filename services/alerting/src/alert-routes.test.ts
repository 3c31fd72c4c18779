import type { HistoryEntry, HistoryState } from '@ticket-stream/alerting';
import { createHttpServer, createLogger } from '@ticket-stream/service-kit';
import { describe, expect, it } from 'vitest';
import { alertRoutes } from './alert-routes.ts';

const entries: HistoryEntry[] = [3, 2, 1].map((seq) => ({
  seq,
  alertId: `alert_${seq}`,
  rule: 'raised',
  severity: 'critical',
  ticketId: '7',
  versionId: `7-17-${seq}`,
  outcome: seq === 2 ? 'suppressed' : 'fired',
  reason: seq === 2 ? 'too_old' : undefined,
  decidedAtMs: Date.UTC(2026, 10, 1, 12, 0, seq),
  traceId: undefined,
  deliveries:
    seq === 2
      ? []
      : [
          {
            channel: 'webhook',
            state: 'pending',
            attempts: 1,
            lastStatus: 500,
            lastCause: 'the receiver answered 500',
            nextAttemptAtMs: Date.UTC(2026, 10, 1, 12, 1),
            settledAtMs: undefined,
          },
        ],
}));

interface Answer {
  readonly alerts: { readonly id: string }[];
  readonly next: string | null;
}

function server() {
  const asked: { limit: number; before?: number | undefined; state?: HistoryState | undefined }[] = [];
  const app = createHttpServer({
    logger: createLogger({ service: 'test', destination: { write: () => {} } }),
  });
  alertRoutes(app, {
    history(query) {
      asked.push(query);
      const { before = Number.POSITIVE_INFINITY } = query;
      return entries.filter(({ seq }) => seq < before).slice(0, query.limit);
    },
  });
  return { app, asked, get: async (url: string) => app.inject({ url }) };
}

describe('GET /alerts', () => {
  it('tells each decision, and how far its deliveries are', async () => {
    const answer = await server().get('/alerts');
    expect(answer.statusCode).toBe(200);
    const { alerts, next } = answer.json<Answer>();
    expect(next).toBeNull();
    expect(alerts).toMatchObject([
      {
        id: 'alert_3',
        outcome: 'fired',
        reason: null,
        decidedAt: '2026-11-01T12:00:03.000Z',
        deliveries: [
          {
            channel: 'webhook',
            state: 'pending',
            attempts: 1,
            status: 500,
            nextAttemptAt: '2026-11-01T12:01:00.000Z',
          },
        ],
      },
      { id: 'alert_2', outcome: 'suppressed', reason: 'too_old', deliveries: [] },
      { id: 'alert_1' },
    ]);
  });

  it('goes on page by page to the last one', async () => {
    const { get } = server();
    const seen: string[] = [];
    let url = '/alerts?limit=2';
    for (;;) {
      const { alerts, next } = (await get(url)).json<Answer>();
      seen.push(...alerts.map(({ id }) => id));
      if (next === null) break;
      url = `/alerts?limit=2&cursor=${next}`;
    }
    expect(seen).toEqual(['alert_3', 'alert_2', 'alert_1']);
  });

  it('passes the state on', async () => {
    const { get, asked } = server();
    await get('/alerts?state=dead');
    expect(asked).toMatchObject([{ state: 'dead', limit: 51 }]);
  });

  it.each(['limit=0', 'limit=501', 'limit=x', 'cursor=abc', 'cursor=-1', 'state=lost', 'stat=dead'])(
    'answers 400 to %s',
    async (query) => {
      const answer = await server().get(`/alerts?${query}`);
      expect(answer.statusCode).toBe(400);
      expect(answer.json<{ error: { code: string } }>().error.code).toBe('bad_request');
    },
  );
});
