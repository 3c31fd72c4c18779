import { join } from 'node:path';
import type { TicketChange } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import { RetryLater } from './errors.ts';
import { ticket } from './testing/log-record.ts';
import { caughtUp, groupOffsets, nameOf, testReadings } from './testing/reading.ts';
import { memoryVersionStore } from './version-store/memory.ts';
import { sqliteVersionStore } from './version-store/sqlite.ts';

const { folder, openLog, read } = testReadings();

describe('a handler', () => {
  it('never gets more than 8 MiB of values at once, unless one ticket alone is larger', async () => {
    const log = await openLog('large');
    const large = 'x'.repeat(3 * 1024 * 1024);
    await log.publish([1, 2, 3, 4, 5].map((id) => ticket(id, 100, large)));
    const sizes: number[] = [];
    const reading = await read(log, {
      until: 'end',
      handle(changes) {
        sizes.push(changes.reduce((sum, { value }) => sum + value.byteLength, 0));
      },
    });
    await reading.subscription.done;
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(reading.subscription.books().applied).toBe(5);
  });

  it('is committed part by part: what is done of a long batch shows while the rest is at work', async () => {
    const log = await openLog('parts');
    await log.publish(Array.from({ length: 2_500 }, (_, n) => ticket(n + 1, 100)));
    const work = Promise.withResolvers<void>();
    let parts = 0;
    const reading = await read(log, {
      until: 'end',
      async handle() {
        if (++parts === 2) await work.promise;
      },
    });
    await expect.poll(() => parts, { timeout: 10_000 }).toBe(2);
    await expect.poll(async () => (await groupOffsets(log)).get(0)).toBe(1_000n);
    expect(reading.subscription.positions().get(0)).toBe(1_000n);
    work.resolve();
    await reading.subscription.done;
    expect(await groupOffsets(log)).toEqual(await log.end());
  });

  it('that cannot take one ticket now holds up its partition, in order, and no other', async () => {
    const log = await openLog('one-partition', 2);
    const ids = Array.from({ length: 20 }, (_, n) => n + 1);
    await log.publish(ids.map((id) => ticket(id, 100)));
    let refuses = true;
    const applied = new Map<number, string[]>();
    let partitionHeldUp = -1;
    const reading = await read(log, {
      handle(changes) {
        const held = changes.find(({ ticketId }) => ticketId === '1');
        if (held !== undefined && refuses) {
          partitionHeldUp = held.version.place.partition;
          throw new RetryLater('its tenant is in maintenance', { context: { ticketId: '1' } });
        }
        const partition = changes[0]?.version.place.partition ?? -1;
        applied.set(partition, [...(applied.get(partition) ?? []), ...changes.map(nameOf)]);
      },
    });
    await expect.poll(() => partitionHeldUp, { timeout: 10_000 }).toBeGreaterThanOrEqual(0);
    const other = 1 - partitionHeldUp;
    await log.publish(ids.map((id) => ticket(id, 101)));
    await expect
      .poll(() => (applied.get(other) ?? []).filter((name) => name.endsWith('@101')).length, {
        timeout: 10_000,
      })
      .toBeGreaterThan(0);
    expect(applied.get(partitionHeldUp)).toBeUndefined();
    expect(reading.waits.at(-1)).toBe(`partition ${partitionHeldUp} (sink.unavailable)`);
    refuses = false;
    await expect.poll(() => reading.subscription.books().applied, { timeout: 20_000 }).toBe(40);
    const names = applied.get(partitionHeldUp) ?? [];
    expect(names.slice(0, names.length / 2).every((name) => name.endsWith('@100'))).toBe(true);
    expect(new Set(names).size).toBe(names.length);
    expect(reading.waits.at(-1)).toBeUndefined();
    await caughtUp(reading);
    expect(reading.subscription.books()).toEqual({ ...emptyBooks, consumed: 40, applied: 40 });
  });

  it('that cannot take one ticket now gets nothing that lies after it in its batch, and all of it in the end', async () => {
    const log = await openLog('rest-of-batch');
    await log.publish(Array.from({ length: 2_500 }, (_, n) => ticket(n + 1, 100)));
    const applied: bigint[] = [];
    let refusals = 0;
    const reading = await read(log, {
      until: 'end',
      handle(changes) {
        if (changes.some(({ ticketId }) => ticketId === '1') && refusals < 3) {
          refusals++;
          throw new RetryLater('its tenant is in maintenance', { context: { ticketId: '1' } });
        }
        applied.push(...changes.map(({ version }) => version.place.offset));
      },
    });
    await reading.subscription.done;
    expect(refusals).toBe(3);
    expect(applied).toEqual(Array.from({ length: 2_500 }, (_, n) => BigInt(n)));
  });
});

describe('a subscription whose store keeps tickets', () => {
  it('tells what changed, also after a restart', async () => {
    const log = await openLog('changed');
    const path = join(folder, 'changed.sqlite');
    const told: unknown[] = [];
    const handle = (changes: readonly TicketChange[]) => {
      for (const { ticketId, previous, changed } of changes)
        told.push([ticketId, previous?.['subject'], changed]);
    };
    await log.publish([ticket(1, 100, 'first'), ticket(1, 101, 'second', { tags: ['a'] })]);
    const first = await read(log, {
      versions: sqliteVersionStore({ path, keepTickets: true }),
      handle,
      until: 'end',
    });
    await first.subscription.done;
    await first.versions.close();
    await log.publish([ticket(1, 102, 'second', { tags: ['b'] })]);
    const second = await read(log, {
      versions: sqliteVersionStore({ path, keepTickets: true }),
      handle,
      until: 'end',
    });
    await second.subscription.done;
    await second.versions.close();
    expect(told).toEqual([
      ['1', undefined, ['id', 'subject']],
      ['1', 'first', ['subject', 'tags']],
      ['1', 'second', ['tags']],
    ]);
  });

  it('may leave out what only the system touched; one whose store keeps none is refused', async () => {
    const log = await openLog('system');
    await log.publish([
      ticket(1, 100, 'a', { updated_at: 't1' }),
      ticket(1, 101, 'b', { updated_at: 't1' }),
      ticket(1, 102, 'c', { updated_at: 't2' }),
    ]);
    const versions = memoryVersionStore({ keepTickets: true });
    const reading = await read(log, { versions, excludeSystemUpdates: true, until: 'end' });
    await reading.subscription.done;
    expect(reading.applied).toEqual(['1@100', '1@102']);
    expect(reading.subscription.books()).toMatchObject({ consumed: 3, applied: 2, skipped: 1 });
    await expect(read(log, { excludeSystemUpdates: true })).rejects.toMatchObject({ code: 'config.invalid' });
  });
});
