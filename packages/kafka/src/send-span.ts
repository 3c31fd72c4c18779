import { context, propagation, SpanKind, type SpanOptions, SpanStatusCode, trace } from '@opentelemetry/api';
import { recordOperation } from './client-metrics.ts';

const tracer = trace.getTracer('@ticket-stream/kafka');

/** The CLIENT span around a page's commit: how long readers waited after the last record was sent. */
export function traceCommit<T>(topic: string, commit: () => Promise<T>): Promise<T> {
  return traced(
    'commit transaction',
    {
      kind: SpanKind.CLIENT,
      attributes: {
        'messaging.system.name': 'kafka',
        'messaging.destination.name': topic,
        'messaging.operation.name': 'commit',
        'messaging.operation.type': 'settle',
      },
    },
    commit,
  );
}

/**
 * The PRODUCER span around one send. Its context goes into each record of the chunk, so that a consumer's batch
 * links to a few sends and not to thousands of tickets (the SDK keeps 128 links a span).
 */
export function traceSend<T>(
  topic: string,
  records: number,
  send: (traceHeaders: Record<string, string>) => Promise<T>,
): Promise<T> {
  return traced(
    `send ${topic}`,
    {
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system.name': 'kafka',
        'messaging.destination.name': topic,
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.batch.message_count': records,
      },
    },
    () => {
      const headers: Record<string, string> = {};
      propagation.inject(context.active(), headers);
      return send(headers);
    },
  );
}

function traced<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  return tracer.startActiveSpan(name, options, async (span) => {
    let failure: unknown;
    try {
      return await work();
    } catch (error) {
      failure = error;
      span.setStatus({ code: SpanStatusCode.ERROR });
      if (error instanceof Error) span.recordException(error);
      throw error;
    } finally {
      span.end();
      recordOperation((performance.now() - startedMs) / 1000, options.attributes ?? {}, failure);
    }
  });
}
