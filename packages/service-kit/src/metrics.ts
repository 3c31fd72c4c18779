/**
 * Metrics as tables. A table gives each metric's name, kind, unit and sentence; from it come the instruments, the
 * readings that have to be supplied (the compiler names a missing one) and docs/reference/metrics.md.
 *
 * What is counted is counted by whoever does the work, in plain numbers; a metric reads them when somebody asks.
 * Nothing runs between two scrapes. Only histograms are written to as things happen.
 *
 * Label values must be few and fixed: error codes, outcomes, causes; never a ticket id, a cursor or a URL.
 */
import { type Attributes, type Histogram, type MetricOptions, metrics } from '@opentelemetry/api';

/**
 * - `counter`    only ever grows while the process lives
 * - `gauge`      a value of now; those of several instances must not be added up
 * - `histogram`  how often a value fell into which range
 */
type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricDefinition {
  readonly kind: MetricKind;
  /** UCUM; in braces what is counted. */
  readonly unit: 's' | 'By' | '1' | `{${string}}`;
  readonly text: string;
  /** Name of the label → its values, in words. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Histograms: upper bounds of the ranges, ascending, in `unit`. */
  readonly bounds?: readonly number[];
}

export type MetricTable = Readonly<Record<string, MetricDefinition>>;

type Named<Table extends MetricTable, Histograms extends boolean> = {
  [Name in keyof Table]: (Table[Name]['kind'] extends 'histogram' ? true : false) extends Histograms
    ? Name
    : never;
}[keyof Table] &
  string;

/**
 * A value, or one for each combination of labels (one that was given once is to be given again); undefined: unknown
 * now, and not shown (OTLP: not a number).
 */
export type Reading = number | undefined | Iterable<readonly [number, Attributes]>;

export type Readings<Table extends MetricTable> = Readonly<Record<Named<Table, false>, () => Reading>>;

export interface Recorder<Table extends MetricTable> {
  record(name: Named<Table, true>, value: number, labels?: Attributes): void;
}

/**
 * Makes the instruments of a table; once a process, after `startTelemetry`: the API has no instruments before it.
 * A reading that throws loses its own metric at that scrape, no other.
 * @param scope  name of the package, e.g. `@ticket-stream/producer`
 */
export function registerMetrics<Table extends MetricTable>(
  scope: string,
  table: Table,
  readings: Readings<Table>,
): Recorder<Table> {
  const meter = metrics.getMeter(scope);
  const histograms = new Map<string, Histogram>();
  for (const [name, { kind, unit, text, bounds }] of Object.entries(table)) {
    const options: MetricOptions = { unit, description: text };
    if (kind === 'histogram') {
      const advice = bounds === undefined ? {} : { advice: { explicitBucketBoundaries: [...bounds] } };
      histograms.set(name, meter.createHistogram(name, { ...options, ...advice }));
      continue;
    }
    const instrument =
      kind === 'counter'
        ? meter.createObservableCounter(name, options)
        : meter.createObservableGauge(name, options);
    const read = (readings as Readonly<Record<string, () => Reading>>)[name];
    let shown = false;
    instrument.addCallback((result) => {
      const reading = read?.();
      if (reading === undefined) {
        // The SDK (3.1.0) goes on showing the last value of what is not observed any more.
        if (shown) result.observe(Number.NaN);
        return;
      }
      shown = true;
      if (typeof reading === 'number') result.observe(reading);
      else for (const [value, labels] of reading) result.observe(value, labels);
    });
  }
  return {
    record: (name, value, labels) => histograms.get(name)?.record(value, labels),
  };
}
