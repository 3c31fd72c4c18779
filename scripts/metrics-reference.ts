import { kafkaClientMetrics } from '@ticket-stream/kafka';
import { type MetricTable, processMetrics, prometheusName } from '@ticket-stream/service-kit';
import { exportMetrics } from '../services/producer/src/export-metrics.ts';

/** `docs/reference/metrics.md`, written from the tables that the instruments are made of. */
const sections: readonly (readonly [string, string, MetricTable])[] = [
  ['Producer', 'What becomes of the export.', exportMetrics],
  ['Kafka client', 'Of the producer.', kafkaClientMetrics],
  ['Every service', 'The process itself.', processMetrics],
];

const written = sections.map(([title, text, table]) => `## ${title}\n\n${text}\n\n${tableOf(table)}\n`);

process.stdout.write(`# Metrics

Written by \`npm run docs\` from the tables in code. \`GET /metrics\` of each service shows them to Prometheus; with
\`OTEL_METRICS_EXPORTER=otlp\` they are exported by OTLP as well, under the OpenTelemetry name. With
\`OTEL_SDK_DISABLED=true\` there are none, and \`/metrics\` answers 503.

Counters begin at 0 with the process. No label holds a ticket, a cursor or a URL; those that name an error hold a code of
the error table.

${written.join('\n')}`);

function tableOf(table: MetricTable): string {
  const rows = Object.entries(table).map(([name, definition]) => [
    `\`${prometheusName(name, definition)}\`<br>\`${name}\``,
    definition.kind,
    definition.unit,
    [
      definition.text,
      ...Object.entries(definition.labels ?? {}).map(([label, values]) => `\`${label}\`: ${values}.`),
    ].join('<br>'),
  ]);
  return aligned([['Prometheus, OpenTelemetry', 'kind', 'unit', 'meaning, labels'], ...rows]);
}

/** Columns as wide as their widest cell, as a formatter of Markdown would have them. */
function aligned([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const padded = (row: readonly string[]): string =>
    line(row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  return [padded(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(padded)].join('\n');
}
