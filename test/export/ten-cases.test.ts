/**
 * The ten cases that a correct client of the export passes, each with the producer as a process against the simulator
 * and a real broker, in both modes where both have it. What the log holds is read by Kafka's own console consumer.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FaultPlan, Simulator } from '@ticket-stream/zendesk-simulator';
import { describe, type ExpectStatic, it } from 'vitest';
import { type CommittedVersion, copies, readCommitted } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import { answer, page, ticket } from '../support/scripted-zendesk.ts';
import { search, storedDocument } from '../support/search-api.ts';
import { passed, type ServiceProcess } from '../support/service-process.ts';
import { createSystem, type System } from '../support/system.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

const MODES = ['time', 'cursor'] as const;
const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;
const killAtPoint = new URL('../../packages/kafka/src/testing/kill-at-point.ts', import.meta.url).href;

/** Resolves when the producer has said often enough since now that there is nothing newer. */
async function caughtUp({ producer, simulator }: System): Promise<void> {
  const { positionSecond: before } = await producer.until('live', (progress) =>
    progress.stage === 'live' ? progress : false,
  );
  const shownUpTo = simulator.status().now - simulator.status().delaySeconds - 1;
  await producer.until(
    `complete up to ${shownUpTo} (was ${before})`,
    ({ positionSecond }) => (positionSecond ?? 0) >= shownUpTo,
  );
}

async function sinkPassed(system: System, sink: ServiceProcess<'search'> | ServiceProcess<'alerting'>) {
  await caughtUp(system);
  const targets = system.producer.progress?.nextOffsets ?? {};
  await sink.until('everything applied', (progress) => passed(progress, targets));
}

/** The log holds the last version of every ticket that is shown, and no version twice. */
async function expectLogToEqual(
  { brokers, topic, simulator }: System,
  expect: ExpectStatic,
): Promise<CommittedVersion[]> {
  const log = await readCommitted(brokers, topic);
  expect(copies(log)).toEqual([]);
  const newest = new Map(log.map(({ ticketId, digest }) => [ticketId, digest]));
  const shown = [...simulator.latest()].filter(({ visible }) => visible);
  expect(newest.size).toBe(shown.length);
  for (const { id, digest } of shown) expect(newest.get(String(id)), `ticket ${id}`).toBe(digest);
  return log;
}

/** A second that is shown is over: the clock moves past it and the delay. */
function show(simulator: Simulator): void {
  simulator.advance(simulator.status().delaySeconds + 1);
}

