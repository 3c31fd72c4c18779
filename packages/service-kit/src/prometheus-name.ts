import type { MetricDefinition } from './metrics.ts';

/** UCUM → as Prometheus writes it out; braces name what is counted and are left out. */
const unitWords: Readonly<Record<string, string>> = { s: 'seconds', By: 'bytes', '1': 'ratio' };

/** The OpenTelemetry name with its unit at the end: `export.lag` in `s` → `export.lag.seconds`. */
export function nameWithUnit(name: string, unit: string): string {
  const word = unitWords[unit];
  return word === undefined || name.endsWith(word) ? name : `${name}.${word}`;
}

/** The name under which Prometheus finds a metric: `ticket_stream_export_lag_seconds`. */
export function prometheusName(name: string, { kind, unit }: MetricDefinition): string {
  const plain = nameWithUnit(name, unit).replaceAll(/[^A-Za-z0-9]+/g, '_');
  return kind === 'counter' ? `${plain}_total` : plain;
}
