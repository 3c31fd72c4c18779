import { expect, it } from 'vitest';
import { until } from '../support/condition.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { passed } from '../support/service-process.ts';
import { createSystem } from '../support/system.ts';

it('one trace leads from the export page to the send, and by links to what search and alerting did with it', async () => {
  await using collector = await startOtlpReceiver();
  await using system = await createSystem({
    name: 'tracing',
    simulator: { tickets: 300, frozen: true },
    env: {
      EXPORT_ONCE: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    },
  });
  system.search.start();
  system.alerting.start();
  system.producer.start();
  expect(await system.producer.stopped()).toBe(0);
  const targets = system.producer.progress?.nextOffsets ?? {};
  await system.search.until('everything indexed', (progress) => passed(progress, targets));
  await system.alerting.until('everything evaluated', (progress) => passed(progress, targets));

  const { spans } = collector;
  const page = await until('the page span', () =>
    spans.find(({ name, service }) => name === 'export page' && service.includes('producer')),
  );
  const inPage = (name: RegExp) =>
    until(`a span ${name} of the page's trace`, () =>
      spans.find((span) => span.traceId === page.traceId && name.test(span.name)),
    );
  expect((await inPage(/^GET/)).parentSpanId).toBe(page.spanId);
  const send = await inPage(/^send /);
  expect(send.parentSpanId).toBe(page.spanId);
  await inPage(/^commit/);

  for (const sink of ['search', 'alerting']) {
    const processing = await until(`${sink}'s processing, linked to the send`, () =>
      spans.find(
        ({ name, service, links }) =>
          name.startsWith('process ') &&
          service.includes(sink) &&
          links.some(({ traceId, spanId }) => traceId === send.traceId && spanId === send.spanId),
      ),
    );
    expect(processing.traceId).not.toBe(page.traceId);
  }
});
