import { fc, test } from '@fast-check/vitest';
import { expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from './export-cursor.ts';

it('has the form that recordings have', () => {
  expect(encodeCursor({ second: 1_695_052_663, id: 28 })).toBe('MTY5NTA1MjY2My4wfHwyOHw=');
});

test.prop([fc.nat({ max: 4_294_967_295 }), fc.nat()])('comes back as it went out', (second, id) => {
  expect(decodeCursor(encodeCursor({ second, id }))).toEqual({ second, id });
});

it.each(['', 'abc', 'MTY5NTA1MjY2My4wfHwyOHw', 'MTY5NTA1MjY2My4wfHwyOHw==', '1695052663.0||28|'])(
  'is nothing else: "%s"',
  (cursor) => {
    expect(decodeCursor(cursor)).toBeUndefined();
  },
);
