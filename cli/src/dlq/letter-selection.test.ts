import { letterHash } from '@ticket-stream/kafka';
import { expect, it } from 'vitest';
import { letterRow } from '../testing/letter-row.ts';
import { namedLetters } from './letter-selection.ts';

it('several letters of one beginning are named, their keys as nothing but text', () => {
  const byBeginning = new Map<string, string>();
  for (let at = 0; ; at++) {
    const key = `group\u001b[2J\u202e/tickets/0/${at}`;
    const beginning = letterHash(key).slice(0, 4);
    const other = byBeginning.get(beginning);
    byBeginning.set(beginning, key);
    if (other === undefined) continue;
    const rows = [other, key].map((each) => letterRow({ key: each, id: letterHash(each).slice(0, 8) }));
    const keyOf = (each: string) => each.replace('\u001b', ' ').replace('\u202e', ' ');
    const [one, two] = rows.map((row) => `${letterHash(row.key).slice(0, 16)} (${keyOf(row.key)})`);
    expect(() => namedLetters(rows, [beginning])).toThrow(
      `${beginning} begins the ids of 2 letters: ${one}, ${two}`,
    );
    return;
  }
});
