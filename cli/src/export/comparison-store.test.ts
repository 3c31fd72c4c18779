import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, it as property } from '@fast-check/vitest';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ComparisonStore, type LogVersion, openComparisonStore } from './comparison-store.ts';
import type { ShownTicket } from './shown-ticket.ts';

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'ticket-stream-compare-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

function openStore(): ComparisonStore {
  const store = openComparisonStore(folder());
  onTestFinished(() => store.close());
  return store;
}

function ticket(key: string, stamp: number, digest = 'a', more: Partial<ShownTicket> = {}): ShownTicket {
  return {
    key,
    digest,
    stamp,
    generatedSecond: stamp,
    deleted: false,
    supportType: 'agent',
    refusedBecause: undefined,
    ...more,
  };
}

function show(store: ComparisonStore, ...tickets: ShownTicket[]): void {
  store.begin();
  for (const each of tickets) store.take(each);
  store.keep();
}

/** A property runs many times in one test. */
const shared = mkdtempSync(join(tmpdir(), 'ticket-stream-compare-'));
afterAll(() => rmSync(shared, { recursive: true, force: true }));

const keys = (store: ComparisonStore) => [...store.comparisons()].map(({ key }) => key);

const aTicket = fc.record({
  key: fc.constantFrom('1', '2', '30', '9223372036854775808'),
  stamp: fc.integer({ min: 1, max: 5 }),
  digest: fc.constantFrom('a', 'b'),
});

describe('the two sides of a ticket', () => {
  property.prop([fc.array(aTicket, { maxLength: 30 }), fc.array(aTicket, { maxLength: 30 })])(
    'say held exactly when the log has the version shown last, or one of a later second',
    (shown, log) => {
      const store = openComparisonStore(shared);
      try {
        show(store, ...shown.map(({ key, stamp, digest }) => ticket(key, stamp, digest)));
        store.noteVersions(log.slice(0, 5), 'all');
        store.noteVersions(log.slice(5), 'all');
        const found = [...store.comparisons()];
        expect(new Set(found.map(({ key }) => key))).toEqual(
          new Set([...shown, ...log].map(({ key }) => key)),
        );
        for (const { key, shown: last, held, logStamp } of found) {
          const inLog = log.filter((each) => each.key === key);
          const expected = shown
            .filter((each) => each.key === key)
            .reduce<LogVersion | undefined>(
              (a, b) => (a === undefined || b.stamp >= a.stamp ? b : a),
              undefined,
            );
          expect(last?.stamp).toBe(expected?.stamp);
          expect(last?.digest).toBe(expected?.digest);
          expect(logStamp).toBe(
            inLog.length === 0 ? undefined : Math.max(...inLog.map(({ stamp }) => stamp)),
          );
          expect(held).toBe(
            expected !== undefined &&
              inLog.some(
                ({ stamp, digest }) =>
                  stamp > expected.stamp || (stamp === expected.stamp && digest === expected.digest),
              ),
          );
        }
      } finally {
        store.close();
      }
    },
  );

  it('come with ids in the order of their numbers, beyond 2^63 too', () => {
    const store = openStore();
    const ids = ['9', '10', '9007199254740993', '9999999999999999999'];
    show(store, ...ids.toReversed().map((id) => ticket(id, 5)));
    expect(keys(store)).toEqual(ids);
  });

  it('know nothing of a page that was not whole', () => {
    const store = openStore();
    show(store, ticket('1', 5));
    store.begin();
    store.take(ticket('1', 6));
    store.take(ticket('2', 6));
    store.drop();
    expect([...store.comparisons()].map(({ key, shown }) => [key, shown?.stamp])).toEqual([['1', 5]]);
  });

  it('of a sample know the log of what was shown alone', () => {
    const store = openStore();
    show(store, ticket('1', 5), ticket('2', 5));
    store.noteVersions(
      [
        { key: '1', stamp: 5, digest: 'a' },
        { key: '2', stamp: 4, digest: 'a' },
        { key: '3', stamp: 4, digest: 'a' },
      ],
      'known',
    );
    const found = [...store.comparisons()].map(({ key, held, logStamp }) => ({ key, held, logStamp }));
    expect(found).toEqual([
      { key: '1', held: true, logStamp: 5 },
      { key: '2', held: false, logStamp: 4 },
    ]);
  });

  it('are explained by the letter of the version that was shown, not by that of another', () => {
    const store = openStore();
    show(store, ticket('1', 5, 'a'), ticket('2', 5, 'a'));
    store.noteLetter({ key: '1', digest: 'a', code: 'ticket.too_large' });
    store.noteLetter({ key: '2', digest: 'b', code: 'ticket.too_large' });
    expect([...store.comparisons()].map(({ letter }) => letter)).toEqual(['ticket.too_large', undefined]);
  });
});

describe('the file', () => {
  it('leaves nothing behind, not even while it is in use', () => {
    const dataDir = folder();
    const store = openComparisonStore(dataDir);
    show(store, ...Array.from({ length: 2_000 }, (_, id) => ticket(String(id + 1), 5)));
    expect(readdirSync(dataDir)).toEqual([]);
    expect(keys(store)).toHaveLength(2_000);
    store.close();
    expect(readdirSync(dataDir)).toEqual([]);
  });

  it('that cannot be made is a clear error', () => {
    const path = join(folder(), 'a-file');
    writeFileSync(path, '');
    expect(() => openComparisonStore(path)).toThrow(
      expect.objectContaining({ code: 'store.unusable', remedy: expect.stringContaining('--data-dir') }),
    );
  });
});
