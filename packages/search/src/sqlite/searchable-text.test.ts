import { DatabaseSync } from 'node:sqlite';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it, onTestFinished } from 'vitest';
import { searchableText, tagMark, textPhrase } from './searchable-text.ts';

function textIndex(text: string) {
  const db = new DatabaseSync(':memory:');
  onTestFinished(() => db.close());
  db.exec(
    `CREATE VIRTUAL TABLE t USING fts5(x, content='', contentless_delete=1,
       tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'")`,
  );
  db.prepare('INSERT INTO t(rowid, x) VALUES (1, ?)').run(searchableText(text));
  const ask = db.prepare('SELECT count(*) AS n FROM t WHERE t MATCH ?');
  return (query: string, prefix = false) => {
    const phrase = textPhrase(query, prefix);
    return phrase !== undefined && ask.get(phrase)?.['n'] === 1;
  };
}

describe('searchable text', () => {
  it.each([
    ['注文の返金をお願いします', '返金'],
    ['注文の返金をお願いします', '返'],
    ['ｶﾞｽ料金', 'ガス'],
    ['東京タワー refund', 'タワー'],
    ['我想申请退款。谢谢', '退款'],
    ['ฉันต้องการเงินคืน', 'เงินคืน'],
    ['환불이 아직 안 왔어요', '환불'],
    ['Ｒｅｆｕｎｄ', 'refund'],
    ['cafe\u0301', 'café'],
    ['CAFÉ', 'cafe'],
    ['हिन्दी में लिखा', 'हिन्दी'],
    ['Ich möchte eine Rückerstattung', 'ruckerstattung'],
    ['refunded twice', 'refunds'],
    ['my e-mail: anna@example.com', 'anna@example.com'],
    ['order #4711', '#4711'],
  ])('finds in %s the word %s', (text, query) => {
    expect(textIndex(text)(query)).toBe(true);
  });

  it('keeps the order of a phrase', () => {
    const found = textIndex('not happy with 東京タワー の refund');
    expect(found('not happy')).toBe(true);
    expect(found('happy not')).toBe(false);
    expect(found('東京タワー の refund')).toBe(true);
    expect(found('京都')).toBe(false);
    expect(found('東タ')).toBe(false);
    expect(found('refu')).toBe(false);
    expect(found('refu', true)).toBe(true);
  });

  it('does not take text for a tag', () => {
    expect(searchableText(`text ${tagMark('vip')}`)).not.toContain(tagMark('vip'));
  });

  const letters = fc.string({
    unit: fc.constantFrom(...'東京都返金退款をお願いガスー谢คืนเงต้환불이ກາ'),
    minLength: 1,
    maxLength: 12,
  });
  test.prop([letters, fc.nat(), fc.nat()], { numRuns: 300 })(
    'finds every piece of a run of letters that are written without blanks',
    (run, from, length) => {
      const normal = [...run.normalize('NFKC')];
      const start = from % normal.length;
      const query = normal.slice(start, start + 1 + (length % (normal.length - start))).join('');
      // A mark alone is not something a person can search for.
      fc.pre(/[\p{L}\p{N}]/u.test(query));
      expect(textIndex(`refund ${run} ok`)(query)).toBe(true);
    },
  );

  test.prop([fc.string({ unit: 'binary', maxLength: 30 })], { numRuns: 500 })(
    'makes a phrase that FTS5 takes of any text',
    (text) => {
      expect(typeof textIndex('anything')(text)).toBe('boolean');
    },
  );

  test.prop([fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })], { numRuns: 300 })(
    'gives every tag one word that the tokenizer leaves whole',
    (tag) => {
      const db = new DatabaseSync(':memory:');
      try {
        db.exec(
          `CREATE VIRTUAL TABLE t USING fts5(x, tokenize="porter unicode61 remove_diacritics 2 categories 'L* N* Co M*'");
           CREATE VIRTUAL TABLE v USING fts5vocab(t, 'instance')`,
        );
        db.prepare('INSERT INTO t VALUES (?)').run(tagMark(tag));
        expect(db.prepare('SELECT term FROM v').all()).toEqual([{ term: tagMark(tag) }]);
      } finally {
        db.close();
      }
    },
  );
});
