import { fc, test } from '@fast-check/vitest';
import type { LogRecord } from '@ticket-stream/kafka';
import type { TicketVersion } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import { decideBatch, decodeRecord } from './dedupe.ts';
import { logRecord, ticket } from './testing/log-record.ts';
import { memoryVersionStore } from './version-store/memory.ts';
import type { VersionStore } from './version-store/version-store.ts';

const record = (offset: number, id: number, stamp: number, content: string): LogRecord =>
  logRecord(ticket(id, stamp, content), offset);

const outcomes = (records: LogRecord[], stored = new Map<string, TicketVersion>()) =>
  decideBatch(records.map(decodeRecord), stored).map(({ outcome }) => outcome);

describe('a batch', () => {
  it('is decided record by record, each seeing the ones before it', () => {
    expect(
      outcomes([
        record(0, 1, 10, 'a'),
        record(1, 1, 10, 'a'),
        record(2, 1, 10, 'b'),
        record(3, 1, 9, 'c'),
        record(4, 2, 1, 'a'),
      ]),
    ).toEqual(['fresh', 'duplicate', 'fresh', 'stale', 'fresh']);
  });

  it('sets aside what cannot be read, and still applies a later version of that ticket', () => {
    const good = record(2, 1, 12, 'c');
    const noHeaders: LogRecord = { ...record(0, 1, 10, 'a'), headers: undefined };
    const noJson: LogRecord = { ...record(1, 1, 11, 'b'), value: Buffer.from('{"id":1') };
    const noValue: LogRecord = { ...record(3, 1, 13, 'd'), value: null };
    const otherTicket: LogRecord = { ...record(4, 1, 14, 'e'), value: Buffer.from('{"id":2}') };
    expect(outcomes([noHeaders, noJson, good, noValue, otherTicket])).toEqual([
      'deadLetter',
      'deadLetter',
      'fresh',
      'deadLetter',
      'deadLetter',
    ]);
  });

  it('sets aside a value nested deeper than the stack, whose exact id cannot be read', () => {
    const id = '9007199254740993';
    const levels = 20_000;
    const deep: LogRecord = {
      ...record(0, 1, 10, 'a'),
      key: Buffer.from(id),
      value: Buffer.from(`{"id":${id},"deep":${'['.repeat(levels)}${']'.repeat(levels)}}`),
    };
    expect(decideBatch([decodeRecord(deep)], new Map())).toMatchObject([
      { outcome: 'deadLetter', error: { code: 'record.invalid_value' } },
    ]);
  });

  it('does not parse the value of a repeat', () => {
    const broken: LogRecord = { ...record(1, 1, 10, 'a'), value: Buffer.from('not JSON') };
    expect(outcomes([record(0, 1, 10, 'a'), broken])).toEqual(['fresh', 'duplicate']);
  });

  const logs = fc.array(
    fc.record({
      id: fc.integer({ min: 1, max: 4 }),
      stamp: fc.integer({ min: 1, max: 5 }),
      content: fc.constantFrom('a', 'b'),
    }),
    { maxLength: 40 },
  );
  test.prop([logs, fc.array(fc.nat(40), { maxLength: 6 })])(
    'gives the same applied versions however the log is cut into batches',
    (log, cuts) => {
      const records = log.map(({ id, stamp, content }, offset) => record(offset, id, stamp, content));
      const run = (boundaries: number[]) => {
        const stored = new Map<string, TicketVersion>();
        const applied: bigint[] = [];
        const edges = [0, ...boundaries.toSorted((a, b) => a - b), records.length];
        for (let i = 1; i < edges.length; i++) {
          for (const decision of decideBatch(
            records.slice(edges[i - 1], edges[i]).map(decodeRecord),
            stored,
          )) {
            if (decision.outcome !== 'fresh') continue;
            stored.set(decision.event.ticketId, decision.version);
            applied.push(decision.record.offset);
          }
        }
        return applied;
      };
      expect(run(cuts)).toEqual(run([]));
    },
  );

  test.prop([logs, fc.array(fc.record({ upTo: fc.nat(40), backTo: fc.nat(40) }), { maxLength: 8 })])(
    'leaves the same versions in the store however often the log is read again from an earlier place',
    async (log, rewinds) => {
      const records = log.map(({ id, stamp, content }, offset) => record(offset, id, stamp, content));
      const apply = async (store: VersionStore, batch: LogRecord[]) => {
        const ids = [...new Set(log.map(({ id }) => String(id)))];
        const decisions = decideBatch(batch.map(decodeRecord), await store.readVersions(ids));
        const versions = new Map<string, TicketVersion>();
        for (const decision of decisions) {
          if (decision.outcome === 'fresh') versions.set(decision.event.ticketId, decision.version);
        }
        await store.record({ versions, positions: [], books: emptyBooks }, () => {});
        return store.readVersions(ids);
      };
      const store = memoryVersionStore();
      let position = 0;
      for (const { upTo, backTo } of rewinds) {
        // On to some place, then back to one not beyond it: a crash before the commit, a rebalance, a replay.
        const end = Math.max(position, Math.min(upTo, records.length));
        await apply(store, records.slice(position, end));
        position = Math.min(backTo, end);
      }
      expect(await apply(store, records.slice(position))).toEqual(await apply(memoryVersionStore(), records));
    },
  );
});
