import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Telemetry } from './telemetry.ts';

export interface Health {
  readonly ok: boolean;
  /** Why not, for a person. */
  readonly reason?: string | undefined;
}

/**
 * `/readyz`: it gets on with its work; 503 with the reason while it does not.
 * `/healthz`: 503 only where nothing but a restart would help; a service that waits for Kafka or Zendesk is healthy.
 * @param settings.healthy  not given: answering at all is health enough
 */
export function healthRoutes(
  app: FastifyInstance,
  settings: { readonly ready: () => Health; readonly healthy?: () => Health },
): void {
  const { ready, healthy = () => ({ ok: true }) } = settings;
  app.get('/healthz', { config: { forMachines: true } }, async (_request, reply) => answer(reply, healthy()));
  app.get('/readyz', { config: { forMachines: true } }, async (_request, reply) => answer(reply, ready()));
}

function answer(reply: FastifyReply, { ok, reason }: Health): object {
  reply.code(ok ? 200 : 503);
  return ok ? { ok: true } : { ok: false, reason: reason ?? 'not ready' };
}

/**
 * `/metrics` for Prometheus. With OTEL_SDK_DISABLED it is a 503 and not an empty page: a scrape that finds nothing
 * would look like a service in good health whose alerts have all gone quiet.
 */
export function metricsRoute(app: FastifyInstance, telemetry: Pick<Telemetry, 'scrape'>): void {
  app.get('/metrics', { config: { forMachines: true } }, async (_request, reply) => {
    if (telemetry.scrape === undefined) {
      const message = 'there are no metrics: OTEL_SDK_DISABLED=true';
      return reply.code(503).send({ error: { code: 'unavailable', message } });
    }
    const text = await telemetry.scrape();
    return reply.header('content-type', 'text/plain; version=0.0.4; charset=utf-8').send(text);
  });
}