describe.for(MODES)('by %s', (mode) => {
  const env = { EXPORT_MODE: mode };
  const simulator = { tickets: 300, frozen: true } as const;

  it('case 1: a scrub, which moves generated_timestamp alone, overwrites the searchable copy', async ({
    expect,
  }) => {
    await using system = await createSystem({ name: `scrub-${mode}`, simulator, env });
    const { producer, search: sink, simulator: account } = system;
    const { id } = account.create({ subject: 'Zeppelin leaking at platform nine', status: 'solved' });
    account.change(id, { status: 'deleted' });
    show(account);
    producer.start();
    sink.start();
    await sinkPassed(system, sink);
    const url = sink.url ?? '';
    const before = await storedDocument(url, id);
    expect(before?.ticket.status).toBe('deleted');
    expect(before?.ticket['subject']).toContain('Zeppelin');

    account.advance(30 * 86_400);
    account.scrub(id);
    show(account);
    await sinkPassed(system, sink);
    const after = await storedDocument(url, id);
    expect(after?.ticket).toMatchObject({
      subject: 'SCRUBBED',
      updated_at: before?.ticket['updated_at'],
    });
    expect(after?.ticket['generated_timestamp']).toBeGreaterThan(
      Number(before?.ticket['generated_timestamp']),
    );
    expect((await search(url, 'zeppelin')).total).toBe(0);
  });

  it('case 2: a body cut after some tickets, before the control fields: asked again, nothing twice', async ({
    expect,
  }) => {
    const faults: FaultPlan = [
      { on: { request: 1 }, fault: { kind: 'cut', atByte: 30_000 } },
      { on: { request: 2 }, fault: { kind: 'end_early', atByte: 60_000 } },
      { on: { request: 4 }, fault: { kind: 'cut', atByte: 9_000_000, framing: 'length' } },
    ];
    await using system = await createSystem({
      name: `cut-${mode}`,
      simulator: { ...simulator, faults },
      env: { ...env, EXPORT_PER_PAGE: '100' },
    });
    const { producer, simulator: account } = system;
    producer.start();
    await caughtUp(system);
    expect(account.status().faults).toMatchObject({ cut: 2, end_early: 1 });
    await expectLogToEqual(system, expect);
    expect(producer.progress?.published).toBe(300);
  });

  it('case 3: the boundary second repeated, in another order, is not written again', async ({ expect }) => {
    await using system = await createSystem({
      name: `boundary-${mode}`,
      // Forty tickets end their history in one second; pages of seven end within it again and again.
      simulator: { tickets: 200, burst: 40, frozen: true },
      env: { ...env, EXPORT_PER_PAGE: '7' },
    });
    system.producer.start();
    await caughtUp(system);
    await expectLogToEqual(system, expect);
    if (mode === 'time') expect(system.producer.progress?.repeated).toBeGreaterThan(0);
  });

  it.for(['whole', 'repeat'] as const)(
    'case 4: more than 1,000 tickets in one second, where Zendesk shows such a second: %s',
    async (stuckSecond, { expect }) => {
      await using system = await createSystem({
        name: `burst-${mode}-${stuckSecond}`,
        simulator: { tickets: 2_600, burst: 2_300, frozen: true, stuckSecond },
        env,
      });
      system.producer.start();
      await caughtUp(system);
      await expectLogToEqual(system, expect);
      expect(system.producer.log.includes('reading it to its end by the cursor endpoint')).toBe(
        mode === 'time' && stuckSecond === 'repeat',
      );
    },
  );

  it('case 7: caught up (400, and 422 as before): waits, then goes on', async ({ expect }) => {
    for (const tooRecentStatus of [400, 422] as const) {
      await using system = await createSystem({
        name: `too-recent-${mode}-${tooRecentStatus}`,
        simulator: { tickets: 20, frozen: true, tooRecentStatus },
        env: { ...env, START_TIME: String(Math.floor(Date.now() / 1000) - 1) },
      });
      const { producer, simulator: account } = system;
      producer.start();
      await until('two answers that it is too recent', () => account.status().requests.tooRecent >= 2);
      expect(producer.progress?.exported).toBe(0);
      // A start within the newest seconds is no mistake, and what happens is said.
      expect(producer.log).toContain('Zendesk shows nothing from');
      account.create({ subject: 'The first to be seen' });
      show(account);
      await producer.until('the ticket', ({ published }) => published === 1);
      expect(account.status().requests.refused).toBe(0);
    }
  });

  it('case 9: links to another host: its parameters are followed, its host never asked', async ({
    expect,
  }) => {
    const heard: string[] = [];
    const elsewhere = createServer((request, response) => {
      heard.push(request.headers.authorization ?? request.url ?? '');
      response.end();
    });
    elsewhere.listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    try {
      const linkOrigin = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
      await using system = await createSystem({
        name: `links-${mode}`,
        simulator: { ...simulator, linkOrigin },
        env: { ...env, EXPORT_PER_PAGE: '50', EXPORT_INCLUDE: 'users' },
      });
      system.producer.start();
      await caughtUp(system);
      expect(
        new Set((await readCommitted(system.brokers, system.topic)).map(({ ticketId }) => ticketId)).size,
      ).toBe(300);
      expect(heard).toEqual([]);
    } finally {
      elsewhere.close();
    }
  });

  it('case 10: a crash after publishing, before the checkpoint: no step back, no deletion undone, no alert twice', async ({
    expect,
  }) => {
    await using receiver = await startWebhookReceiver(SECRET);
    await using system = await createSystem({
      name: `crash-${mode}`,
      simulator: { tickets: 50 },
      env: { ...env, ALERT_WEBHOOK_URL: receiver.url, ALERT_WEBHOOK_SECRET: SECRET },
    });
    const { producer, search: sink, alerting, simulator: account } = system;
    const kept = account.create({ status: 'open', priority: 'low', subject: 'To be raised' }).id;
    const gone = account.create({ status: 'solved', subject: 'To be deleted' }).id;
    for (const service of [producer, sink, alerting]) service.start();
    await alerting.until('both tickets', ({ books, caughtUp: all }) => all && books.applied >= 52, 90_000);
    await producer.stop();

    account.change(kept, { priority: 'urgent' });
    const { visibleFrom } = account.change(gone, { status: 'deleted' });
    await until('the export showing both', () => account.status().now > visibleFrom);
    // The claim commits by itself; every page after it is killed with all of it in the log and EndTxn not written.
    for (let kill = 0; kill < 2; kill++) {
      producer.start({
        NODE_OPTIONS: `--import=${killAtPoint}`,
        KILL_AT: 'ticket-stream:commit:before',
      });
      await producer.stopped();
      expect(producer.exitCode).toBeNull();
    }
    producer.start();
    await producer.until('both changes', ({ published }) => published >= 2);
    await sinkPassed(system, sink);
    await sinkPassed(system, alerting);

    const url = sink.url ?? '';
    expect((await storedDocument(url, gone))?.ticket.status).toBe('deleted');
    expect((await storedDocument(url, kept))?.ticket['priority']).toBe('urgent');
    expect((await search(url, 'subject:deleted')).hits.map(({ id }) => id)).not.toContain(gone);
    await until('the alert', () => receiver.deliveries.length > 0);
    expect(receiver.deliveries.map(({ body }) => Number(body.data.ticket.id))).toEqual([kept]);
    expect(copies(await readCommitted(system.brokers, system.topic))).toEqual([]);
  });
});

