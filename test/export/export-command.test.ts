/** `ticket-stream export status` and `reset` as an operator runs them: a real producer on a real broker. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { describe, it } from 'vitest';
import { runCommand } from '../support/command.ts';
import { copies, readCommitted } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { API_TOKEN, byText, createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import { answer, page, ticket } from '../support/scripted-zendesk.ts';
import { createSystem, type System } from '../support/system.ts';
import { startUp } from '../support/up-process.ts';

const iso = (second: number): string => new Date(second * 1000).toISOString().replace('.000Z', 'Z');

/** Removed with its scope: of tests that run side by side, a hook of the file would not know which one has ended. */
function emptyFolder() {
  const path = mkdtempSync(join(tmpdir(), 'ticket-stream-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

describe.concurrent('export status', () => {
  it('says that nothing was exported yet, and that is no error', async ({ expect }) => {
    using folder = emptyFolder();
    const env = {
      KAFKA_BROKERS: sharedKafka().brokers,
      TICKETS_TOPIC: `${topicPrefix('status-none')}tickets`,
      DATA_DIR: folder.path,
    };
    const shown = await runCommand(['export', 'status'], env);
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout).toContain('nothing was exported to this topic yet');
    expect(JSON.parse((await runCommand(['export', 'status', '--json'], env)).stdout)).toEqual({
      topic: env.TICKETS_TOPIC,
      exported: false,
      heldBack: [],
      producer: null,
    });
  });

  it('shows where the export stands, with a producer that waits and without one', async ({ expect }) => {
    await using rig = await createScriptedProducer('status');
    rig.producer.start();
    await rig.zendesk.play(
      page([ticket(1, START_SECOND)], { end_time: START_SECOND + 9, end_of_stream: false }),
    );
    rig.zendesk.rest = answer(429, '{"error":"APIRateLimitExceeded"}', { 'retry-after': '900' });
    await until('a 429', async () => (await rig.status()).waitingFor?.includes('429'));
    const running = JSON.parse((await runCommand(['export', 'status', '--json'], rig.env)).stdout);
    const checkpoint = await rig.checkpoint();
    expect(running).toMatchObject({
      topic: rig.topic,
      exported: true,
      heldBack: [],
      producer: { answers: true, waitingFor: expect.stringContaining('429') },
      export: {
        source: 'test:status',
        logId: checkpoint?.logId,
        owner: checkpoint?.owner,
        sequence: checkpoint?.sequence,
        next: { mode: 'time', from: iso(START_SECOND + 9), startTime: START_SECOND + 9 },
        scope: { excludeDeleted: false, supportTypes: 'agent' },
        unseen: [],
        gaps: [],
        nextOffsetsSum: '1',
      },
    });
    expect(Date.now() - Date.parse(running.export.writtenAt)).toBeLessThan(10 * 60_000);
    await rig.producer.kill();
    const stopped = await runCommand(['export', 'status'], rig.env);
    expect(stopped.exitCode).toBe(0);
    expect(stopped.stdout).toMatch(/^producer +none runs on this data folder$/m);
    expect(stopped.stdout).toMatch(new RegExp(`^next request +by time, from ${iso(START_SECOND + 9)}$`, 'm'));
  });

  it('tells which partitions an open transaction holds back, and since when', async ({ expect }) => {
    await using rig = await createScriptedProducer('status-held');
    const fromMs = Date.now();
    // Enough for several sends, and no end.
    const text = 'x'.repeat(20_000);
    const tickets = Array.from({ length: 1_000 }, (_, id) => ticket(id + 1, START_SECOND, { text }));
    rig.zendesk.rest = (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(`{"tickets":[${tickets.map((each) => JSON.stringify(each)).join(',')},`);
    };
    rig.producer.start();
    const held = await until('readers to be held back', async () => {
      const { heldBack } = JSON.parse((await runCommand(['export', 'status', '--json'], rig.env)).stdout);
      return heldBack.length > 0 && heldBack;
    });
    expect(Date.parse(held[0].since)).toBeGreaterThanOrEqual(fromMs);
    expect(Date.parse(held[0].since)).toBeLessThanOrEqual(Date.now());
    expect(BigInt(held[0].highWatermark)).toBeGreaterThan(BigInt(held[0].stableEnd));
    await rig.producer.kill();
    expect((await runCommand(['export', 'status'], rig.env)).stdout).toMatch(
      /^held back +readers of partition/m,
    );
  });

  it('finds the run of "npm start" on the data folder without a variable, and so does verify', async ({
    expect,
  }) => {
    using folder = emptyFolder();
    const dataDir = folder.path;
    const topic = `${topicPrefix('status-up')}tickets`;
    const up = startUp(dataDir, ['--tickets', '300'], {
      KAFKA_BROKERS: sharedKafka().brokers,
      TICKETS_TOPIC: topic,
    });
    try {
      const status = await until(
        'the export to be live',
        async () => {
          const { exitCode, stdout } = await runCommand(
            ['export', 'status', '--json', '--data-dir', dataDir],
            {},
          );
          return exitCode === 0 && JSON.parse(stdout).producer?.stage === 'live' && JSON.parse(stdout);
        },
        60_000,
      );
      expect(status).toMatchObject({
        topic,
        exported: true,
        export: { source: expect.stringContaining('seed=1') },
      });
      const verified = await runCommand(['export', 'verify', '--all', '--json', '--data-dir', dataDir], {});
      expect(verified.exitCode, verified.stderr + up.stderr()).toBe(0);
      const { counts, findings } = JSON.parse(verified.stdout);
      // Every ticket is counted; one that changes meanwhile may stand in the newest seconds, which the export leaves out.
      const all = Object.values(counts as Record<string, number>).reduce((sum, each) => sum + each, 0);
      expect(all).toBeGreaterThanOrEqual(300);
      expect(findings).toEqual([]);
    } finally {
      up.ctrlC();
      expect(await up.exitCode(), up.stderr()).toBe(0);
    }
    const after = await runCommand(['export', 'status', '--data-dir', dataDir], {});
    expect(after.exitCode).toBe(2);
    expect(after.stderr).toContain('KAFKA_BROKERS: is missing');
  });

  it('shows no secret, and says where no cluster answers', async ({ expect }) => {
    using folder = emptyFolder();
    const env = {
      KAFKA_BROKERS: '127.0.0.1:9',
      ZENDESK_API_TOKEN: API_TOKEN,
      DATA_DIR: folder.path,
    };
    const shown = await runCommand(['export', 'status'], env);
    expect(shown.exitCode).toBe(2);
    expect(shown.stderr).toContain('127.0.0.1:9');
    expect(shown.stdout + shown.stderr).not.toContain(API_TOKEN);
  });
});

const TICKETS = 1_200;

async function backfilled(name: string): Promise<System> {
  const system = await createSystem({
    name,
    simulator: { tickets: TICKETS, seed: 11, requestsPerMinute: 6_000 },
    env: { EXPORT_PER_PAGE: '100' },
  });
  system.producer.start();
  await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
  return system;
}

function environmentOf({ brokers, topic, dataDir }: System): Record<string, string> {
  return { KAFKA_BROKERS: brokers, TICKETS_TOPIC: topic, DATA_DIR: dataDir };
}

/** The moment at which a share of the tickets lies behind. */
async function momentAt(system: System, share: number): Promise<number> {
  const stamps = (await readCommitted(system.brokers, system.topic))
    .map(({ stamp }) => stamp)
    .toSorted(byText);
  return Date.parse(stamps[Math.floor(stamps.length * share)] ?? '') / 1000;
}

describe.concurrent('export reset', () => {
  it('is refused while a producer is at work, where it would lose something, and where nobody says yes', async ({
    expect,
  }) => {
    await using system = await backfilled('reset-refused');
    const env = environmentOf(system);
    const reset = (...args: string[]) => runCommand(['export', 'reset', ...args], env);

    const atWork = await reset('--to', '2024-01-01', '--yes');
    expect(atWork.exitCode).toBe(4);
    expect(atWork.stderr).toContain('--stop-producer');
    await system.producer.stop();

    const unasked = await reset('--to', '2024-01-01');
    expect(unasked).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--yes') });
    expect(unasked.stdout).toContain('instead at  2024-01-01T00:00:00Z');
    // The clock of this system does not stand still, so that between the place and now there is a second to skip.
    const forwards = await reset('--to', String(Math.floor(Date.now() / 1000)), '--yes');
    expect(forwards).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--accept-gap') });
    const future = await reset(
      '--to',
      String(Math.floor(Date.now() / 1000) + 3_600),
      '--yes',
      '--accept-gap',
    );
    expect(future).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('in the future') });
    expect(await reset('--to', '1700000000000')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('looks like milliseconds'),
    });
    // None of them changed anything.
    system.producer.start();
    await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
    expect(copies(await readCommitted(system.brokers, system.topic))).toEqual([]);
  });

  it('backwards publishes again, as copies of the same id that a consumer counts as duplicates', async ({
    expect,
  }) => {
    await using system = await backfilled('reset-back');
    await system.producer.stop();
    const before = await readCommitted(system.brokers, system.topic);
    const to = await momentAt(system, 0.75);
    const again = before.filter(({ stamp }) => Date.parse(stamp) / 1000 >= to).map(({ eventId }) => eventId);
    const done = await runCommand(['export', 'reset', '--to', iso(to), '--yes'], environmentOf(system));
    expect(done.exitCode, done.stderr).toBe(0);
    expect(done.stdout).toContain(`goes on at ${iso(to)}`);
    expect(done.stdout).not.toContain('undo');
    const status = await runCommand(['export', 'status', '--json'], environmentOf(system));
    expect(JSON.parse(status.stdout).export.next.from).toBe(iso(to));

    system.producer.start();
    await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
    await system.producer.stop();
    const after = await readCommitted(system.brokers, system.topic);
    expect(after).toHaveLength(before.length + again.length);
    expect(new Set(copies(after))).toEqual(new Set(again));
    expect(again.length).toBeGreaterThan(TICKETS / 5);
    system.search.start();
    const { books } = await system.search.until('all of it', (progress) =>
      progress.caughtUp && progress.books.consumed === after.length ? progress : undefined,
    );
    expect(books).toMatchObject({ applied: before.length, duplicate: again.length });
  });

  it('ends a producer that runs elsewhere with exit code 4, and says so before', async ({ expect }) => {
    await using system = await backfilled('reset-elsewhere');
    const to = await momentAt(system, 0.9);
    using folder = emptyFolder();
    const env = { ...environmentOf(system), DATA_DIR: folder.path };
    const done = await runCommand(['export', 'reset', '--to', String(to), '--yes'], env);
    expect(done.exitCode, done.stderr).toBe(0);
    expect(done.stdout).toContain('runs elsewhere loses the export and ends with exit code 4');
    expect(done.stdout).toContain('one seems to be at work');
    expect(await system.producer.stopped(), system.producer.log).toBe(4);
    system.producer.start();
    await system.producer.until('the end of the stream', ({ stage }) => stage === 'live');
    expect(copies(await readCommitted(system.brokers, system.topic)).length).toBeGreaterThan(0);
  });

  it('takes the export from the producer of the data folder when it is told to', async ({ expect }) => {
    await using system = await backfilled('reset-stop');
    const to = await momentAt(system, 0.9);
    const done = await runCommand(
      ['export', 'reset', '--to', String(to), '--yes', '--stop-producer'],
      environmentOf(system),
    );
    expect(done.exitCode, done.stderr).toBe(0);
    expect(await system.producer.stopped(), system.producer.log).toBe(4);
  });

  it('forwards leaves a gap on record', async ({ expect }) => {
    await using rig = await createScriptedProducer('reset-forwards');
    rig.producer.start();
    await rig.zendesk.play(
      page([ticket(1, START_SECOND)], { end_time: START_SECOND + 9, end_of_stream: false }),
    );
    await rig.producer.stop();
    const to = START_SECOND + 100;
    const done = await runCommand(['export', 'reset', '--to', String(to), '--accept-gap', '--yes'], rig.env);
    expect(done.exitCode, done.stderr).toBe(0);
    expect(done.stdout).toContain(`a reset to ${iso(START_SECOND + 9)} undoes it`);
    const status = await runCommand(['export', 'status'], rig.env);
    expect(status.stdout).toMatch(/^gap .*skipped by a reset/m);
    expect(status.stdout).toContain(`export reset --to ${iso(START_SECOND + 9)}`);
    const playing = rig.zendesk.play(page([], { end_time: to }));
    rig.producer.start();
    expect((await playing)[0]?.startTime).toBe(to);
  });

  it('says that there is nothing to reset', async ({ expect }) => {
    using folder = emptyFolder();
    const env = {
      KAFKA_BROKERS: sharedKafka().brokers,
      TICKETS_TOPIC: `${topicPrefix('reset-none')}tickets`,
      DATA_DIR: folder.path,
    };
    const refused = await runCommand(['export', 'reset', '--to', '1', '--yes'], env);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('nothing was exported');
  });
});
