import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const script = new URL('../test/traced-process.ts', import.meta.url).pathname;
const validTraceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$/;

interface Traced {
  readonly traceparent?: string;
  readonly recording: boolean;
  readonly scraped?: string;
  readonly shutdownMs: number;
}

/** A process of its own each time: the SDK registers itself globally. */
async function traced(env: Record<string, string>): Promise<Traced & { readonly log: string }> {
  const { stdout, stderr } = await run(process.execPath, [script, '--an-argument=hunter2'], {
    env: { PATH: process.env['PATH'], ...env },
  });
  return { ...(JSON.parse(stdout) as Traced), log: stderr };
}

interface OtlpMetrics {
  readonly resourceMetrics: readonly {
    readonly resource: {
      readonly attributes: readonly {
        readonly key: string;
        readonly value: { readonly stringValue?: string };
      }[];
    };
    readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string }[] }[];
  }[];
}

interface Received {
  readonly path: string;
  readonly body: Buffer;
}

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0))
    await new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
});

/** An OTLP receiver; `answer: false` takes requests and never answers. */
async function collector(answer = true): Promise<{ endpoint: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ path: request.url ?? '', body: Buffer.concat(chunks) });
      if (answer) response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

describe('telemetry', () => {
  it('without an exporter gives records real ids with flag 00 and records nothing', async () => {
    const { traceparent, recording, log } = await traced({});
    expect(traceparent).toMatch(validTraceparent);
    expect(traceparent).toMatch(/-00$/);
    expect(recording).toBe(false);
    expect(log).toBe('');
  });

  it('is switched off altogether by OTEL_SDK_DISABLED, exporter or not', async () => {
    const { endpoint, received } = await collector();
    const { traceparent, scraped } = await traced({
      OTEL_SDK_DISABLED: 'true',
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    });
    expect(traceparent).toBeUndefined();
    expect(scraped).toBeUndefined();
    expect(received).toEqual([]);
  });

  it('exports spans to the OTLP endpoint, traces only, without the command line', async () => {
    const { endpoint, received } = await collector();
    const { traceparent, recording, log } = await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
    expect(traceparent).toMatch(/-01$/);
    expect(recording).toBe(true);
    expect(new Set(received.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
    const body = Buffer.concat(received.map((each) => each.body));
    expect(body.includes(Buffer.from(traceparent?.split('-')[1] ?? 'none', 'hex'))).toBe(true);
    for (const text of ['export page', 'send tickets', 'ticket-stream-producer', 'process.runtime.version'])
      expect([text, body.includes(text)]).toEqual([text, true]);
    for (const text of ['hunter2', 'process.command', 'process.owner'])
      expect([text, body.includes(text)]).toEqual([text, false]);
    expect(log).toBe('');
  });

  it('takes the service name from the standard variables where they give one', async () => {
    const { endpoint, received } = await collector();
    await traced({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${endpoint}/v1/traces`,
      OTEL_SERVICE_NAME: 'our-tickets',
    });
    const body = Buffer.concat(received.map((each) => each.body));
    expect([body.includes('our-tickets'), body.includes('ticket-stream-producer')]).toEqual([true, false]);
  });

  it('exports the same metrics by OTLP and shows them to Prometheus, under one instance id', async () => {
    const { endpoint, received } = await collector();
    const { scraped = '', log } = await traced({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
      OTEL_METRICS_EXPORTER: 'otlp,prometheus',
    });
    expect(log).toBe('');
    expect(new Set(received.map(({ path }) => path))).toEqual(new Set(['/v1/traces', '/v1/metrics']));
    const body = received.find(({ path }) => path === '/v1/metrics')?.body.toString('utf8') ?? '{}';
    const [exported] = (JSON.parse(body) as OtlpMetrics).resourceMetrics;
    const metrics = exported?.scopeMetrics.flatMap((scope) => scope.metrics) ?? [];
    const pages = metrics.find(({ name }) => name === 'test.pages');
    expect(pages).toMatchObject({
      unit: '{page}',
      sum: { dataPoints: [{ asDouble: 42 }], isMonotonic: true },
    });
    expect(metrics.find(({ name }) => name === 'test.duration')).toMatchObject({
      histogram: { dataPoints: [{ count: 1, sum: 2, explicitBounds: [1, 10] }] },
    });
    expect(metrics.map(({ name }) => name)).toContain('process.memory.usage');
    const instance = exported?.resource.attributes.find(({ key }) => key === 'service.instance.id');
    expect(scraped).toContain(`service_instance_id="${instance?.value.stringValue}"`);
    expect(scraped).toContain('test_pages_total 42\n');
    const spans = received.find(({ path }) => path === '/v1/traces')?.body.toString('utf8');
    expect(spans).toContain(instance?.value.stringValue);
    for (const text of ['hunter2', 'process.command', 'process.owner']) expect(body).not.toContain(text);
  });

  it.each([
    ['by default', {}],
    ['where only traces are exported', { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector' }],
    ['where nothing but Prometheus is asked for', { OTEL_METRICS_EXPORTER: 'prometheus' }],
  ])('shows metrics to Prometheus %s, and exports none', async (_, env: Record<string, string>) => {
    const { endpoint, received } = await collector();
    const { scraped } = await traced({
      ...env,
      ...('OTEL_EXPORTER_OTLP_ENDPOINT' in env ? { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } : {}),
    });
    expect(scraped).toContain('test_pages_total 42\n');
    expect(received.filter(({ path }) => path === '/v1/metrics')).toEqual([]);
  });

  it('exports metrics only where asked, and records then still carry ids with flag 00', async () => {
    const { endpoint, received } = await collector();
    const { traceparent } = await traced({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      OTEL_TRACES_EXPORTER: 'none',
      OTEL_METRICS_EXPORTER: 'otlp',
    });
    expect(traceparent).toMatch(validTraceparent);
    expect(traceparent).toMatch(/-00$/);
    expect(new Set(received.map(({ path }) => path))).toEqual(new Set(['/v1/metrics']));
  });

  it('ends within its two seconds, and says so, when the collector takes spans and never answers', async () => {
    const { endpoint } = await collector(false);
    const { shutdownMs, log } = await traced({
      OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
      // The exporter itself would hold the process this long.
      OTEL_EXPORTER_OTLP_TIMEOUT: '8000',
    });
    expect(shutdownMs).toBeLessThan(7_000);
    expect(log).toContain('were not exported');
  }, 30_000);

  it('ends and says so when there is no collector', async () => {
    const { log } = await traced({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1',
      OTEL_EXPORTER_OTLP_TIMEOUT: '500',
    });
    expect(log).toContain('were not exported');
  }, 30_000);

  it('logs the same complaint of the SDK once, not every few seconds', async () => {
    const { endpoint } = await collector();
    const { log } = await traced({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, COMPLAIN: 'true' });
    const lines = log.trim().split('\n');
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', telemetry: 'export failed' });
  });
});
