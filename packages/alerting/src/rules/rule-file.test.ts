import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TicketStreamError } from '@ticket-stream/errors';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultRuleFile } from './default-rule-file.ts';
import { loadRuleFile, parseRuleFile } from './rule-file.ts';

function places(text: string): string[] {
  const { problems } = parseRuleFile(text);
  if (problems === undefined) throw new Error('the file has no problem');
  return problems.map(({ line, column, cause }) => `${line}:${column} ${cause}`);
}

describe('a rule file', () => {
  it('gives its rules in order, with a severity of warning where none is named', () => {
    const { rules } = parseRuleFile(
      `version: 1\nrules:\n  - { name: a, when: ticket.status == 'open' }\n  - name: b c\n    when: "'x' in changed"\n    severity: error\n    summary: Look.\n`,
    );
    expect(rules?.map(({ name, severity, summary }) => [name, severity, summary])).toEqual([
      ['a', 'warning', undefined],
      ['b c', 'error', 'Look.'],
    ]);
  });

  it.each<[string, string, string[]]>([
    ['an empty file', '', ['1:1 the file must be a map with version and rules']],
    ['a list', '- a\n', ['1:1 the file must be a map with version and rules']],
    ['no rules', 'version: 1\n', ["1:1 'rules' is missing"]],
    ['an empty list', 'version: 1\nrules: []\n', ['2:8 the file has no rule']],
    ['no version', `rules:\n  - name: a\n    when: "true"\n`, ["1:1 'version' is missing"]],
    ['another version', `version: 2\nrules:\n  - name: a\n    when: "true"\n`, ['1:10 version must be 1']],
    [
      'a rule that is text',
      `version: 1\nrules:\n  - hello\n`,
      ['3:5 a rule must be a map with name and when'],
    ],
    ['a rule without condition', `version: 1\nrules:\n  - name: a\n`, ["3:5 'when' is missing"]],
    [
      'a condition that is no text',
      `version: 1\nrules:\n  - name: a\n    when: true\n`,
      ['4:11 a condition is text'],
    ],
    [
      'a field nobody knows',
      `version: 1\nrules:\n  - name: a\n    whne: x\n    when: "true"\n`,
      ["4:5 there is no field 'whne' here"],
    ],
    [
      'a severity nobody knows',
      `version: 1\nrules:\n  - name: a\n    when: "true"\n    severity: loud\n`,
      ['5:15 a severity is one of info, warning, error, critical'],
    ],
    [
      'the same name twice',
      `version: 1\nrules:\n  - name: a\n    when: "true"\n  - name: a\n    when: "true"\n`,
      ["5:11 the name 'a' is that of rule 1"],
    ],
    [
      'a syntax error of YAML',
      `version: 1\nrules:\n  - name: a\n   when: "true"\n`,
      ['4:1 Sequence item without - indicator'],
    ],
    [
      'a key twice',
      `version: 1\nrules:\n  - name: a\n    name: b\n    when: "true"\n`,
      ['4:5 Map keys must be unique'],
    ],
    [
      'two documents',
      `version: 1\nrules:\n  - name: a\n    when: "true"\n---\nversion: 1\n`,
      ['5:1 the file holds more than one document'],
    ],
  ])('with %s is refused with place and cause', (_, text, expected) => {
    expect(places(text)).toEqual(expected);
  });

  it.each([
    ['plain', `version: 1\nrules:\n  - name: a\n    when: ticket.a == 1 || nope\n`, '4:28'],
    ['plain over lines', `version: 1\nrules:\n  - name: a\n    when: ticket.a == 1\n      || nope\n`, '5:10'],
    ['double-quoted', `version: 1\nrules:\n  - name: a\n    when: "ticket.a == \\"1\\" || nope"\n`, '4:33'],
    ['single-quoted', `version: 1\nrules:\n  - name: a\n    when: 'ticket.a == ''1'' || nope'\n`, '4:33'],
    ['literal', `version: 1\nrules:\n  - name: a\n    when: |\n      ticket.a == 1\n      || nope\n`, '6:10'],
    [
      'folded',
      `version: 1\nrules:\n  - name: a\n    when: >- # why\n      ticket.a == 1\n      || nope\n`,
      '6:10',
    ],
    [
      'with CRLF',
      `version: 1\r\nrules:\r\n  - name: a\r\n    when: >-\r\n      ticket.a\r\n      || nope\r\n`,
      '6:10',
    ],
  ])('points into a condition that is a %s scalar', (_, text, place) => {
    expect(places(text)).toEqual([
      `${place} when: there is no variable 'nope'; a rule sees ticket, previous and changed`,
    ]);
  });

  it('names all its problems at once, in the order of the file', () => {
    const found = places(
      [
        'version: 3',
        'rules:',
        '  - name: "*"',
        '    when: ticket.status = 1',
        '  - when: nope',
        '    severity: loud',
        '    extra: 1',
        '',
      ].join('\n'),
    );
    expect(found.map((problem) => problem.split(' ', 1)[0])).toEqual([
      '1:10',
      '3:11',
      '4:25',
      '5:5',
      '5:11',
      '6:15',
      '7:5',
    ]);
  });

  it('takes no more than 500 rules', () => {
    const rules = Array.from({ length: 501 }, (_, at) => `  - { name: r${at}, when: "true" }`);
    expect(places(`version: 1\nrules:\n${rules.join('\n')}\n`)).toEqual(['3:3 a file has at most 500 rules']);
  });

  it('refuses aliases that unfold without end', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x]'];
    for (const [name, of] of ['ba', 'cb', 'dc', 'ed', 'fe', 'gf'].map((pair) => [...pair])) {
      bomb.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join(', ')}]`);
    }
    expect(places(`${bomb.join('\n')}\n`)[0]).toMatch(/alias/i);
  });

  describe('on disk', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'rule-file-'));
    });
    afterAll(() => rm(folder, { recursive: true }));

    it('is refused as rules.invalid with file, line and column of each problem', async () => {
      const path = join(folder, 'rules.yaml');
      await writeFile(path, 'version: 2\nrules:\n  - name: a\n    when: ticket.\n');
      const error = await loadRuleFile(path).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(TicketStreamError);
      expect(error).toMatchObject({ code: 'rules.invalid', exitCode: 2 });
      expect((error as Error).message.split('\n')).toEqual([
        `${path}:1:10: version must be 1`,
        expect.stringMatching(/:4:1\d: when: the condition is no CEL/),
      ]);
    });

    it('is refused as rules.invalid where it is not there', async () => {
      await expect(loadRuleFile(join(folder, 'nothing.yaml'))).rejects.toMatchObject({
        code: 'rules.invalid',
      });
    });

    it('is refused where it is not UTF-8: its words would match no ticket', async () => {
      const path = join(folder, 'latin1.yaml');
      const text = `version: 1\nrules:\n  - name: a\n    when: ticket.subject == 'Zoë'\n`;
      await writeFile(path, Buffer.from(text, 'latin1'));
      await expect(loadRuleFile(path)).rejects.toMatchObject({
        code: 'rules.invalid',
        message: `${path}: the rule file is not UTF-8`,
      });
      await writeFile(path, Buffer.from(`\ufeff${text}`, 'utf8'));
      expect(await loadRuleFile(path)).toHaveLength(1);
    });

    it('is refused where it is larger than any rule file, unread', async () => {
      const path = join(folder, 'large.yaml');
      const rules = `version: 1\nrules:\n  - { name: a, when: "true" }\n`;
      await writeFile(path, rules + '#'.repeat(1024 * 1024 - rules.length));
      expect(await loadRuleFile(path)).toHaveLength(1);
      await writeFile(path, rules + '#'.repeat(1024 * 1024 - rules.length + 1));
      await expect(loadRuleFile(path)).rejects.toMatchObject({
        code: 'rules.invalid',
        message: `${path}: the rule file has 1048577 bytes; at most 1048576 are read`,
      });
    });

    it('names 50 of its problems, and how many more there are', async () => {
      const path = join(folder, 'wrong.yaml');
      const rules = Array.from({ length: 60 }, (_, at) => `  - { name: r${at}, when: nope }`);
      await writeFile(path, `version: 1\nrules:\n${rules.join('\n')}\n`);
      const error = await loadRuleFile(path).catch((caught: unknown) => caught);
      const lines = (error as Error).message.split('\n');
      expect(lines).toHaveLength(51);
      expect(lines.at(-1)).toBe(`${path}: and 10 more`);
    });

    it('ships with three rules', async () => {
      const rules = await loadRuleFile(defaultRuleFile);
      expect(rules.map(({ name }) => name)).toEqual(['raised-to-urgent', 'reopened', 'rated-bad']);
      expect(rules.map(({ condition }) => condition.kind)).toEqual([
        'transition',
        'transition',
        'transition',
      ]);
    });
  });
});
