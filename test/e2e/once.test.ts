import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '@ticket-stream/dev-stack';
import { readLedger, type ServedVersion } from '@ticket-stream/zendesk-simulator';
import { describe, expect, it, onTestFinished } from 'vitest';
import { copies, readCommitted } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { startUp } from '../support/up-process.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-up-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

interface Summary {
  readonly exported: number;
  readonly published: number;
  readonly search: Record<string, number>;
  readonly alerting: Record<string, number>;
  readonly distinctTickets: number;
  readonly indexedTickets: number;
  readonly peakRssMb: number;
  readonly seconds: number;
}

function lastLine(lines: readonly Record<string, unknown>[]): Record<string, unknown> {
  return lines.at(-1) ?? {};
}

const TICKETS = 3_000;

describe('npm start', () => {
  it('--once brings every ticket into the topic and the index, once, alerts nobody, and says so in its last line', async () => {
    const up = startUp(dataFolder(), ['--once', '--fresh', '--tickets', String(TICKETS)]);
    expect(await up.exitCode(), up.stderr()).toBe(0);
    const summary = up.lines.at(-1) as unknown as Summary;
    expect(Object.keys(summary)).toEqual([
      ...['exported', 'published', 'search', 'alerting', 'distinctTickets', 'indexedTickets'],
      ...['peakRssMb', 'seconds'],
    ]);
    const { search, alerting } = summary;
    for (const books of [search, alerting]) {
      const { consumed, applied = 0, duplicate = 0, stale = 0, skipped = 0, deadLettered = 0 } = books;
      expect(applied + duplicate + stale + skipped + deadLettered).toBe(consumed);
      expect(consumed).toBe(summary.published);
    }
    expect(alerting['alerts']).toBe(0);
    expect(summary.exported).toBeGreaterThanOrEqual(summary.published);
    expect(summary.distinctTickets).toBe(TICKETS);
    expect(summary.indexedTickets).toBe(TICKETS);
  });

  it('--once ends when a sink ends before everything arrived, though the sink is content; Ctrl-C ends it too', async () => {
    const dataDir = dataFolder();
    const isUnderWay = ({ search }: Record<string, unknown>): boolean =>
      Number((search as { indexed?: number } | undefined)?.indexed) > 0;
    const first = startUp(dataDir, ['--once', '--tickets', '50000']);
    await until('search at work', () => first.lines.some(isUnderWay));
    const { pid } = JSON.parse(readFileSync(join(dataDir, 'run', 'search.json'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGTERM');
    expect(await first.exitCode()).toBe(1);
    expect(first.stderr()).toContain('search ended (exit code 0)');

    const second = startUp(dataDir, ['--once']);
    await until('search at work', () => second.lines.some(isUnderWay));
    second.ctrlC();
    expect(await second.exitCode()).toBe(130);
    expect(second.stderr()).toBe('ticket-stream: stopped by SIGINT\n');
  });

  it('stopped by Ctrl-C in the middle of the backfill goes on from the checkpoint, and nothing is there twice', async () => {
    const dataDir = dataFolder();
    const first = startUp(dataDir, ['--tickets', '20000']);
    await until('the backfill under way', () =>
      first.lines.some(
        ({ producer }) => Number((producer as { published?: number } | undefined)?.published) > 2_000,
      ),
    );
    const stopAtMs = performance.now();
    first.ctrlC();
    expect(await first.exitCode(), first.stderr()).toBe(0);
    expect(performance.now() - stopAtMs).toBeLessThan(5_000);
    const before = lastLine(first.lines)['producer'] as { published: number; stage: string };
    expect(before.stage).toBe('backfill');

    const second = startUp(dataDir, []);
    const caughtUp = await until(
      'the rest caught up',
      () =>
        second.lines.findLast(({ producer, search }) => {
          const { stage } = (producer ?? {}) as { stage?: string };
          const { caughtUp: isCaughtUp, lag } = (search ?? {}) as { caughtUp?: boolean; lag?: number };
          return stage === 'live' && isCaughtUp === true && lag === 0;
        }),
      90_000,
    );
    // It went on: this run published what the first had not, not everything again.
    expect((caughtUp['producer'] as { published: number }).published).toBeLessThan(20_000);
    second.ctrlC();
    expect(await second.exitCode(), second.stderr()).toBe(0);

    const kafka = await startKafka({ dataDir: join(dataDir, 'simulator', 'kafka') });
    onTestFinished(() => kafka.stop());
    const versions = await readCommitted(kafka.brokers, 'tickets');
    expect(copies(versions)).toEqual([]);
    // Complete up to the position: of every ticket that was last shown before it, the last version shown is there.
    const { positionSecond } = lastLine(second.lines)['producer'] as { positionSecond: number };
    const logged = new Set(versions.map(({ ticketId, digest }) => `${ticketId} ${digest}`));
    const newest = new Map<number, ServedVersion>();
    for await (const served of readLedger(join(dataDir, 'simulator', 'simulator'))) {
      const known = newest.get(served.id);
      if (known === undefined || known.generatedTimestamp <= served.generatedTimestamp)
        newest.set(served.id, served);
    }
    const due = [...newest.values()].filter(({ generatedTimestamp }) => generatedTimestamp <= positionSecond);
    expect(due.length).toBeGreaterThan(19_900);
    expect(due.filter(({ id, digest }) => !logged.has(`${id} ${digest}`))).toEqual([]);
  });

  it.each([
    ['--fresh with a cluster of your own', ['--fresh'], { KAFKA_BROKERS: '127.0.0.1:1' }, 'KAFKA_BROKERS'],
    [
      '--fresh with an account of your own',
      ['--fresh'],
      { ZENDESK_URL: 'https://acme.zendesk.com' },
      'ZENDESK_URL',
    ],
    ['a wrong number of tickets', ['--tickets', '1e9'], {}, '--tickets'],
    ['an option that is not there', ['--frehs'], {}, '--frehs'],
  ])('refuses %s with exit code 2', async (_, args, env, named) => {
    const up = startUp(dataFolder(), args, env);
    expect(await up.exitCode()).toBe(2);
    expect(up.stderr()).toContain(named);
  });
});
