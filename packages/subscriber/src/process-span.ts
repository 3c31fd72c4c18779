import {
  type Attributes,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { LogRecord } from '@ticket-stream/kafka';

const tracer = trace.getTracer('@ticket-stream/subscriber');

/** The SDK keeps 128 links a span and drops the rest without a word. */
const LINKS_MAX = 128;

/** The trace a record was sent in, 32 hex digits; undefined where its producer sent no trace context. */
export function recordTraceId(record: LogRecord): string | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-/.exec(traceparent(record) ?? '');
  return match?.[1];
}

/**
 * Runs one batch in a CONSUMER span of a trace of its own, linked to the sends its records came in.
 */
export function traceBatch<T>(
  topic: string,
  group: string,
  records: readonly LogRecord[],
  work: (span: Span) => Promise<T>,
): Promise<T> {
  const attributes: Attributes = {
    'messaging.system.name': 'kafka',
    'messaging.destination.name': topic,
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.consumer.group.name': group,
    'messaging.batch.message_count': records.length,
  };
  const first = records[0];
  if (first !== undefined) {
    attributes['messaging.destination.partition.id'] = String(first.partition);
    attributes['kafka.offset'] = Number(first.offset);
  }
  return tracer.startActiveSpan(
    `process ${topic}`,
    { kind: SpanKind.CONSUMER, attributes, links: sendLinks(records), root: true },
    async (span) => {
      try {
        return await work(span);
      } catch (error) {
        span.setStatus({ code: SpanStatusCode.ERROR });
        if (error instanceof Error) span.recordException(error);
        throw error;
      } finally {
        span.end();
      }
    },
  );
}

function sendLinks(records: readonly LogRecord[]): Link[] {
  const links = new Map<string, Link>();
  for (const record of records) {
    const parent = traceparent(record);
    if (parent === undefined || links.has(parent)) continue;
    const sent = trace.getSpanContext(
      propagation.extract(ROOT_CONTEXT, { traceparent: parent }, headerGetter),
    );
    if (sent !== undefined) links.set(parent, { context: sent });
    if (links.size === LINKS_MAX) break;
  }
  return [...links.values()];
}

const headerGetter = {
  keys: (carrier: Record<string, string>) => Object.keys(carrier),
  get: (carrier: Record<string, string>, key: string) => carrier[key],
};

function traceparent(record: LogRecord): string | undefined {
  const value = record.headers?.['traceparent'];
  return value === undefined || value === null || Array.isArray(value) ? undefined : value.toString();
}
