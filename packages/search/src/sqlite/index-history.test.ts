import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { parseQuery } from '../query-language/parse-query.ts';
import { change, put } from '../testing/test-index.ts';
import { openSqliteIndex } from './sqlite-index.ts';

const words = ['printer', 'scanner', 'plotter', '返金'];
const version = fc.record({
  id: fc.integer({ min: 1, max: 8 }),
  word: fc.constantFrom(...words),
  tag: fc.constantFrom('vip', 'gold', 'a-b'),
  deleted: fc.boolean(),
});

// FTS5 without content is told what to take out by row alone: a wrong row would leave words behind for ever, unseen by
// any test that looks at one ticket.
test.prop([fc.array(fc.array(version, { maxLength: 12 }), { maxLength: 12 })], { numRuns: 60 })(
  'whatever tickets were before, each is found by what it is now, and by nothing else',
  async (batches) => {
    const folder = mkdtempSync(join(tmpdir(), 'ticket-stream-index-'));
    const index = openSqliteIndex(join(folder, 'search', 'index.sqlite'));
    try {
      const now = new Map<string, (typeof batches)[number][number]>();
      for (const batch of batches) {
        for (const each of batch) now.set(String(each.id), each);
        await put(
          index,
          batch.map(({ id, word, tag, deleted }) =>
            change(String(id), { subject: word, tags: [tag], ...(deleted ? { status: 'deleted' } : {}) }),
          ),
        );
      }
      const find = async (text: string, deleted: boolean) => {
        const answer = await index.search(parseQuery(text), {
          limit: 100,
          deleted,
          nowSecond: 1_772_000_000,
        });
        expect(answer.total).toBe(answer.hits.length);
        return new Set(answer.hits.map((hit) => hit.ticketId));
      };
      const expected = (is: (each: (typeof batches)[number][number]) => boolean) =>
        new Set([...now].filter(([, each]) => is(each)).map(([id]) => id));
      for (const word of words) {
        expect(await find(word, true)).toEqual(expected((each) => each.word === word));
        expect(await find(word, false)).toEqual(expected((each) => each.word === word && !each.deleted));
        expect(await find(`-${word} tags:vip`, false)).toEqual(
          expected((each) => each.word !== word && each.tag === 'vip' && !each.deleted),
        );
      }
      expect(await find('', true)).toEqual(new Set(now.keys()));
      expect(await index.count()).toBe(now.size);
    } finally {
      await index.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
