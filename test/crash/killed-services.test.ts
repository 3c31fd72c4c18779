/**
 * The claim under kill -9: nothing missing, no committed copy, the index equal to the account's last versions, every
 * alert accepted under one delivery id for ever. A kill comes only when its process was shown to be at work on records
 * since it started. Small in CI; `npm run crash -- --kills 20 --tickets 20000 --alerts 50` is the campaign.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { copies, readCommitted } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { search, storedDocument } from '../support/search-api.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { passed, type ServiceProcess } from '../support/service-process.ts';
import { createSystem, type System } from '../support/system.ts';
import { startWebhookReceiver } from '../support/webhook-receiver.ts';

const settings = {
  seed: Number(process.env['CRASH_SEED'] ?? Date.now() % 1_000_000),
  kills: Number(process.env['CRASH_KILLS'] ?? 5),
  tickets: Number(process.env['CRASH_TICKETS'] ?? 5_000),
  alerts: Number(process.env['CRASH_ALERTS'] ?? 12),
};
const SECRET = `whsec_${Buffer.from('a secret of twenty-four b').toString('base64')}`;

/** Work done by this life of the process: what a kill must fall into. */
function worked(service: System['producer'] | System['search'] | System['alerting']): number {
  const { progress } = service;
  if (progress === undefined) return 0;
  return progress.service === 'producer' ? progress.pages : progress.books.consumed;
}

/** Kills and starts again, `kills` times, each time at a random moment after new work was seen. */
async function killWhileWorking(
  service: System['producer'] | System['search'] | System['alerting'],
  kills: number,
  random: () => number,
  workLeft: () => boolean,
): Promise<number> {
  let counted = 0;
  while (counted < kills && workLeft()) {
    const busy = await until(
      `${service.name} at work`,
      () => worked(service) > 0 || !workLeft(),
      120_000,
    ).then(() => worked(service) > 0);
    if (!busy) break;
    await wait(Math.floor(random() * 250));
    await service.kill();
    counted++;
    service.start();
  }
  return counted;
}

describe(`killed with -9, seed ${settings.seed}`, () => {
  it('a backfill loses nothing, commits nothing twice, and ends in the same index', async ({ annotate }) => {
    const { seed, kills, tickets } = settings;
    const random = seededRandom(seed);
    await using system = await createSystem({
      name: 'crash',
      simulator: { tickets, seed, frozen: true },
      // Small pages at a slow pace, so that the backfill lasts as long as the kills do: five seconds each.
      env: {
        EXPORT_PER_PAGE: String(Math.max(10, Math.floor(tickets / (kills * 25)))),
        EXPORT_REQUESTS_PER_MINUTE: '300',
      },
    });
    const { producer, search: searchService, alerting, simulator } = system;
    for (const service of [producer, searchService, alerting]) service.start();
    const backfilling = () => producer.progress?.stage !== 'live';
    const producerKills = killWhileWorking(producer, kills, random, backfilling);
    const sinkKills = [searchService, alerting].map((service) =>
      killWhileWorking(service, kills, random, backfilling),
    );
    const counted = [await producerKills, ...(await Promise.all(sinkKills))];
    await producer.until('live', ({ stage }) => stage === 'live', 300_000);
    await annotate(`kills while at work: producer, search, alerting = ${counted.join(', ')}`);
    expect(counted).toEqual([kills, kills, kills]);
    const targets = producer.progress?.nextOffsets ?? {};
    await searchService.until('everything indexed', (progress) => passed(progress, targets));
    await alerting.until('everything evaluated', (progress) => passed(progress, targets));

    const log = await readCommitted(system.brokers, system.topic);
    expect(copies(log)).toEqual([]);
    const last = new Map(
      [...simulator.latest()].filter(({ visible }) => visible).map((each) => [String(each.id), each]),
    );
    expect(new Set(log.map(({ ticketId }) => ticketId))).toEqual(new Set(last.keys()));
    for (const { ticketId, digest } of log) expect(last.get(ticketId)?.digest).toBe(digest);
    await expectIndexToEqual(searchService, last);
  });

  it('live alerts are each accepted, each under one id for ever', async ({ annotate }) => {
    const { seed, kills, alerts } = settings;
    const random = seededRandom(seed + 1);
    // No alert is accepted the first time, so that each has to come again, across whatever is killed meanwhile.
    await using receiver = await startWebhookReceiver(SECRET, { dropsFirst: true });
    await using system = await createSystem({
      name: 'crash-live',
      simulator: { tickets: 500, seed },
      env: { ALERT_WEBHOOK_URL: receiver.url, ALERT_WEBHOOK_SECRET: SECRET },
    });
    const { producer, search: searchService, alerting, simulator } = system;
    for (const service of [producer, searchService, alerting]) service.start();
    await producer.until('live', ({ stage }) => stage === 'live');
    await searchService.until('caught up', ({ caughtUp, books }) => caughtUp && books.consumed >= 500);
    await alerting.until('caught up', ({ caughtUp, books }) => caughtUp && books.consumed >= 500);

    const candidates = Array.from(
      { length: alerts },
      () => simulator.create({ status: 'open', priority: 'normal' }).id,
    );
    await alerting.until('the tickets before their change', ({ books }) => books.applied >= 500 + alerts);

    let raising = true;
    const killing = [producer, searchService, alerting].map((service) =>
      killWhileWorking(service, kills, random, () => raising),
    );
    for (const id of candidates) {
      simulator.change(id, { priority: 'urgent' });
      await wait(Math.floor(random() * 2_000));
    }
    const accepted = () =>
      new Set(
        receiver.deliveries
          .filter(({ body }) => candidates.includes(Number(body.data.ticket.id)))
          .map(({ body }) => Number(body.data.ticket.id)),
      );
    await until('every alert accepted', () => accepted().size === alerts, 180_000);
    raising = false;
    const counted = await Promise.all(killing);

    const idsOf = new Map<number, Set<string>>();
    for (const { id, body } of [...receiver.dropped, ...receiver.deliveries]) {
      const ticket = Number(body.data.ticket.id);
      idsOf.set(ticket, (idsOf.get(ticket) ?? new Set()).add(id));
    }
    for (const id of candidates) expect(idsOf.get(id)?.size, `delivery ids of ticket ${id}`).toBe(1);
    const repeats = receiver.deliveries.length - new Set(receiver.deliveries.map(({ id }) => id)).size;
    await annotate(
      `kills while at work: producer, search, alerting = ${counted.join(', ')}; accepted again after a 2xx: ${repeats}`,
    );
    // A repeat needs a kill of alerting between an answer and its record; each kill has few answers in flight.
    expect(repeats).toBeLessThanOrEqual((counted[2] ?? 0) * 8);
    expect(receiver.refused).toEqual([]);
    for (const each of counted) expect(each).toBeGreaterThanOrEqual(1);
  });
});

async function expectIndexToEqual(
  service: ServiceProcess<'search'>,
  last: ReadonlyMap<string, { readonly digest: string; readonly status: string }>,
): Promise<void> {
  const url = service.url ?? '';
  for (const [id, { digest }] of last) {
    const document = await storedDocument(url, id);
    expect(document?.version.digest, `ticket ${id} in the index`).toBe(digest);
  }
  const answer = await search(url, 'status<=closed', 1);
  const found = [...last.values()].filter(({ status }) => status !== 'deleted');
  expect(answer.total).toBe(found.length);
  expect(service.progress?.indexed).toBe(last.size);
}
