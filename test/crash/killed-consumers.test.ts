/**
 * Consumers under kill -9, in the moments that are worst for them: while their group rebalances, and while they read
 * again what a replay gave them. At the end each sink holds what a fresh run from offset 0 holds, its books balance,
 * and every alert was accepted under one delivery id. Small in CI; `npm run crash` is the campaign.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { booksBalance, sqliteVersionStore } from '@ticket-stream/subscriber';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findFaults, noFaults } from '../storm/effect-log.ts';
import { Member } from '../storm/member.ts';
import { type ChangeFlow, changeFlow, versionName } from '../support/change-flow.ts';
import { until } from '../support/condition.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { passed, ServiceProcess } from '../support/service-process.ts';
import {
  canonicalDump,
  differences,
  openAlertingStore,
  openSearchStore,
  type SinkStore,
} from '../support/sink-store.ts';
import { hasReached, storedPositions } from '../support/store-positions.ts';
import { openTicketsLog, type TicketsLog } from '../support/tickets-log.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';
import { expectedAlerts } from './expected-alerts.ts';
import { type GroupDisturbance, openGroupDisturbance } from './group-disturbance.ts';
import { type Kills, killGroup, killSink } from './kill-consumers.ts';

const settings = {
  seed: Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000),
  /** Of each consumer, half of them in rebalances and half in replays. */
  kills: Number(process.env['CRASH_CONSUMER_KILLS'] ?? 4),
  backlog: Number(process.env['CRASH_BACKLOG'] ?? 12_000),
};
const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;
const PAGE_RECORDS = 100;
const PAGE_EVERY_MS = 500;
/** Deliveries that one kill can catch between an answer and its record: as many as are under way at once. */
const DELIVERIES_UNDER_WAY = 8;

