import { expect, it } from 'vitest';
import { textTable } from './table.ts';

it('columns are as wide as their widest cell, numbers at the right, lines without an end of spaces', () => {
  expect(
    textTable(
      [
        ['NAME', 'N', ''],
        ['a', '10', 'x'],
        ['longer', '9'],
      ],
      [1],
    ),
  ).toEqual(['NAME     N', 'a       10  x', 'longer   9']);
  expect(textTable([])).toEqual([]);
});

it('a table has as many rows as a topic may have letters', () => {
  const rows = Array.from({ length: 500_000 }, (_, at) => [String(at), 'x']);
  expect(textTable(rows).at(-1)).toBe('499999  x');
});
