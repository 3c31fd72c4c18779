import { fc, it as property } from '@fast-check/vitest';
import type { LetterRow } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { letterRow } from '../testing/letter-row.ts';
import { inLogOrder } from './retry-order.ts';

interface Place {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

function ofRecord({ group, topic, partition, offset }: Place, firstAtMs: number): LetterRow {
  return letterRow({
    key: `${group}/${topic}/${partition}/${offset}`,
    firstAtMs,
    origin: { kind: 'record', group, topic, partition, offset, recordKey: null },
  });
}

function ofExport(ticketId: string, firstAtMs: number): LetterRow {
  const origin = { kind: 'export', source: 'https://acme.zendesk.com', startTime: 1 } as const;
  return letterRow({ key: ticketId, ticketId, firstAtMs, origin });
}

const letters = fc.uniqueArray(
  fc.oneof(
    {
      weight: 9,
      arbitrary: fc
        .record({
          group: fc.constantFrom('search', 'alerting'),
          topic: fc.constantFrom('tickets', 'others'),
          partition: fc.nat(2),
          offset: fc.bigInt({ min: 0n, max: 30n }),
          firstAtMs: fc.nat(30),
        })
        .map(({ firstAtMs, ...place }) => ofRecord(place, firstAtMs)),
    },
    {
      weight: 1,
      arbitrary: fc
        .record({ id: fc.nat(9), firstAtMs: fc.nat(30) })
        .map(({ id, firstAtMs }) => ofExport(String(id), firstAtMs)),
    },
  ),
  { selector: ({ key }) => key, maxLength: 30 },
);

/** What one reader takes from one partition. */
const readTogether = ({ origin, key }: LetterRow): string =>
  origin?.kind === 'record' ? `${origin.group}/${origin.topic}/${origin.partition}` : key;

const offsetOf = ({ origin }: LetterRow): bigint => (origin?.kind === 'record' ? origin.offset : 0n);

describe('the order in which letters are tried again', () => {
  property.prop([letters])('is that of the log in what a group reads of a partition', (rows) => {
    const ordered = inLogOrder(rows);
    expect(new Set(ordered)).toEqual(new Set(rows));
    for (const offsets of Map.groupBy(ordered, readTogether).values()) {
      const found = offsets.map(offsetOf);
      expect(found).toEqual(found.toSorted((a, b) => (a < b ? -1 : 1)));
    }
  });

  it('begins with what was set aside first', () => {
    const search = (offset: bigint, ms: number) =>
      ofRecord({ group: 'search', topic: 'tickets', partition: 1, offset }, ms);
    const alerting = ofRecord({ group: 'alerting', topic: 'tickets', partition: 1, offset: 6n }, 40);
    const rows = [ofExport('9', 50), search(8n, 30), alerting, search(7n, 60), ofExport('8', 20)];
    expect(inLogOrder(rows).map(({ key }) => key)).toEqual([
      '8',
      'search/tickets/1/7',
      'search/tickets/1/8',
      'alerting/tickets/1/6',
      '9',
    ]);
  });
});
