/**
 * Tracing by the standard OTEL_* variables. Three ways a process can run:
 *
 * - an exporter is named (an OTLP endpoint, or OTEL_TRACES_EXPORTER and its like): spans are exported;
 * - none is: spans have real ids and the flag 00, are recorded nowhere, and every record still carries a valid
 *   `traceparent`;
 * - OTEL_SDK_DISABLED=true: nothing is registered, and records carry none.
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
    const exporter = given(`OTEL_${signal}_EXPORTER`);
    if (exporter !== undefined) return exporter !== 'none';
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
  if (settings.env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') return { shutdown: async () => {} };

  const exported = exportedSignals(settings.env);
  if (!exported.traces && !exported.metrics && !exported.logs) {
    registerContext();
    registerIdsOnly();
    return { shutdown: async () => {} };
  }
  if (settings.logger !== undefined && settings.env['OTEL_LOG_LEVEL'] === undefined)
    forwardComplaints(settings.logger);
  // Loaded only where needed: it brings every exporter there is.
  const { startExporting } = await import('./telemetry-export.ts');
  const shutdown = startExporting(settings.service, settings.env, exported);
  if (!exported.traces) registerIdsOnly();
  return {
    shutdown: async () => {
      const { promise: timedOut, reject } = Promise.withResolvers<never>();
      const timer = setTimeout(() => reject(new Error('the collector does not answer')), FLUSH_TIMEOUT_MS);
      await Promise.race([shutdown(), timedOut]).catch((error: unknown) => {
        settings.logger?.warn({ err: error }, 'the last spans were not exported');
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
