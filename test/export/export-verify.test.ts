/** `ticket-stream export verify`: a log that is right, one made wrong by hand, and a Zendesk that misbehaves meanwhile. */
import { DEFAULT_EMAIL, DEFAULT_TOKEN } from '@ticket-stream/zendesk-simulator';
import { describe, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import { answer, cut, page, pageText, ticket } from '../support/scripted-zendesk.ts';
import { createSystem, type System } from '../support/system.ts';

type Rig = Awaited<ReturnType<typeof createScriptedProducer>>;
const iso = (second: number): string => new Date(second * 1000).toISOString().replace('.000Z', 'Z');
/** The export's delay: how long a comparison goes on where something looks extra. */
const QUICK = { EXPORT_DELAY_SECONDS: '0' };

async function verify(env: Record<string, string>, ...args: string[]) {
  const command = ['export', 'verify', '--json', '--requests-per-minute', '1200', ...args];
  const { exitCode, stdout, stderr } = await runCommand(command, env);
  return { exitCode, stderr, report: JSON.parse(stdout === '' ? '{}' : stdout) };
}

/** The producer reads these pages to the end and stops. */
async function exported(rig: Rig, tickets: object[], env: Record<string, string> = {}): Promise<void> {
  rig.zendesk.rest = page(tickets, { end_time: START_SECOND + 100 });
  rig.producer.start({ EXPORT_ONCE: 'true', ...env });
  if ((await rig.producer.stopped()) !== 0) throw new Error(rig.producer.log);
}

describe.concurrent('export verify, of a log made wrong by hand', () => {
  it('reports exactly what is wrong, by ticket id; the reset that it names mends it', async ({ expect }) => {
    await using rig = await createScriptedProducer('verify-wrong', QUICK);
    const at = (id: number, fields = {}) => ticket(id, START_SECOND + id, fields);
    const asItWas = [1, 3, 4, 5, 6, 7, 9].map((id) => at(id));
    const own = at(8, { _embedded: {} });
    await exported(rig, [...asItWas, own]);
    // The log has a newer version of 7 than Zendesk will show.
    await exported(rig, [ticket(7, START_SECOND + 100)]);
    // What was there before is published again: copies.
    await runCommand(['export', 'reset', '--to', String(START_SECOND), '--yes'], rig.env);
    await exported(rig, [at(9)]);

    const now = Math.floor(Date.now() / 1000);
    const shown = [
      at(1),
      at(2),
      ticket(3, START_SECOND + 30),
      at(5, { subject: 'other' }),
      ticket(6, now),
      at(7),
      own,
      at(9),
    ];
    rig.zendesk.rest = page(shown, { end_time: now });
    const { exitCode, report, stderr } = await verify(rig.env, '--all');
    expect(exitCode, stderr).toBe(5);
    const digest = expect.stringMatching(/^[0-9a-f]{32}$/);
    const shownAt = (second: number) => ({ second: iso(second), stamp: iso(second), digest });
    expect(report.findings).toEqual([
      { ticketId: '2', verdict: 'missing', zendesk: shownAt(START_SECOND + 2), topic: null },
      {
        ticketId: '3',
        verdict: 'older',
        zendesk: shownAt(START_SECOND + 30),
        topic: { stamp: iso(START_SECOND + 3) },
      },
      { ticketId: '4', verdict: 'extra', zendesk: null, topic: { stamp: iso(START_SECOND + 4) } },
      {
        ticketId: '5',
        verdict: 'different',
        zendesk: shownAt(START_SECOND + 5),
        topic: { stamp: iso(START_SECOND + 5) },
      },
      {
        ticketId: '8',
        verdict: 'dead_lettered',
        code: 'ticket.own_embedded',
        zendesk: expect.anything(),
        topic: null,
      },
    ]);
    expect(report).toMatchObject({
      counts: { equal: 3, missing: 1, older: 1, different: 1, extra: 1, dead_lettered: 1, changed_since: 1 },
      settled: true,
      remedy: `ticket-stream export reset --to ${iso(START_SECOND + 2)}`,
    });
    const asText = await runCommand(['export', 'verify', '--all', '--requests-per-minute', '1200'], rig.env);
    expect(asText.exitCode).toBe(5);
    expect(asText.stdout).toMatch(/^2 +missing +2023-11-14T22:13:22Z +nothing$/m);
    expect(asText.stdout).toContain(report.remedy);
    const sampled = await verify(rig.env, '--sample', '1');
    expect(sampled.exitCode).toBe(5);
    expect(sampled.report.counts).toMatchObject({ missing: 1, older: 1, different: 1, extra: 0 });

    await runCommand([...report.remedy.split(' ').slice(1), '--yes'], rig.env);
    await exported(rig, shown);
    rig.zendesk.rest = page(shown, { end_time: now });
    const mended = await verify(rig.env, '--all');
    expect(mended.exitCode, mended.stderr).toBe(0);
    expect(mended.report.counts).toMatchObject({ equal: 7, missing: 0, older: 0, different: 0, extra: 1 });
  });

  it('takes no ticket for extra that changed, or was deleted, whenever the walk looked', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('verify-moving', QUICK);
    const at = (id: number) => ticket(id, START_SECOND + id);
    await exported(rig, [1, 2, 3, 4].map(at));
    const { zendesk } = rig;
    // 2 always stands in the newest seconds; 3 does so until it is asked for, and is deleted by then; 4 is gone.
    zendesk.tickets.set('2', answer(200, JSON.stringify({ ticket: at(2) })));
    zendesk.rest = (response) => {
      const now = Math.floor(Date.now() / 1000);
      const isDeleted = zendesk.asked.includes('3');
      const shown = isDeleted ? [at(1), ticket(3, now, { status: 'deleted' })] : [at(1)];
      page(shown, { end_time: now })(response);
    };
    const before = zendesk.requests.length;
    const { exitCode, report, stderr } = await verify(rig.env, '--all');
    expect(exitCode, stderr).toBe(0);
    expect(report.requests).toBe(zendesk.requests.length - before + zendesk.asked.length);
    expect(report.findings).toMatchObject([{ ticketId: '4', verdict: 'extra' }]);
    expect(report).toMatchObject({ counts: { equal: 1, changed_since: 2, extra: 1 }, settled: true });
    expect(zendesk.asked).toEqual(['2', '3', '4']);

    zendesk.tickets.set('4', answer(403, '{"error":"Forbidden"}'));
    const open = await verify(rig.env, '--all');
    expect(open.report).toMatchObject({ counts: { changed_since: 2, extra: 1 }, settled: false });
    const asText = await runCommand(['export', 'verify', '--all', '--requests-per-minute', '1200'], rig.env);
    expect(asText.stdout).toContain('Not of every extra ticket could it be found out');
  });

  it('finds a log equal through a 429, a cut, a 504, a proxy page and a wrong count', async ({ expect }) => {
    await using rig = await createScriptedProducer('verify-faults');
    const tickets = [1, 2, 3].map((id) => ticket(id, START_SECOND + id));
    await exported(rig, tickets);
    const control = { end_time: START_SECOND + 100 };
    const before = rig.zendesk.requests.length;
    const counted = page(tickets.slice(0, 2), { ...control, count: 3 });
    const playing = rig.zendesk.play(
      answer(429, '{"error":"APIRateLimitExceeded"}', { 'retry-after': '0' }),
      cut(pageText(tickets, control), 90),
      answer(504, 'upstream request timeout', { 'content-type': 'text/plain' }),
      answer(200, '<html>', { 'content-type': 'text/html' }),
      counted,
    );
    const { exitCode, report, stderr } = await verify(rig.env, '--all');
    await playing;
    expect(exitCode, stderr).toBe(0);
    expect(report).toMatchObject({ counts: { equal: 3, missing: 0, extra: 0 }, requests: 6, findings: [] });
    expect(rig.zendesk.requests.slice(before).map(({ perPage }) => perPage)).toContain(500);
  });

  it('tells a gap on record from what is missing, and names a second that it cannot read', async ({
    expect,
  }) => {
    await using rig = await createScriptedProducer('verify-gap', { ...QUICK, EXPORT_PER_PAGE: '3' });
    const all = Array.from({ length: 7 }, (_, index) => ticket(index + 1, START_SECOND));
    const isCursor = (path: string) => path.endsWith('/cursor');
    const stuck = page(all.slice(0, 3), { end_time: START_SECOND, end_of_stream: false });
    const later = page([ticket(8, START_SECOND + 5)], { end_time: START_SECOND + 5 });
    rig.zendesk.rest = (response, { path, startTime }) => {
      if (isCursor(path)) answer(403, '{"error":"Forbidden"}')(response);
      else (startTime === START_SECOND ? stuck : later)(response);
    };
    rig.producer.start({ EXPORT_ONCE: 'true', ACCEPT_GAP: String(START_SECOND) });
    expect(await rig.producer.stopped(), rig.producer.log).toBe(0);
    expect((await runCommand(['export', 'status'], rig.env)).stdout).toMatch(
      /^gap .*did not get past that second/m,
    );

    const closed = await verify(rig.env, '--all');
    expect(closed.exitCode, closed.stderr).toBe(0);
    expect(closed.report).toMatchObject({ counts: { equal: 4 }, unreadSeconds: [iso(START_SECOND)] });

    // The endpoint is open now, and shows what the gap hides.
    rig.zendesk.rest = (response, { path, startTime }) => {
      if (isCursor(path)) page(all, { after_cursor: 'a', end_of_stream: true, count: undefined })(response);
      else (startTime === START_SECOND ? stuck : later)(response);
    };
    const open = await verify(rig.env, '--all');
    expect(open.exitCode, open.stderr).toBe(0);
    expect(open.report.counts).toMatchObject({ equal: 4, on_record: 4, missing: 0 });
    expect(open.report.findings[0]).toMatchObject({ verdict: 'on_record', would: 'missing', record: 'gap' });
  });

  it('refuses without an allowance, another source, and wrong credentials', async ({ expect }) => {
    await using rig = await createScriptedProducer('verify-refused');
    await exported(rig, [ticket(1, START_SECOND)]);
    const refused = await runCommand(['export', 'verify'], rig.env);
    expect(refused).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('EXPORT_ALLOWANCE_SHARE=0.8'),
    });
    const other = await verify({ ...rig.env, EXPORT_SOURCE: 'test:another' });
    expect(other).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('test:another') });
    rig.zendesk.rest = answer(401, '{"error":"Couldn\'t authenticate you"}');
    const unknown = await verify(rig.env, '--all');
    expect(unknown.exitCode).toBe(3);
    expect(unknown.stderr).not.toContain(rig.env.ZENDESK_API_TOKEN);
  });
});

