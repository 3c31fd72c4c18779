import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { until } from '../support/condition.ts';
import { search } from '../support/search-api.ts';
import { createSystem } from '../support/system.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;
const WITHIN_MS = 5_000;

it('a change made at Zendesk is found by search and arrives as a signed webhook within 5 s of the export showing it', async ({
  annotate,
}) => {
  await using receiver = await startWebhookReceiver(SECRET);
  await using system = await createSystem({
    name: 'live',
    simulator: { tickets: 500 },
    env: { ALERT_WEBHOOK_URL: receiver.url, ALERT_WEBHOOK_SECRET: SECRET },
  });
  const { simulator, producer, search: searchService, alerting } = system;
  producer.start();
  searchService.start();
  alerting.start();
  await producer.until('live', ({ stage }) => stage === 'live');
  await searchService.until('caught up', ({ caughtUp, books }) => caughtUp && books.consumed >= 500);
  await alerting.until('caught up', ({ caughtUp, books }) => caughtUp && books.consumed >= 500);
  expect(receiver.deliveries).toEqual([]);

  const { id } = simulator.create({ status: 'open', priority: 'low', subject: 'A quiet ticket' });
  await alerting.until('the ticket before its change', ({ books }) => books.applied >= 501);
  expect(receiver.deliveries).toEqual([]);
  const change = simulator.change(id, { priority: 'urgent', subject: 'The zeppelin is leaking' });
  // The export leaves out its newest seconds; the clock of the claim starts when it shows the change.
  await until('the export showing it', () => simulator.status().now >= change.visibleFrom, 10_000);
  const shownAtMs = performance.now();

  const url = searchService.url ?? '';
  const hit = await until(
    'the change in search',
    async () => (await search(url, 'zeppelin priority:urgent')).hits[0],
  );
  expect(String(hit.id)).toBe(String(id));
  const searchableMs = performance.now() - shownAtMs;

  const delivery = await until('the webhook', () => receiver.deliveries[0]);
  const alertedMs = delivery.atMs - shownAtMs;
  await annotate(
    `searchable after ${Math.round(searchableMs)} ms, alerted after ${Math.round(alertedMs)} ms`,
  );
  expect(searchableMs).toBeLessThanOrEqual(WITHIN_MS);
  expect(alertedMs).toBeLessThanOrEqual(WITHIN_MS);
  expect(String(delivery.body.data.ticket.id)).toBe(String(id));
  expect(receiver.refused).toEqual([]);

  const cli = fileURLToPath(new URL('../../cli/bin/ticket-stream.js', import.meta.url));
  const table = execFileSync(process.execPath, [cli, 'search', 'zeppelin priority:urgent', '--url', url], {
    encoding: 'utf8',
  });
  expect(table).toContain('The zeppelin is leaking');
});