it('case 5: two versions in the same second with different content: the later one wins everywhere, also on replay', async ({
  expect,
}) => {
  await using rig = await createScriptedProducer('same-second');
  const version = (subject: string) => ticket(7, START_SECOND, { subject });
  rig.producer.start();
  await rig.zendesk.play(
    page([version('the earlier one')], { end_time: START_SECOND, end_of_stream: true }),
    page([version('the later one')], { end_time: START_SECOND, end_of_stream: true }),
  );
  const log = await rig.versions();
  expect(log.map(({ stamp }) => stamp)).toEqual([log[0]?.stamp, log[0]?.stamp]);
  expect(new Set(log.map(({ digest }) => digest)).size).toBe(2);
  for (const run of ['live', 'replay']) {
    await using index = await rig.sink('search', run);
    await index.service.until('both versions', ({ books }) => books.consumed === 2);
    const document = await storedDocument(index.service.url ?? '', 7);
    expect([run, document?.ticket['subject']]).toEqual([run, 'the later one']);
    expect(document?.version.digest).toBe(log[1]?.digest);
  }
});

describe('case 6: how the end of the stream is said', () => {
  it('an empty page that says it is not the end, and a full page that says it is', async ({ expect }) => {
    await using rig = await createScriptedProducer('end-of-stream', { EXPORT_PER_PAGE: '2' });
    const full = [1, 2].map((id) => ticket(id, START_SECOND + id));
    rig.producer.start();
    const requests = await rig.zendesk.play(
      page([], { end_time: START_SECOND, end_of_stream: false }),
      page([], { end_time: START_SECOND, end_of_stream: false }),
      page(full, { end_time: START_SECOND + 2, end_of_stream: true }),
    );
    expect(requests.map(({ startTime }) => startTime - START_SECOND)).toEqual([0, 0, 0, 2]);
    expect((await rig.status()).stage).toBe('live');
    expect(await rig.versions()).toHaveLength(2);
  });

  it('a cursor that repeats under empty pages', async ({ expect }) => {
    await using rig = await createScriptedProducer('cursor-repeats', { EXPORT_MODE: 'cursor' });
    rig.producer.start();
    const cursorPage = (tickets: object[], end: boolean) =>
      page(tickets, { after_cursor: 'a', end_of_stream: end, count: undefined });
    const requests = await rig.zendesk.play(
      cursorPage([ticket(1, START_SECOND + 1)], false),
      cursorPage([], false),
      cursorPage([], true),
      cursorPage([], false),
    );
    expect(requests.map(({ cursor }) => cursor)).toEqual([undefined, 'a', 'a', 'a', 'a']);
    expect(await rig.versions()).toHaveLength(1);
  });
});

