import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AlertState } from './alert-state.ts';
import { webhookChannel } from './channels/webhook.ts';
import { startOutbox } from './outbox.ts';
import { raiseAlerts } from './raise-alerts.ts';
import { SECRET, startReceiver } from './testing/receiver.ts';
import {
  recordingLogger,
  rulesOf,
  START_SECOND,
  sampleChange,
  stepOf,
  temporaryFolder,
} from './testing/samples.ts';

const exporter = new InMemorySpanExporter();
const nowMs = () => START_SECOND * 1000;

beforeAll(() => {
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
});
afterAll(() => {
  trace.disable();
  context.disable();
  propagation.disable();
});

it('a delivery is part of the trace that raised its alert, also after a restart, and the receiver is told it', async () => {
  const folder = temporaryFolder();
  const receiver = await startReceiver();
  receiver.answer = (_call, _number, response) => response.writeHead(503).end();
  const logger = recordingLogger();
  const rules = rulesOf({ urgent: `ticket.priority == 'urgent'` });
  const previous = sampleChange({ stampAfter: 5 }).ticket;
  const quiet = sampleChange({ id: 8, previous: { ...previous, id: 8 } });
  const fires = sampleChange({ ticket: { priority: 'urgent' }, previous });

  let state = AlertState.open({ folder: folder.path, nowMs });
  const { handle } = raiseAlerts({
    rules,
    state,
    channels: ['webhook'],
    eventAgeMaxSeconds: 3600,
    logger,
    nowMs,
  });
  const tracer = trace.getTracer('test');
  const batch = tracer.startSpan('process tickets', { kind: SpanKind.CONSUMER });
  await context.with(trace.setSpan(context.active(), batch), () =>
    state.record(stepOf([quiet, fires]), () => handle([quiet, fires])),
  );
  batch.end();
  await state.close();

  state = AlertState.open({ folder: folder.path, nowMs });
  const channel = webhookChannel({ url: receiver.url, secret: SECRET });
  const outbox = startOutbox({ ledger: state.ledger, channels: [channel], logger });
  await receiver.received(1);
  await outbox.stop(1_000);
  await state.close();
  await receiver.close();
  folder.remove();

  const spans = exporter.getFinishedSpans();
  const [process, ...otherTickets] = spans.filter(({ name }) => name === 'process ticket');
  expect(otherTickets).toEqual([]);
  const [deliver] = spans.filter(({ name }) => name === 'deliver');
  const [post] = spans.filter(({ name }) => name === 'POST');
  const batchId = batch.spanContext();
  expect(process?.parentSpanContext?.spanId).toBe(batchId.spanId);
  expect(deliver?.parentSpanContext?.spanId).toBe(process?.spanContext().spanId);
  expect(post?.parentSpanContext?.spanId).toBe(deliver?.spanContext().spanId);
  expect(new Set([process, deliver, post].map((span) => span?.spanContext().traceId))).toEqual(
    new Set([batchId.traceId]),
  );
  expect(post).toMatchObject({
    kind: SpanKind.CLIENT,
    status: { code: SpanStatusCode.ERROR },
    attributes: {
      'http.request.method': 'POST',
      'server.address': '127.0.0.1',
      'http.response.status_code': 503,
    },
  });
  expect(process?.attributes).toMatchObject({ 'ticket_stream.record.trace_id': fires.traceId });
  expect(receiver.calls[0]?.headers['traceparent']).toContain(post?.spanContext().spanId);
  expect(receiver.calls[0]?.verified).toMatchObject({ data: { trace_id: fires.traceId } });
});
