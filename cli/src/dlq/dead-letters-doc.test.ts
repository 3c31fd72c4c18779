import { readFileSync } from 'node:fs';
import { errorTable } from '@ticket-stream/errors';
import { expect, it } from 'vitest';

const text = readFileSync(new URL('../../../docs/dead-letters.md', import.meta.url), 'utf8');

it('docs/dead-letters.md names every code that becomes a dead letter, with the remedy of the error table', () => {
  const documented = [...text.matchAll(/^\| `([a-z_.]+)` +\| [^|]+ \| ([^|]+?) +\|$/gm)];
  const expected = Object.entries(errorTable).filter(([, { disposition }]) => disposition === 'dead_letter');
  expect(documented.map(([, code, remedy]) => [code, remedy])).toEqual(
    expected.map(([code, { remedy }]) => [code, remedy]),
  );
});
