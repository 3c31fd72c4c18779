/**
 * Traces and metrics by the standard OTEL_* variables. Three ways a process can run:
 *
 * - an exporter is named (an OTLP endpoint, or OTEL_TRACES_EXPORTER and its like): spans are exported; metrics too,
 *   where OTEL_METRICS_EXPORTER asks;
 * - none is: spans have real ids and the flag 00, are recorded nowhere, and every record still carries a valid
 *   `traceparent`;
 * - OTEL_SDK_DISABLED=true: nothing is registered or loaded, records carry none, and there are no metrics.
 *
 * `/metrics` shows the metrics in the first two, exported or not.
 */
import { context, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { AlwaysOffSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from './logger.ts';
import type { Environment } from './options.ts';

/** A collector that does not answer must not keep a service from ending. */
const FLUSH_TIMEOUT_MS = 2_000;
/** An exporter without its collector complains every few seconds; once a minute is enough. */
const SAME_COMPLAINT_MS = 60_000;

export interface Telemetry {
  /** All metrics in Prometheus' text format; undefined where OTEL_SDK_DISABLED switched them off. */
  readonly scrape: (() => Promise<string>) | undefined;
  /** Sends what is not sent yet, for at most 2 s. Never throws. */
  shutdown(): Promise<void>;
}

/** Which signals are to be exported. Metrics and logs only when asked for by name: many collectors take traces only. */
interface ExportedSignals {
  readonly traces: boolean;
  readonly metrics: boolean;
  readonly logs: boolean;
}

function exportedSignals(env: Environment): ExportedSignals {
  const given = (name: string): string | undefined => env[name]?.trim() || undefined;
  const asked = (signal: 'TRACES' | 'METRICS' | 'LOGS'): boolean | undefined => {
    // "prometheus" exports nothing by itself: `/metrics` is there anyway.
    const exporters = given(`OTEL_${signal}_EXPORTER`)
      ?.split(',')
      .map((name) => name.trim());
    if (exporters !== undefined) return exporters.some((name) => name !== 'none' && name !== 'prometheus');
    return given(`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`) === undefined ? undefined : true;
  };
  return {
    traces: asked('TRACES') ?? given('OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined,
    metrics: asked('METRICS') ?? false,
    logs: asked('LOGS') ?? false,
  };
}

/**
 * @param service  `service.name` becomes `ticket-stream-<service>`, unless OTEL_SERVICE_NAME or
 *                 OTEL_RESOURCE_ATTRIBUTES says otherwise
 * @param env      decides what is started; the SDK itself then reads process.env
 * @param logger   gets what the SDK complains about; with OTEL_LOG_LEVEL set, the SDK prints it itself
 */
export async function startTelemetry(settings: {
  readonly service: string;
  readonly env: Environment;
  readonly logger?: Logger;
}): Promise<Telemetry> {
  const { service, env, logger } = settings;
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true')
    return { scrape: undefined, shutdown: async () => {} };

  const exported = exportedSignals(env);
  const exporting = exported.traces || exported.metrics || exported.logs;
  if (exporting && logger !== undefined && env['OTEL_LOG_LEVEL'] === undefined) forwardComplaints(logger);
  const [{ startMetrics }, { telemetryResource }] = await Promise.all([
    import('./telemetry-metrics.ts'),
    import('./telemetry-resource.ts'),
  ]);
  const resource = telemetryResource(service, env);
  if (!exporting) {
    registerContext();
    registerIdsOnly();
    const running = startMetrics(resource, [], logger);
    return { scrape: running.scrape, shutdown: running.shutdown };
  }
  // Loaded only where needed: it brings every exporter there is.
  const { exportingReaders, startExporting } = await import('./telemetry-export.ts');
  const stopExporting = startExporting(resource, exported);
  if (!exported.traces) registerIdsOnly();
  const running = startMetrics(resource, exported.metrics ? exportingReaders(env) : [], logger);
  return {
    scrape: running.scrape,
    shutdown: async () => {
      const { promise: timedOut, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => reject(new Error('the collector does not answer')), FLUSH_TIMEOUT_MS);
      const stopped = Promise.all([stopExporting(), running.shutdown()]);
      await Promise.race([stopped, timedOut]).catch((error: unknown) => {
        logger?.warn({ err: error }, 'the last spans or metrics were not exported');
      });
      clearTimeout(timer);
    },
  };
}

function registerContext(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
}

function registerIdsOnly(): void {
  // A span that is not sampled still gets ids of its own from the tracer; without a provider they would be zero.
  trace.setGlobalTracerProvider(new TracerProvider({ sampler: new AlwaysOffSampler(), spanProcessors: [] }));
}

function forwardComplaints(logger: Logger): void {
  const lastMs = new Map<string, number>();
  const forward = (...message: unknown[]): void => {
    const text = message.map(String).join(' ').slice(0, 500);
    const kind = text.slice(0, 60);
    const nowMs = performance.now();
    if (nowMs - (lastMs.get(kind) ?? -SAME_COMPLAINT_MS) < SAME_COMPLAINT_MS) return;
    lastMs.set(kind, nowMs);
    logger.warn({ telemetry: text }, 'telemetry has a problem; the service goes on without it');
  };
  const ignore = (): void => {};
  diag.setLogger(
    { error: forward, warn: forward, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
}