function environmentOf({ brokers, topic, dataDir, simulator }: System): Record<string, string> {
  return {
    KAFKA_BROKERS: brokers,
    TICKETS_TOPIC: topic,
    DATA_DIR: dataDir,
    ZENDESK_URL: simulator.url,
    ZENDESK_EMAIL: DEFAULT_EMAIL,
    ZENDESK_API_TOKEN: DEFAULT_TOKEN,
    EXPORT_SOURCE: simulator.source,
    EXPORT_DELAY_SECONDS: '2',
    START_TIME: '1',
    EXPORT_PER_PAGE: '200',
  };
}

const TICKETS = 2_000;

describe.concurrent('export verify, beside a producer at work', () => {
  it.for(['time', 'cursor'])('finds the log equal by %s while tickets change', async (mode, { expect }) => {
    await using system = await createSystem({
      name: `verify-${mode}`,
      simulator: { tickets: TICKETS, seed: 3, requestsPerMinute: 6_000, liveChangesPerMinute: 600 },
      env: { EXPORT_PER_PAGE: '200' },
    });
    system.producer.start();
    await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
    const env = { ...environmentOf(system), EXPORT_MODE: mode };
    const whole = await verify(env, '--all');
    expect(whole.exitCode, whole.stderr).toBe(0);
    expect(whole.report.findings).toEqual([]);
    // Every ticket is counted, also one that was in the newest seconds whenever the walk looked: it is asked for by its id.
    const counts: Readonly<Record<string, number>> = whole.report.counts;
    expect(Object.values(counts).reduce((sum, each) => sum + each, 0)).toBeGreaterThanOrEqual(TICKETS);
    const [one, again] = [
      await verify(env, '--sample', '4', '--seed', '7'),
      await verify(env, '--sample', '4', '--seed', '7'),
    ];
    expect(one.exitCode, one.stderr).toBe(0);
    // Different pages, not the first one four times.
    expect(one.report.counts.equal).toBeGreaterThan(400);
    expect(one.report).toMatchObject({ seed: 7, pages: 4, requests: 4 });
    expect(again.exitCode).toBe(0);
  });

  it('passes a second larger than a page as the producer does', async ({ expect }) => {
    await using system = await createSystem({
      name: 'verify-stuck',
      simulator: { tickets: 900, seed: 5, burst: 450, stuckSecond: 'repeat', requestsPerMinute: 6_000 },
      env: { EXPORT_PER_PAGE: '200' },
    });
    system.producer.start();
    await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
    const { exitCode, report, stderr } = await verify(environmentOf(system), '--all');
    expect(exitCode, stderr).toBe(0);
    expect(report).toMatchObject({ counts: { equal: 900 }, unreadSeconds: [], findings: [] });
  });

  it('takes deleted tickets that are left out as asked, and on record once they are not', async ({
    expect,
  }) => {
    await using system = await createSystem({
      name: 'verify-scope',
      simulator: { tickets: TICKETS, seed: 9, requestsPerMinute: 6_000 },
      env: { EXPORT_PER_PAGE: '200', EXPORT_EXCLUDE_DELETED: 'true' },
    });
    const env = environmentOf(system);
    system.producer.start();
    await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
    const hidden = await verify(env, '--all');
    expect(hidden.exitCode, hidden.stderr).toBe(0);
    const leftOut: number = hidden.report.counts.left_out;
    expect(leftOut).toBeGreaterThan(0);
    expect(hidden.report.counts.equal).toBe(TICKETS - leftOut);
    await system.producer.stop();
    system.producer.start({ EXPORT_EXCLUDE_DELETED: 'false' });
    await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
    const widened = await verify(env, '--all');
    expect(widened.exitCode, widened.stderr).toBe(0);
    expect(widened.report.counts).toMatchObject({ on_record: leftOut, left_out: 0, missing: 0 });
    const status = await runCommand(['export', 'status'], env);
    expect(status.stdout).toMatch(/^left out .*deleted and scrubbed tickets/m);
  });
});
