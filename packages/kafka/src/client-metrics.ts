import { type Attributes, type Histogram, metrics } from '@opentelemetry/api';
import { isTicketStreamError } from '@ticket-stream/errors';

/** As the services' own metric tables; docs/reference/metrics.md is written from it too. */
export const kafkaClientMetrics = {
  'messaging.client.operation.duration': {
    kind: 'histogram',
    unit: 's',
    text: 'Of one send of a chunk of records, or of one commit of a transaction.',
    labels: {
      'messaging.system.name': '`kafka`',
      'messaging.operation.name': '`send`, `commit`',
      'messaging.operation.type': '`send`, `settle`',
      'messaging.destination.name': 'the topic',
      'error.type': 'code of the error table, or kafkajs’s name of the error; where it failed',
    },
    // The boundaries that the semantic conventions give.
    bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
} as const;

const NAME = 'messaging.client.operation.duration';
let histogram: Histogram | undefined;

/**
 * @param spanAttributes  of the operation's span; of them, those that are labels
 * @param failure         what it threw; undefined: it went well
 */
export function recordOperation(seconds: number, spanAttributes: Attributes, failure: unknown): void {
  const { unit, text, labels, bounds } = kafkaClientMetrics[NAME];
  // Not on import: the API knows no metrics before the service has started them.
  histogram ??= metrics.getMeter('@ticket-stream/kafka').createHistogram(NAME, {
    unit,
    description: text,
    advice: { explicitBucketBoundaries: [...bounds] },
  });
  const attributes = Object.fromEntries(Object.entries(spanAttributes).filter(([name]) => name in labels));
  histogram.record(
    seconds,
    failure === undefined ? attributes : { ...attributes, 'error.type': typeOf(failure) },
  );
}

/** Names of classes: few and fixed, which messages are not. */
function typeOf(failure: unknown): string {
  if (isTicketStreamError(failure)) return failure.code;
  return failure instanceof Error ? failure.name : typeof failure;
}
