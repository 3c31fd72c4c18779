/** Metrics as Prometheus reads them; only telemetry-metrics.ts loads this file. */
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  MetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { nameWithUnit } from './prometheus-name.ts';

/** Reads when it is asked; keeps no timer and no copy. */
export class ScrapeReader extends MetricReader {
  readonly #serializer = new PrometheusSerializer('', false, undefined, false, true);

  constructor() {
    super({ aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE });
  }

  /** @returns the text, and what readings threw */
  async scrape(): Promise<{ readonly text: string; readonly errors: readonly unknown[] }> {
    const { resourceMetrics, errors } = await this.collect();
    await resourceMetrics.resource.waitForAsyncAttributes?.();
    return { text: this.#serializer.serialize(asPrometheus(resourceMetrics)), errors };
  }

  protected override async onForceFlush(): Promise<void> {}

  protected override async onShutdown(): Promise<void> {}
}

function asPrometheus(resourceMetrics: ResourceMetrics): ResourceMetrics {
  return {
    ...resourceMetrics,
    scopeMetrics: resourceMetrics.scopeMetrics.map(({ scope, metrics }) => ({
      scope,
      metrics: metrics.filter(isKnown).map(withUnitInName),
    })),
  };
}

/** What is unknown now is observed as not a number (metrics.ts). */
function isKnown({ dataPointType, dataPoints }: MetricData): boolean {
  return dataPointType !== DataPointType.GAUGE || dataPoints.some(({ value }) => !Number.isNaN(value));
}

/**
 * Adds its unit to the name, as OpenTelemetry's rules for Prometheus ask. The serializer of 0.301 does not (it writes
 * `# UNIT` lines, which this format does not have), but collectors and Prometheus' own OTLP receiver do: a dashboard
 * must find the same names either way.
 */
function withUnitInName(metric: MetricData): MetricData {
  const { name, unit } = metric.descriptor;
  return { ...metric, descriptor: { ...metric.descriptor, name: nameWithUnit(name, unit), unit: '' } };
}