describe('case 8: an allowance that others use too, and pages that are too heavy', () => {
  const plenty = { 'x-rate-limit': '700', 'x-rate-limit-remaining': '699' };
  const refused = '{"error":"APIRateLimitExceeded"}';

  it('429 with Retry-After 0, a date, and some seconds, the account headers showing plenty left', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('rate-limits');
    rig.producer.start();
    const inTwoSeconds = () => new Date(Date.now() + 3_000).toUTCString();
    const requests = await rig.zendesk.play(
      answer(429, refused, { ...plenty, 'retry-after': '0' }),
      answer(429, refused, { ...plenty, 'retry-after': '1' }),
      (response) => answer(429, refused, { ...plenty, 'retry-after': inTwoSeconds() })(response),
      page([ticket(1, START_SECOND + 1)], { end_time: START_SECOND + 1 }),
    );
    const waitedMs = requests.slice(1).map(({ atMs }, index) => atMs - (requests[index]?.atMs ?? 0));
    expect(waitedMs[1]).toBeGreaterThanOrEqual(999);
    // A date has whole seconds: two to three of them.
    expect(waitedMs[2]).toBeGreaterThanOrEqual(1_900);
    expect((await rig.status()).retries).toMatchObject({ 'zendesk.rate_limited': 3 });
    expect(await rig.versions()).toHaveLength(1);
  });

  it.for([
    ['93', 'Zendesk, 93 s (429)'],
    ['', 'Zendesk, 60 s (429)'],
    ['99999999', 'Zendesk, 3600 s (429)'],
  ] as const)(
    '429 with Retry-After "%s" is waited for in full, and shown',
    async ([retryAfter, shown], { expect }) => {
      await using rig = await createScriptedProducer(`retry-after-${retryAfter}`);
      rig.zendesk.rest = answer(
        429,
        refused,
        retryAfter === '' ? plenty : { ...plenty, 'retry-after': retryAfter },
      );
      rig.producer.start();
      await until('the wait to be shown', async () => (await rig.status()).waitingFor === shown);
      expect(rig.zendesk.requests).toHaveLength(1);
    },
  );

  it('504: smaller pages until one comes, and the wanted size again after ten good ones', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('too-heavy', { EXPORT_PER_PAGE: '8' });
    const heavy = answer(504, 'upstream request timeout', { 'content-type': 'text/plain' });
    const good = Array.from({ length: 20 }, (_, index) =>
      page([ticket(index + 1, START_SECOND + index)], {
        end_time: START_SECOND + index + 1,
        end_of_stream: false,
      }),
    );
    rig.producer.start();
    const requests = await rig.zendesk.play(heavy, heavy, ...good);
    expect(requests.map(({ perPage }) => perPage)).toEqual([
      8,
      4,
      ...Array.from({ length: 10 }, () => 2),
      ...Array.from({ length: 10 }, () => 4),
      8,
    ]);
    expect(await rig.versions()).toHaveLength(20);
  });
});
