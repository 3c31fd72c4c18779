import { execFileSync, spawnSync } from 'node:child_process';
import { metrics } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { healthRoutes, metricsRoute } from './health-routes.ts';
import { createHttpServer } from './http.ts';
import { createLogger } from './logger.ts';
import { type MetricTable, registerMetrics } from './metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { prometheusName } from './prometheus-name.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';

const table = {
  'test.lag': { kind: 'gauge', unit: 's', text: 'A lag, with "quotes" and a \\ in its text.' },
  'test.unknown': { kind: 'gauge', unit: 's', text: 'Not known.' },
  'test.broken': { kind: 'gauge', unit: 's', text: 'Its reading throws.' },
  'test.tickets': { kind: 'counter', unit: '{ticket}', text: 'Tickets.', labels: { outcome: 'any' } },
  'test.waits': { kind: 'counter', unit: 's', text: 'Waits.' },
  'test.used': { kind: 'gauge', unit: '1', text: 'A share.' },
  'test.bytes': { kind: 'counter', unit: 'By', text: 'Bytes.' },
  'test.duration': { kind: 'histogram', unit: 's', text: 'A duration.', bounds: [0.1, 1, 10] },
} as const satisfies MetricTable;

const logLines: string[] = [];
const logger = createLogger({ service: 'test', destination: { write: (line) => logLines.push(line) } });
let telemetry: Telemetry;
let lag: number | undefined = 1.5;

beforeAll(async () => {
  telemetry = await startTelemetry({ service: 'test', env: {}, logger });
  const recorder = registerMetrics('@ticket-stream/test', table, {
    'test.lag': () => lag,
    'test.unknown': () => undefined,
    'test.broken': () => {
      throw new Error('no idea');
    },
    'test.tickets': () => [
      [7, { outcome: 'published' }],
      [2, { outcome: 'needs "quotes",\n a line and a \\' }],
    ],
    'test.waits': () => 12.5,
    'test.used': () => 0.25,
    'test.bytes': () => 2 ** 40,
  });
  for (const seconds of [0.05, 0.5, 0.5, 20])
    recorder.record('test.duration', seconds, { verdict: 'advanced' });
});
afterAll(async () => {
  await telemetry.shutdown();
  metrics.disable();
});

const scrape = async (): Promise<string> => (await telemetry.scrape?.()) ?? '';

describe('metrics as Prometheus reads them', () => {
  it('have their values, with unit and kind in the name', async () => {
    const lines = (await scrape()).split('\n');
    for (const line of [
      'test_lag_seconds 1.5',
      'test_tickets_total{outcome="published"} 7',
      'test_waits_seconds_total 12.5',
      'test_used_ratio 0.25',
      'test_bytes_total 1099511627776',
      'test_duration_seconds_bucket{verdict="advanced",le="0.1"} 1',
      'test_duration_seconds_bucket{verdict="advanced",le="1"} 3',
      'test_duration_seconds_bucket{verdict="advanced",le="+Inf"} 4',
      'test_duration_seconds_count{verdict="advanced"} 4',
      '# TYPE test_tickets_total counter',
      '# HELP test_lag_seconds A lag, with "quotes" and a \\\\ in its text.',
    ])
      expect(lines).toContain(line);
  });

  it('are those of the tables, each under the name that the reference gives', async () => {
    // The delay of the event loop is measured from the first scrape on.
    await vi.waitFor(async () => expect(await scrape()).toContain('nodejs_eventloop_delay'));
    const shown = new Set([...(await scrape()).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name));
    const absent = new Set(['test.unknown', 'test.broken']);
    const named = Object.entries({ ...table, ...processMetrics })
      .filter(([name]) => !absent.has(name))
      .map(([name, definition]) => prometheusName(name, definition));
    expect(shown).toEqual(new Set(['target_info', ...named]));
  });

  it('leave out what is not known any more', async () => {
    lag = undefined;
    expect(await scrape()).not.toContain('test_lag_seconds');
    lag = 2.5;
    expect(await scrape()).toContain('test_lag_seconds 2.5');
  });

  it('say once that a reading fails, and show the others', async () => {
    await scrape();
    await scrape();
    const lines = logLines.map((line): unknown => JSON.parse(line));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ level: 'warn', err: { message: 'no idea' } });
  });

  it('say who tells, without the command line', async () => {
    const info = /^target_info\{.*$/m.exec(await scrape())?.[0] ?? '';
    expect(info).toContain('service_name="ticket-stream-test"');
    expect(info).toContain('service_instance_id=');
    expect(info).not.toContain('command');
  });

  const promtool = spawnSync('promtool', ['--version']).status === 0;
  it.skipIf(!promtool)(
    'pass promtool, the reader of Prometheus (skipped without promtool: apt-get install prometheus)',
    async () => {
      // Ends with 1 where the format is wrong, with 3 where a name breaks a convention.
      const verdict = spawnSync('promtool', ['check', 'metrics'], {
        input: await scrape(),
        encoding: 'utf8',
      });
      expect([verdict.status, verdict.stdout, verdict.stderr]).toEqual([0, '', '']);
    },
  );
});

describe('GET /metrics', () => {
  function server(scraped: Pick<Telemetry, 'scrape'>) {
    const app = createHttpServer({ logger });
    metricsRoute(app, scraped);
    return app;
  }

  it('answers in the text format', async () => {
    const answer = await server(telemetry).inject('/metrics');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(answer.body).toContain('test_waits_seconds_total 12.5');
  });

  it('is a 503 that says why where OTEL_SDK_DISABLED switches metrics off', async () => {
    const disabled = await startTelemetry({ service: 'test', env: { OTEL_SDK_DISABLED: 'true' } });
    const answer = await server(disabled).inject('/metrics');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({
      error: { code: 'unavailable', message: 'there are no metrics: OTEL_SDK_DISABLED=true' },
    });
  });
});

it('a process that was scraped and has nothing else to do ends by itself', () => {
  const script = `
    const { startTelemetry } = await import('${new URL('./telemetry.ts', import.meta.url).href}');
    const { scrape } = await startTelemetry({ service: 'test', env: {} });
    await scrape();
    process.stdout.write(String((await scrape()).includes('process_uptime_seconds')));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(out).toBe('true');
});

describe('/healthz', () => {
  it('is a 503 with the reason where the service says that it hangs', async () => {
    const app = createHttpServer({ logger });
    const health = { ok: true, reason: 'hangs' };
    healthRoutes(app, {
      ready: () => ({ ok: true }),
      healthy: () => health,
    });
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    health.ok = false;
    const answer = await app.inject('/healthz');
    expect([answer.statusCode, answer.json()]).toEqual([503, { ok: false, reason: 'hangs' }]);
  });
});
