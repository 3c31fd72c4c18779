import { describe, expect, it } from 'vitest';
import { canonicalDump, differences, type SinkTicket } from './sink-store.ts';

const ticket = (id: string, more: Partial<SinkTicket> = {}): SinkTicket => ({
  id,
  document: Buffer.from(`{"id":${id}}`),
  stamp: 100n,
  digest: 'a',
  ...more,
});
const held = [ticket('1'), ticket('2'), ticket('3')];

describe('what two sinks hold', () => {
  it('is the same where every ticket is', () => {
    expect(differences(held, [...held])).toEqual([]);
    expect(canonicalDump([...held])).toEqual(canonicalDump(held));
    expect(canonicalDump(held).tickets).toBe(3);
  });

  it.each<[string, readonly SinkTicket[], string]>([
    [
      'a document by one byte',
      [ticket('1'), ticket('2', { document: Buffer.from('{"id":9}') }), ticket('3')],
      '2: ',
    ],
    ['a stamp', [ticket('1'), ticket('2'), ticket('3', { stamp: 101n })], '3: '],
    ['a digest', [ticket('1', { digest: 'b' }), ticket('2'), ticket('3')], '1: '],
    ['a ticket less at the end', [ticket('1'), ticket('2')], '3: only here'],
    ['a ticket less at the beginning', [ticket('2'), ticket('3')], '1: only here'],
    ['a ticket more', [...held, ticket('4')], '4: only there'],
  ])('differs where the other has %s', (_what, other, found) => {
    expect(differences(held, other)).toEqual([expect.stringContaining(found)]);
    expect(canonicalDump(other)).not.toEqual(canonicalDump(held));
  });
});
