import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { TicketVersion } from '@ticket-stream/ticket';
import { expect, it } from 'vitest';
import { addBooks, type Books, emptyBooks } from '../books.ts';
import type { StoredPosition, StoreStep, VersionStore } from './version-store.ts';

const logId = '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b';

export const versionOf = (stamp: number, offset: bigint): TicketVersion => ({
  stamp,
  digest: String(stamp).padStart(32, '0'),
  place: { logId, partition: 3, offset },
});

const positionAt = (partition: number, nextOffset: bigint): StoredPosition => ({
  partition,
  logId,
  nextOffset,
});

export function stepOf(
  versions: Record<string, TicketVersion>,
  positions: readonly StoredPosition[],
  books: Partial<Books> = {},
): StoreStep {
  return { versions: new Map(Object.entries(versions)), positions, books: { ...emptyBooks, ...books } };
}

/** What the consumer loop relies on, whatever keeps the versions. */
export function versionStoreContract(openStore: () => VersionStore): void {
  it('knows nothing at first', async () => {
    const store = openStore();
    expect(await store.readPositions()).toEqual([]);
    expect(await store.readBooks()).toEqual(emptyBooks);
    expect(await store.readVersions(['1', '2'])).toEqual(new Map());
    await store.close();
  });

  it('gives back versions, positions and books as they were recorded, 63-bit offsets included', async () => {
    const store = openStore();
    const high = 2n ** 63n - 1n;
    const books = { consumed: 6, applied: 2, duplicate: 1, stale: 1, skipped: 1, deadLettered: 1 };
    await store.record(
      stepOf(
        { '1': versionOf(100, 7n), '9223372036854775807': versionOf(200, high) },
        [positionAt(3, high)],
        books,
      ),
      () => {},
    );
    expect(await store.readVersions(['1', '9223372036854775807', '3'])).toEqual(
      new Map([
        ['1', versionOf(100, 7n)],
        ['9223372036854775807', versionOf(200, high)],
      ]),
    );
    expect(await store.readPositions()).toEqual([positionAt(3, high)]);
    expect(await store.readBooks()).toEqual(books);
    await store.close();
  });

  it('overwrites versions and positions, adds up books, and leaves the rest as it is', async () => {
    const store = openStore();
    const first = { consumed: 2, applied: 2 };
    const second = { consumed: 3, applied: 1, duplicate: 2 };
    await store.record(
      stepOf(
        { '1': versionOf(100, 0n), '2': versionOf(100, 1n) },
        [positionAt(0, 2n), positionAt(1, 9n)],
        first,
      ),
      () => {},
    );
    await store.record(stepOf({ '1': versionOf(101, 4n) }, [positionAt(0, 5n)], second), () => {});
    expect(await store.readVersions(['1', '2'])).toEqual(
      new Map([
        ['1', versionOf(101, 4n)],
        ['2', versionOf(100, 1n)],
      ]),
    );
    expect([...(await store.readPositions())].sort((a, b) => a.partition - b.partition)).toEqual([
      positionAt(0, 5n),
      positionAt(1, 9n),
    ]);
    expect(await store.readBooks()).toEqual(
      addBooks({ ...emptyBooks, ...first }, { ...emptyBooks, ...second }),
    );
    await store.close();
  });

  it('stores nothing of a step while its effect is at work, all of it when `record` returns', async () => {
    const store = openStore();
    let seen: ReadonlyMap<string, TicketVersion> | undefined;
    await store.record(stepOf({ '1': versionOf(100, 0n) }, [positionAt(0, 1n)]), async () => {
      await Promise.resolve();
      seen = await store.readVersions(['1']);
    });
    expect(seen).toEqual(new Map());
    expect(await store.readVersions(['1'])).toEqual(new Map([['1', versionOf(100, 0n)]]));
    await store.close();
  });

  it('stores nothing of a step whose effect throws, passes the error on unchanged, and can go on', async () => {
    const store = openStore();
    const refusal = new TicketStreamError('sink.unavailable', 'the sink is down');
    const step = stepOf({ '1': versionOf(100, 0n) }, [positionAt(0, 1n)], { consumed: 1, applied: 1 });
    const thrown = await store.record(step, () => Promise.reject(refusal)).catch((error: unknown) => error);
    expect(thrown).toBe(refusal);
    expect(isTicketStreamError(thrown, 'sink.unavailable')).toBe(true);
    expect(await store.readVersions(['1'])).toEqual(new Map());
    expect(await store.readPositions()).toEqual([]);
    expect(await store.readBooks()).toEqual(emptyBooks);
    await store.record(step, () => {});
    expect(await store.readBooks()).toEqual({ ...emptyBooks, consumed: 1, applied: 1 });
    await store.close();
  });
}

/** What `previous` and `changed` rest on, in a store that keeps tickets by itself. */
export function ticketKeepingContract(openStore: () => VersionStore): void {
  const withTickets = (
    versions: Record<string, TicketVersion>,
    tickets: Record<string, object>,
  ): StoreStep => ({
    ...stepOf(versions, []),
    values: new Map(Object.entries(tickets).map(([id, ticket]) => [id, Buffer.from(JSON.stringify(ticket))])),
  });

  it('gives back each ticket as it was last recorded, and none it never saw', async () => {
    const store = openStore();
    expect(await store.readTickets?.(['1'])).toEqual(new Map());
    const first = withTickets(
      { '1': versionOf(100, 0n), '2': versionOf(100, 1n) },
      { '1': { id: 1, subject: 'Ärger 🎫' }, '2': { id: 2 } },
    );
    await store.record(first, () => {});
    await store.record(withTickets({ '1': versionOf(101, 2n) }, { '1': { id: 1, tags: ['x'] } }), () => {});
    expect(await store.readTickets?.(['1', '2', '3'])).toEqual(
      new Map<string, object>([
        ['1', { id: 1, tags: ['x'] }],
        ['2', { id: 2 }],
      ]),
    );
    await store.close();
  });

  it('keeps a ticket only with its version: while an effect is at work, and after one that throws, the former', async () => {
    const store = openStore();
    await store.record(withTickets({ '1': versionOf(100, 0n) }, { '1': { id: 1, n: 1 } }), () => {});
    const next = withTickets({ '1': versionOf(101, 1n) }, { '1': { id: 1, n: 2 } });
    let during: unknown;
    const refused = store.record(next, async () => {
      during = await store.readTickets?.(['1']);
      throw new TicketStreamError('sink.unavailable', 'the sink is down');
    });
    await expect(refused).rejects.toMatchObject({ code: 'sink.unavailable' });
    expect(during).toEqual(new Map([['1', { id: 1, n: 1 }]]));
    expect(await store.readTickets?.(['1'])).toEqual(new Map([['1', { id: 1, n: 1 }]]));
    await store.close();
  });
}
