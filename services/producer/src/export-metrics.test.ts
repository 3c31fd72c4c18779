import { spawnSync } from 'node:child_process';
import { type ErrorCode, errorTable } from '@ticket-stream/errors';
import { prometheusName, startTelemetry, type Telemetry } from '@ticket-stream/service-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ExportRecorder, exportMetrics, registerExportMetrics } from './export-metrics.ts';

let telemetry: Telemetry;
let recorder: ExportRecorder;
let positionSecond: number | undefined;

const SECRET_PATH = 'api/v2/incremental';

beforeAll(async () => {
  telemetry = await startTelemetry({ service: 'producer', env: {} });
  recorder = registerExportMetrics({
    counts: () => ({
      pages: 20,
      requests: 23,
      published: 19_000,
      repeated: 990,
      deadLettered: 10,
      lettersApplied: 3,
      lettersFailed: 2,
      bytes: 5e7,
    }),
    lastGeneratedSecond: () => 1_700_000_000,
    positionSecond: () => positionSecond,
    secondsSinceMoved: () => 2,
    transactionOpenSeconds: () => undefined,
    retries: () =>
      new Map<ErrorCode, number>([
        ['zendesk.rate_limited', 2],
        ['zendesk.page_truncated', 1],
      ]),
    waitedSeconds: () => ({ pace: 120, rate_limit: 93, zendesk: 0, kafka: 1.5 }),
    requestsLastMinute: () => 9,
    requestsAllowed: 10,
    gapsAccepted: () => 0,
    boundary: () => ({
      second: 1,
      digests: { 1: 'aaaaaaaaaaaaaaaa', 2: 'bbbbbbbbbbbbbbbb' },
      overflowed: false,
    }),
    perPage: () => 500,
    topics: { tickets: 'tickets', deadLetters: 'tickets.dlq' },
    zendeskUrl: `https://acme.zendesk.com/${SECRET_PATH}`,
    nowSecond: () => 1_700_000_100,
  });
  recorder.pageEnded(0.7, 'advanced');
  recorder.pageEnded(200, 'failed');
  recorder.requestEnded(0.3, { status: 200 });
  recorder.requestEnded(0.2, { status: 429, errorCode: 'zendesk.rate_limited' });
  recorder.requestEnded(10, { errorCode: 'zendesk.unavailable' });
});
afterAll(() => telemetry.shutdown());

const scrape = async (): Promise<string> => (await telemetry.scrape?.()) ?? '';

describe("the producer's metrics", () => {
  it('are shown with their values', async () => {
    positionSecond = 1_700_000_030;
    const lines = (await scrape()).split('\n');
    for (const line of [
      'ticket_stream_export_lag_seconds 100',
      'ticket_stream_export_position_age_seconds 70',
      'ticket_stream_export_progress_age_seconds 2',
      'ticket_stream_export_transaction_age_seconds 0',
      'ticket_stream_export_pages_total 20',
      'ticket_stream_export_requests_total 23',
      'ticket_stream_export_tickets_total{outcome="published"} 19000',
      'ticket_stream_export_tickets_total{outcome="repeated"} 990',
      'ticket_stream_export_tickets_total{outcome="dead_lettered"} 10',
      'ticket_stream_export_bytes_total 50000000',
      'ticket_stream_export_retries_total{error_type="zendesk.rate_limited"} 2',
      'ticket_stream_export_retries_total{error_type="zendesk.page_truncated"} 1',
      'ticket_stream_export_retries_total{error_type="kafka.doubtful_transaction"} 0',
      'ticket_stream_export_retries_total{error_type="spill.unavailable"} 0',
      'ticket_stream_export_rate_limited_total 2',
      'ticket_stream_export_waits_seconds_total{cause="rate_limit"} 93',
      'ticket_stream_export_allowance_used_ratio 0.9',
      'ticket_stream_export_gaps 0',
      'ticket_stream_export_boundary_entries 2',
      'ticket_stream_export_boundary_overflowed 0',
      'ticket_stream_export_per_page 500',
      'ticket_stream_export_page_duration_seconds_bucket{verdict="failed",le="300"} 1',
      'http_client_request_duration_seconds_count{http_request_method="GET",server_address="acme.zendesk.com",server_port="443",http_response_status_code="429",error_type="zendesk.rate_limited"} 1',
      'messaging_client_sent_messages_total{messaging_system_name="kafka",messaging_operation_name="send",messaging_destination_name="tickets.dlq"} 15',
      'ticket_stream_export_letters_total{outcome="applied"} 3',
      'ticket_stream_export_letters_total{outcome="dead_lettered"} 2',
    ])
      expect(lines).toContain(line);
  });

  it('are those of the table, all of them', async () => {
    positionSecond = 1_700_000_030;
    const shown = [...(await scrape()).matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    for (const [name, definition] of Object.entries(exportMetrics))
      expect(shown).toContain(prometheusName(name, definition));
  });

  it('leave out the age of a position that is not known yet', async () => {
    positionSecond = undefined;
    expect(await scrape()).not.toContain('position_age');
  });

  it('show no negative age where Zendesk’s clock is ahead of ours', async () => {
    positionSecond = 1_700_000_105;
    expect(await scrape()).toContain('ticket_stream_export_position_age_seconds 0\n');
  });

  it('carry labels of few and fixed values only: no path, no ticket, no cursor', async () => {
    const text = await scrape();
    expect(text).not.toContain(SECRET_PATH);
    const named = Object.values(exportMetrics).flatMap((metric) =>
      'labels' in metric ? Object.keys(metric.labels) : [],
    );
    const own = text.split('\n').filter((line) => /^(ticket_stream|http|messaging)/.test(line));
    const ownLabels = new Set(
      own.flatMap((line) => [...line.matchAll(/[{,]([a-z_]+)="/g)].map(([, name]) => name)),
    );
    expect(ownLabels).toEqual(new Set([...named.map((name) => name.replaceAll('.', '_')), 'le']));
  });

  const promtool = spawnSync('promtool', ['--version']).status === 0;
  it.skipIf(!promtool)('pass promtool (skipped without it: apt-get install prometheus)', async () => {
    const verdict = spawnSync('promtool', ['check', 'metrics'], { input: await scrape(), encoding: 'utf8' });
    expect([verdict.status, verdict.stdout, verdict.stderr]).toEqual([0, '', '']);
  });
});

it('every code of the error table is short and plain enough for a label', () => {
  for (const code of Object.keys(errorTable)) expect(code).toMatch(/^[a-z_]+\.[a-z_]+$/);
});
