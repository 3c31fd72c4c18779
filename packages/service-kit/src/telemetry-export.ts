/** The exporting SDK; only telemetry.ts loads this file, and only when something is to be exported. */
import { OTLPMetricExporter as OtlpGrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as OtlpJsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as OtlpProtoExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import type { Resource } from '@opentelemetry/resources';
import {
  ConsoleMetricExporter,
  type IMetricReader,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Environment } from './options.ts';

/**
 * Traces and logs; metrics have a provider of their own (telemetry-metrics.ts), because `/metrics` reads the same one.
 * @returns the function that flushes and ends it
 */
export function startExporting(
  resource: Resource,
  exported: { readonly traces: boolean; readonly logs: boolean },
): () => Promise<void> {
  const sdk = new NodeSDK({
    resource,
    autoDetectResources: false,
    // An empty list says "none"; left out, the SDK takes the standard variables and, without them, OTLP.
    ...(exported.traces ? {} : { spanProcessors: [] }),
    metricReaders: [],
    ...(exported.logs ? {} : { logRecordProcessors: [] }),
  });
  sdk.start();
  return () => sdk.shutdown();
}

const EXPORT_INTERVAL_MS = 60_000;
const EXPORT_TIMEOUT_MS = 30_000;

/**
 * What OTEL_METRICS_EXPORTER and its like ask for, as the SDK would make it. `prometheus` is no exporter here: every
 * service has `/metrics`, without a port of its own.
 */
export function exportingReaders(env: Environment): IMetricReader[] {
  const names = new Set(
    (env['OTEL_METRICS_EXPORTER']?.trim() || 'otlp').split(',').map((name) => name.trim()),
  );
  const exporters: PushMetricExporter[] = [
    ...(names.has('otlp') ? [otlpExporter(env)] : []),
    ...(names.has('console') ? [new ConsoleMetricExporter()] : []),
  ];
  const exportIntervalMillis = milliseconds(env['OTEL_METRIC_EXPORT_INTERVAL']) ?? EXPORT_INTERVAL_MS;
  const exportTimeoutMillis = Math.min(
    milliseconds(env['OTEL_METRIC_EXPORT_TIMEOUT']) ?? EXPORT_TIMEOUT_MS,
    exportIntervalMillis,
  );
  return exporters.map(
    (exporter) => new PeriodicExportingMetricReader({ exporter, exportIntervalMillis, exportTimeoutMillis }),
  );
}

function otlpExporter(env: Environment): PushMetricExporter {
  const protocol = env['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'];
  switch (protocol?.trim()) {
    case 'grpc':
      return new OtlpGrpcExporter();
    case 'http/json':
      return new OtlpJsonExporter();
    default:
      return new OtlpProtoExporter();
  }
}

function milliseconds(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN);
  return value > 0 ? value : undefined;
}
