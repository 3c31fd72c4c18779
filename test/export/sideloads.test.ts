/** Sideloads travel in a ticket's value, where they can be cut out again, and make no other version of it. */
import { consoleConsume } from '@ticket-stream/dev-stack/testing';
import { ticketDigest, withoutEmbedded } from '@ticket-stream/ticket';
import { describe, it } from 'vitest';
import { until } from '../support/condition.ts';
import { createSystem, type System } from '../support/system.ts';

interface Value {
  readonly requester_id: number;
  readonly group_id: number | null;
  readonly _embedded?: Readonly<Record<string, readonly { readonly id: number }[]>>;
}

async function records({ brokers, topic }: System) {
  const found: { readonly id: string; readonly value: Buffer; readonly digest: string }[] = [];
  for await (const { key, value, headers } of consoleConsume({ brokers, topic })) {
    const digest = headers.find(([name]) => name === 'ce_digest')?.[1]?.toString() ?? '';
    found.push({ id: key?.toString() ?? '', value: value ?? Buffer.alloc(0), digest });
  }
  return found;
}

const live = (system: System) => system.producer.until('live', ({ stage }) => stage === 'live');

describe.for(['time', 'cursor'] as const)('sideloads by %s', (mode) => {
  it('come with their ticket; without them its bytes are what Zendesk sent', async ({ expect }) => {
    await using system = await createSystem({
      name: `sideloads-${mode}`,
      simulator: { tickets: 120, frozen: true },
      env: { EXPORT_MODE: mode, EXPORT_PER_PAGE: '50', EXPORT_INCLUDE: 'users,groups' },
    });
    system.producer.start();
    await live(system);
    const found = await until('all of them', async () => {
      const all = await records(system);
      return all.length === 120 && all;
    });
    for (const { id, value, digest } of found) {
      const bare = withoutEmbedded(value);
      expect(bare.toString(), `ticket ${id}`).toBe(system.simulator.ticket(Number(id)));
      expect(ticketDigest(bare)).toBe(digest);
      const {
        _embedded: embedded,
        requester_id: requester,
        group_id: group,
      } = JSON.parse(value.toString()) as Value;
      expect(embedded?.['users']?.map((user) => user.id)).toContain(requester);
      if (group !== null) expect(embedded?.['groups']?.map(({ id: each }) => each)).toEqual([group]);
    }
  });
});

it('switched on between two runs, they write no ticket a second time', async ({ expect }) => {
  await using system = await createSystem({
    name: 'sideloads-later',
    simulator: { tickets: 60, burst: 20, frozen: true },
    env: { EXPORT_PER_PAGE: '50' },
  });
  system.producer.start();
  await live(system);
  await system.producer.stop();
  system.producer.start({ EXPORT_INCLUDE: 'users' });
  await live(system);
  expect(system.producer.progress?.published).toBe(0);
  expect(await records(system)).toHaveLength(60);
});
