/** Starts telemetry from its environment, makes a span in a span and prints what a record would carry. */
import { context, diag, propagation, trace } from '@opentelemetry/api';
import { createLogger, startTelemetry } from '../src/index.ts';

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

const beforeMs = performance.now();
await telemetry.shutdown();
process.stdout.write(
  JSON.stringify({
    ...carried,
    recording,
    shutdownMs: performance.now() - beforeMs,
  }),
);
