/** Starts telemetry from its environment, makes a span in a span and prints what a record and a scrape would carry. */
import { context, diag, propagation, trace } from '@opentelemetry/api';
import { createLogger, registerMetrics, startTelemetry } from '../src/index.ts';

const logger = createLogger({
  service: 'producer',
  destination: { write: (line) => process.stderr.write(line) },
});
const telemetry = await startTelemetry({ service: 'producer', env: process.env, logger });
// What an exporter does that fails again and again.
if (process.env['COMPLAIN'] === 'true') for (let time = 0; time < 3; time += 1) diag.error('export failed');

const tracer = trace.getTracer('test');

const carried: Record<string, string> = {};
let recording = false;
await tracer.startActiveSpan('export page', async (page) => {
  await Promise.resolve();
  tracer.startActiveSpan('send tickets', (send) => {
    recording = send.isRecording();
    propagation.inject(context.active(), carried);
    send.end();
  });
  page.end();
});

const table = {
  'test.pages': { kind: 'counter', unit: '{page}', text: 'Pages.' },
  'test.duration': { kind: 'histogram', unit: 's', text: 'A duration.', bounds: [1, 10] },
} as const;
registerMetrics('@ticket-stream/test', table, { 'test.pages': () => 42 }).record('test.duration', 2);
const scraped = await telemetry.scrape?.();

const beforeMs = performance.now();
await telemetry.shutdown();
process.stdout.write(
  JSON.stringify({
    ...carried,
    recording,
    scraped,
    shutdownMs: performance.now() - beforeMs,
  }),
);
