import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

const tracer = trace.getTracer('@ticket-stream/kafka');

/**
 * The PRODUCER span around one send. Its context goes into each record of the chunk, so that a consumer's batch
 * links to a few sends and not to thousands of tickets (the SDK keeps 128 links a span).
 */
export function traceSend<T>(
  topic: string,
  records: number,
  send: (traceHeaders: Record<string, string>) => Promise<T>,
): Promise<T> {
  return tracer.startActiveSpan(
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
    async (span) => {
      const headers: Record<string, string> = {};
      propagation.inject(context.active(), headers);
      try {
        return await send(headers);
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
