import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createExportClient } from './export-client.ts';

const exporter = new InMemorySpanExporter();
const server = createServer((request, response) => {
  if (request.url?.includes('start_time=401')) {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"no"}');
  } else if (request.url?.includes('start_time=500')) {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"tick', () => response.destroy());
  } else {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"tickets":[],"end_time":1}');
  }
});
let port = 0;

beforeAll(async () => {
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  trace.disable();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function spanOf(startTime: number) {
  exporter.reset();
  const client = createExportClient({
    url: `http://127.0.0.1:${port}`,
    credentials: { email: 'ana@example.org', apiToken: 'tok3n' },
  });
  try {
    const page = await client.openPage({ next: { mode: 'time', startTime }, perPage: 10 });
    expect(exporter.getFinishedSpans()).toHaveLength(0);
    for await (const _ of page.body);
  } catch {
    // What it is, the span tells.
  } finally {
    await client.close();
  }
  const [span, ...others] = exporter.getFinishedSpans();
  expect(others).toEqual([]);
  expect(JSON.stringify([span?.attributes, span?.status, span?.events])).not.toMatch(/tok3n|start_time|ana@/);
  return span;
}

it('makes one GET span of each request, from the request to the end of the body', async () => {
  const span = await spanOf(1);
  expect(span).toMatchObject({
    name: 'GET',
    kind: SpanKind.CLIENT,
    status: { code: SpanStatusCode.UNSET },
    attributes: {
      'http.request.method': 'GET',
      'server.address': '127.0.0.1',
      'server.port': port,
      'url.scheme': 'http',
      'url.path': '/api/v2/incremental/tickets',
      'http.response.status_code': 200,
    },
  });
});

it.each([
  [401, 401, 'zendesk.credentials_refused'],
  [500, 200, 'zendesk.page_truncated'],
])('says what went wrong (%i)', async (startTime, status, code) => {
  expect(await spanOf(startTime)).toMatchObject({
    status: { code: SpanStatusCode.ERROR },
    attributes: { 'http.response.status_code': status, 'error.type': code },
  });
});