describe(`consumers killed with -9 in rebalances and replays, seed ${settings.seed}`, () => {
  const { seed, kills, backlog } = settings;
  const dir = mkdtempSync(join(tmpdir(), 'killed-consumers-'));
  const { brokers } = sharedKafka();
  const topic = `${topicPrefix('killed-consumers')}tickets`;
  const env = { KAFKA_BROKERS: brokers, TICKETS_TOPIC: topic };
  let log: TicketsLog;
  let flow: ChangeFlow;
  let disturbance: GroupDisturbance;
  let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
  let records = 0;

  beforeAll(async () => {
    receiver = await startWebhookReceiver(SECRET);
    log = await openTicketsLog(brokers, topic);
    disturbance = await openGroupDisturbance(log);
    // Recent, so that alerting does not take them for history.
    const firstStamp = Math.floor(Date.now() / 1000) - 3_600;
    flow = changeFlow({ seed, tickets: backlog / 10, singles: 0.3, firstStamp });
  });
  afterAll(async () => {
    await disturbance.close();
    await log.close();
    await receiver[Symbol.asyncDispose]();
    rmSync(dir, { recursive: true, force: true });
  });

  async function publish(count: number): Promise<void> {
    await log.publish(flow.next(count));
    records += count;
  }

  it('end with the state of a fresh run, books that balance, and no alert twice', async ({ annotate }) => {
    const random = seededRandom(seed);
    const search = new ServiceProcess('search', join(dir, 'killed'), env);
    const alertEnv = { ...env, ALERT_WEBHOOK_URL: receiver.url, ALERT_WEBHOOK_SECRET: SECRET };
    const alerting = new ServiceProcess('alerting', join(dir, 'killed'), alertEnv);
    const group = {
      brokers,
      topic,
      group: `${topic}.team`,
      storeFile: join(dir, 'team', 'versions.sqlite'),
      effectFile: join(dir, 'effects.sqlite'),
    };
    const members = ['one', 'two', 'three'].map((name) => new Member({ ...group, name }));
    try {
      search.start();
      alerting.start();
      // Over the empty log, so that everything after is news to alerting, not history.
      for (const sink of [search, alerting]) await sink.until('caught up', ({ caughtUp }) => caughtUp);
      for (const member of members) member.join();
      while (records < backlog) await publish(1_000);
      const filled = Object.fromEntries([...(await log.ends())].map(([p, end]) => [p, String(end)]));
      await search.until('the backlog indexed', (progress) => passed(progress, filled), 300_000);
      await alerting.until('the backlog evaluated', (progress) => passed(progress, filled), 300_000);

      let killing = true;
      const flowing = (async () => {
        while (killing) {
          await publish(PAGE_RECORDS);
          await wait(PAGE_EVERY_MS);
        }
      })();
      const campaign = { log, disturbance, kills, random };
      const counts: Kills[] = await Promise.all([
        killSink(search, { ...campaign, group: await searchGroup() }),
        killSink(alerting, { ...campaign, group: `${topic}.alerting` }),
        killGroup(members, { ...campaign, group: group.group }),
      ]).finally(() => {
        killing = false;
      });
      await flowing;
      await annotate(`kills of search, alerting, group: ${JSON.stringify(counts)}; ${records} records`);
      for (const { inRebalances, inReplays } of counts) expect(inRebalances + inReplays).toBe(kills);

      const ends = await log.ends();
      const targets = Object.fromEntries([...ends].map(([partition, end]) => [partition, String(end)]));
      await search.until('everything indexed', (progress) => passed(progress, targets), 300_000);
      await alerting.until('everything evaluated', (progress) => passed(progress, targets), 300_000);
      await expectAlerts(ends, counts[1]?.attempts ?? 0, annotate);
      expect([await search.stop(), await alerting.stop()]).toEqual([0, 0]);
      await expectAsFresh(targets, annotate);

      const store = sqliteVersionStore({ path: group.storeFile });
      const recordEnds = await log.recordEnds(ends);
      await until(
        'everything applied by the group',
        async () => hasReached(await storedPositions(store), recordEnds),
        300_000,
      );
      for (const member of members.filter(({ joined }) => joined)) await member.leave();
      const { faults, effects } = findFaults(group.effectFile, flow.expected);
      // An effect outside of the store comes again where a kill fell between it and its version: at least once.
      const { twice, backward, examples: _, ...others } = faults;
      const { twice: _t, backward: _b, examples: _e, ...none } = noFaults;
      expect(others, JSON.stringify(faults)).toEqual(none);
      await annotate(
        `group: ${effects} effects, of them again ${twice}, of them older than before ${backward}`,
      );
      const books = await store.readBooks();
      await store.close();
      expect(booksBalance(books), JSON.stringify(books)).toBe(true);
      expect(books.applied).toBe(flow.fresh);
    } finally {
      await Promise.all(members.map((member) => member.kill()));
      await Promise.all([search.stop(), alerting.stop()]);
    }

    async function searchGroup(): Promise<string> {
      const url = await search.until('its URL', () => search.url);
      const status = (await (await fetch(`${url}/status`)).json()) as { readonly group: string };
      return status.group;
    }
  });

  async function expectAlerts(
    ends: ReadonlyMap<number, bigint>,
    alertingKills: number,
    annotate: (text: string) => unknown,
  ): Promise<void> {
    const wanted = await expectedAlerts(log, ends, flow.expected);
    const idsOf = () => {
      const ids = new Map<string, Set<string>>();
      for (const { id, body } of receiver.deliveries) {
        const alert = `${body.data.rule} ${body.data.version.id}`;
        ids.set(alert, (ids.get(alert) ?? new Set()).add(id));
      }
      return ids;
    };
    await until('every alert accepted', () => idsOf().size >= wanted.size, 180_000);
    const ids = idsOf();
    expect(new Set(ids.keys())).toEqual(wanted);
    for (const [alert, delivered] of ids) expect(delivered.size, `delivery ids of ${alert}`).toBe(1);
    expect(receiver.refused).toEqual([]);
    const repeats = receiver.deliveries.length - ids.size;
    await annotate(`${wanted.size} alerts, accepted again after a 2xx: ${repeats}`);
    expect(repeats).toBeLessThanOrEqual(alertingKills * DELIVERIES_UNDER_WAY);
  }

  async function expectAsFresh(
    targets: Record<string, string>,
    annotate: (text: string) => unknown,
  ): Promise<void> {
    const freshDir = join(dir, 'fresh');
    for (const [name, open] of [
      ['search', openSearchStore],
      ['alerting', openAlertingStore],
    ] as const) {
      const fresh = new ServiceProcess(name, freshDir, env).start();
      try {
        await until(
          `a fresh ${name} has read everything`,
          () => fresh.progress !== undefined && passed(fresh.progress, targets),
          300_000,
        );
      } finally {
        await fresh.stop();
      }
      const [killed, anew] = [open(join(dir, 'killed')), open(freshDir)];
      expect(differences(killed.tickets(), anew.tickets())).toEqual([]);
      const dump = canonicalDump(killed.tickets());
      expect(dump).toEqual(canonicalDump(anew.tickets()));
      expectAsTheLogDemands(anew);
      const [books, freshBooks] = [killed.books(), anew.books()];
      expect(freshBooks.consumed).toBe(records);
      expect(freshBooks.applied).toBe(flow.fresh);
      for (const each of [books, freshBooks]) expect(booksBalance(each), JSON.stringify(each)).toBe(true);
      expect(books.applied).toBe(flow.fresh);
      expect(books.consumed).toBeGreaterThan(records);
      await annotate(`${name}: ${dump.tickets} tickets, ${dump.sha256}; books ${JSON.stringify(books)}`);
      killed.close();
      anew.close();
    }
  }

  function expectAsTheLogDemands(store: SinkStore): void {
    const held = new Map<string, string>();
    for (const { id, stamp, digest } of store.tickets()) held.set(id, versionName(stamp, digest));
    expect(held).toEqual(new Map([...flow.expected].map(([id, names]) => [id, names.at(-1)])));
  }
});
