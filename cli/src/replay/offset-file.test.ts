import { fc, it as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { formatOffsets, parseOffsets, readOffsetFile } from './offset-file.ts';

const wanted = { topic: 'tickets', group: 'billing', flag: '--from-file x.csv' };
const refusal = (message: string) =>
  expect.objectContaining({ code: 'config.invalid', message: expect.stringContaining(message) });

describe('a file of offsets', () => {
  property.prop([
    fc.uniqueArray(fc.tuple(fc.integer({ min: 0, max: 100_000 }), fc.bigInt(0n, 2n ** 63n - 1n)), {
      minLength: 1,
      selector: ([partition]) => partition,
    }),
  ])('is read as it was written', (offsets) => {
    expect([...parseOffsets(formatOffsets('tickets', offsets), wanted)]).toEqual(offsets);
  });

  it('has the group in front where several were exported; lines of others are left out', () => {
    const text = 'billing,tickets,0,5\nothers,tickets,0,7\n"billing","tickets",1,6\r\n\n';
    expect([...parseOffsets(text, wanted)]).toEqual([
      [0, 5n],
      [1, 6n],
    ]);
  });

  it('says of which groups it is where it is of none that is asked for', () => {
    expect(() => parseOffsets('others,tickets,0,7', wanted)).toThrow(refusal('billing; it has others'));
    expect(() => parseOffsets('', wanted)).toThrow(refusal('no line for the group billing'));
  });

  it.each([
    ['tickets,0', 'line 1 has 2 fields'],
    ['tickets,0,5\ntickets,one,5', 'line 2: one is no partition'],
    ['tickets,0,-1', '-1 is no offset'],
    ['tickets,0,9223372036854775808', 'is no offset'],
    ['orders,0,5', 'line 1 is of topic orders'],
  ])('%j is refused, with the line', (text, message) => {
    expect(() => parseOffsets(text, wanted)).toThrow(refusal(message));
  });

  it('says so where it cannot be read', () => {
    expect(() => readOffsetFile('/no/such/file', wanted)).toThrow(refusal('cannot be read'));
  });
});
