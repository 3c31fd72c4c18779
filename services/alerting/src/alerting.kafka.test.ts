import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AlertingProcess } from './testing/alerting-process.ts';
import { nextSecond, openTestAccount, type TestAccount, testTicket } from './testing/test-account.ts';
import { SECRET, startWebhookReceiver, type WebhookReceiver } from './testing/webhook-receiver.ts';

const WITHIN_MS = 5_000;

let folder: string;
let account: TestAccount;
let receiver: WebhookReceiver;
const running: AlertingProcess[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'alerting-service-'));
  account = await openTestAccount('alerting');
  receiver = await startWebhookReceiver();
});
afterEach(async () => {
  for (const alerting of running.splice(0)) await alerting.end('SIGKILL');
  await receiver[Symbol.asyncDispose]();
  await account[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function start(env: Record<string, string> = {}): AlertingProcess {
  const alerting = new AlertingProcess({
    KAFKA_BROKERS: account.brokers,
    TICKETS_TOPIC: account.topic,
    DATA_DIR: join(folder, 'data'),
    ALERTING_PORT: '0',
    ALERT_WEBHOOK_URL: receiver.url,
    ALERT_WEBHOOK_SECRET: SECRET,
    ...env,
  });
  running.push(alerting);
  return alerting;
}

function passed(offsets: Readonly<Record<string, string>>) {
  return ({ nextOffsets }: { readonly nextOffsets: Readonly<Record<string, string>> }) =>
    Object.entries(offsets).every(([partition, next]) => BigInt(nextOffsets[partition] ?? 0) >= BigInt(next));
}

async function alertsOf(alerting: AlertingProcess, query = ''): Promise<readonly Record<string, unknown>[]> {
  const answer = await fetch(`${alerting.url}/alerts${query}`);
  return ((await answer.json()) as { alerts: Record<string, unknown>[] }).alerts;
}

async function countsOf(alerting: AlertingProcess): Promise<Record<string, number>> {
  const answer = await fetch(`${alerting.url}/status`);
  return ((await answer.json()) as { counts: Record<string, number> }).counts;
}

describe('the alerting service', () => {
  it('alerts nobody about a backfill, and within 5 s about a live change', async () => {
    const alerting = start();
    const ids = Array.from({ length: 200 }, (_, at) => at + 1);
    await account.publish(ids.map((id) => testTicket(id, { priority: 'urgent' }, 900 * 86_400)));
    // The same tickets again on a later page of the backfill, where an update moved them to.
    const reopened = ids.map((id) => testTicket(id, { priority: id % 2 ? 'low' : 'urgent' }, 30 * 86_400));
    const backfilled = await account.publish(reopened);
    const { books } = await alerting.until((progress) => passed(backfilled)(progress) && progress.caughtUp);
    expect(books).toMatchObject({ consumed: 400, applied: 400 });
    expect((await fetch(`${alerting.url}/readyz`)).status).toBe(200);

    // Times of tickets have whole seconds: one created in the second of the first start would be of before it.
    const startedBeforeMs = Date.now();
    await expect.poll(() => Math.floor(Date.now() / 1000) * 1000).toBeGreaterThan(startedBeforeMs);
    const publishedAtMs = performance.now();
    const live = await account.publish([
      testTicket(1, { priority: 'urgent' }),
      testTicket(2, { priority: 'urgent', subject: 'Another' }),
      testTicket(1_000, { priority: 'urgent' }, 0, 0),
    ]);
    await receiver.received(2);
    expect((receiver.alerts[1]?.atMs ?? 0) - publishedAtMs).toBeLessThan(WITHIN_MS);
    const { lastAlert } = await alerting.until((progress) => passed(live)(progress) && progress.alerts === 2);
    const of = (id: string) => receiver.alerts.filter(({ data }) => data.ticket.id === id);
    expect(of('1')).toMatchObject([{ data: { rule: 'raised-to-urgent' } }]);
    expect(of('2')).toEqual([]);
    // Created after the first start, so new to Zendesk, too.
    expect(of('1000')).toMatchObject([{ data: { rule: 'raised-to-urgent' } }]);
    expect(receiver.alerts).toHaveLength(2);
    expect(lastAlert?.rule).toBe('raised-to-urgent');

    const fired = { rule: 'raised-to-urgent', severity: 'critical', outcome: 'fired' };
    expect(await alertsOf(alerting, '?state=fired')).toMatchObject([fired, fired]);
    // An answer is kept after it was given.
    await vi.waitFor(async () => expect(await alertsOf(alerting, '?state=pending')).toEqual([]), {
      timeout: 10_000,
    });
    expect(await alerting.end('SIGTERM')).toBe(0);
    expect(alerting.output).toContain('"msg":"alert"');
    expect(alerting.output).not.toContain('Another');
    expect(alerting.output).not.toContain(SECRET.slice(6));
  });

  it('records what is older than ALERT_MAX_EVENT_AGE, and leaves out what EXCLUDE_SYSTEM_UPDATES says', async () => {
    const hour = 3600;
    const system = testTicket(2, { subject: 'As the user left it' }, hour) as Record<string, unknown>;
    await account.publish([testTicket(1, {}, 3 * hour), system]);
    const alerting = start({ ALERT_MAX_EVENT_AGE: '1h', EXCLUDE_SYSTEM_UPDATES: 'true' });
    await alerting.until(({ caughtUp }) => caughtUp);
    const raised = await account.publish([
      testTicket(1, { priority: 'urgent' }, 2 * hour),
      { ...system, priority: 'urgent', generated_timestamp: Number(system['generated_timestamp']) + 1 },
    ]);
    const { books } = await alerting.until(passed(raised));
    expect(books).toMatchObject({ consumed: 4, applied: 3, skipped: 1 });
    expect(await alertsOf(alerting)).toMatchObject([
      { ticketId: '1', outcome: 'suppressed', reason: 'too_old' },
    ]);
  });

  it('goes on after kill -9: every alert arrives, each under one id', async () => {
    await account.publish([testTicket(1, {}, 60)]);
    let alerting = start();
    await alerting.until(({ caughtUp }) => caughtUp);
    await account.publish([testTicket(1, { priority: 'urgent' })]);
    await receiver.received(1);
    await alerting.end('SIGKILL');
    await nextSecond();
    const offsets = await account.publish([testTicket(1, { priority: 'urgent', status: 'solved' })]);
    await nextSecond();
    const reopened = await account.publish([testTicket(1, { priority: 'urgent', status: 'open' })]);
    alerting = start();
    await alerting.until((progress) => passed({ ...offsets, ...reopened })(progress));
    // Two alerts, each by webhook and log.
    await vi.waitFor(
      async () => {
        expect(await countsOf(alerting)).toMatchObject({ fired: 2, pending: 0, delivered: 4, dead: 0 });
      },
      { timeout: 10_000 },
    );
    // The kill may have fallen between the first answer and its record: then, and only then, it came twice.
    const rules = receiver.alerts.map(({ data }) => data.rule);
    expect(['raised-to-urgent,reopened', 'raised-to-urgent,raised-to-urgent,reopened']).toContain(
      String(rules),
    );
    expect(new Set(receiver.alerts.map(({ id }) => id)).size).toBe(2);
  });

  it('sends nothing when its store is built anew from the log', async () => {
    await account.publish([testTicket(1, {}, 60)]);
    const first = start();
    await first.until(({ caughtUp }) => caughtUp);
    const raised = await account.publish([testTicket(1, { priority: 'urgent' })]);
    await receiver.received(1);
    await first.end('SIGTERM');
    rmSync(join(folder, 'data'), { recursive: true });
    await nextSecond();
    const anew = start();
    const { alerts } = await anew.until((progress) => passed(raised)(progress) && progress.caughtUp);
    expect(alerts).toBe(0);
    expect(await alertsOf(anew)).toMatchObject([
      { outcome: 'suppressed', reason: 'history', deliveries: [] },
    ]);
    expect(receiver.alerts).toHaveLength(1);
  });

  it('refuses a second instance, on the same store and on another one', async () => {
    await account.publish([testTicket(1)]);
    const first = start();
    await first.until(({ caughtUp }) => caughtUp);
    const sameStore = start();
    expect(await sameStore.exited()).toBe(4);
    expect(sameStore.output).toContain('store.locked');
    const otherStore = start({ DATA_DIR: join(folder, 'other') });
    expect(await otherStore.exited()).toBe(4);
    expect(otherStore.output).toContain('kafka.group_taken');
    expect(first.ended).toBe(false);
  });

  it('ends with exit code 5 and the remedy where the log is made again while it is read', async () => {
    const written = await account.publish([testTicket(1)]);
    const alerting = start();
    await alerting.until(({ caughtUp }) => caughtUp);
    await account.makeAgain();
    // It shows where a record comes to a partition that was further before.
    const [partition] = Object.entries(written).find(([, next]) => next !== '0') ?? [];
    await account.writeForeign(Number(partition));
    expect(await alerting.exited()).toBe(5);
    for (const word of ['log.cut', 'outside the log', 'ALLOW_GAP=true'])
      expect(alerting.output).toContain(word);
  });

  it('ends with exit code 5 at one dead letter too many, as often as it is started, and goes on where it may', async () => {
    await account.publish([testTicket(1)]);
    await account.writeForeign(0);
    for (let life = 0; life < 2; life++) {
      const refused = start({ DEAD_LETTERS_MAX: '0' });
      expect(await refused.exited()).toBe(5);
      expect(refused.output).toContain('subscriber.too_many_dead_letters');
      expect(refused.output).toContain('DEAD_LETTERS_MAX');
    }
    const alerting = start({ DEAD_LETTERS_MAX: '1' });
    await alerting.until(({ caughtUp }) => caughtUp);
    const answer = await fetch(`${alerting.url}/status`);
    expect(await answer.json()).toMatchObject({ booksOfStore: { consumed: 2, applied: 1, deadLettered: 1 } });
  });

  it('starts nothing with a rule file that has errors, and names them', async () => {
    const file = join(folder, 'rules.yaml');
    writeFileSync(
      file,
      'version: 1\nrules:\n  - name: a\n    when: ticket.status = 1\n  - name: a\n    when: nope\n',
    );
    const alerting = start({ ALERT_RULES: file });
    expect(await alerting.exited()).toBe(2);
    for (const place of ['4:25', '5:11', '6:11']) expect(alerting.output).toContain(`${file}:${place}: `);
    expect(alerting.url).toBeUndefined();
  });
});
