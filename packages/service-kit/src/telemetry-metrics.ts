/** The metrics SDK; only telemetry.ts loads this file, and not where OTEL_SDK_DISABLED switches everything off. */
import { metrics } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import { type IMetricReader, MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Logger } from './logger.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import { ScrapeReader } from './prometheus-text.ts';

interface RunningMetrics {
  /** All metrics as they are now, in Prometheus' text format. */
  scrape(): Promise<string>;
  shutdown(): Promise<void>;
}

/** @param exporting  readers that push; the one that `/metrics` reads is always there */
export function startMetrics(
  resource: Resource,
  exporting: readonly IMetricReader[],
  logger: Logger | undefined,
): RunningMetrics {
  const reader = new ScrapeReader();
  const provider = new MeterProvider({ resource, readers: [reader, ...exporting] });
  metrics.setGlobalMeterProvider(provider);
  registerProcessMetrics();
  let complained = '';
  return {
    async scrape() {
      const { text, errors } = await reader.scrape();
      const complaint = errors.map(String).join('; ');
      if (complaint !== '' && complaint !== complained)
        logger?.warn({ err: errors[0] }, 'a metric cannot be read; the others are shown');
      complained = complaint;
      return text;
    },
    shutdown: () => provider.shutdown(),
  };
}
