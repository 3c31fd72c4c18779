import { describe, expect, it } from 'vitest';
import { celFromJson, noTicket } from './cel-values.ts';
import { type Condition, ConditionFailure, compileCondition } from './condition.ts';

function compiled(source: string): Condition {
  const result = compileCondition(source);
  if (!('holds' in result)) throw new Error(`does not compile: ${JSON.stringify(result)}`);
  return result;
}

function problems(source: string): readonly { offset: number; cause: string }[] {
  const result = compileCondition(source);
  if ('holds' in result) throw new Error(`compiles: ${source}`);
  return result;
}

const ticket = {
  id: 35_436,
  status: 'open',
  priority: 'urgent',
  subject: 'Refund for order 12',
  assignee_id: null,
  group_id: 42,
  effort: 2.5,
  is_public: true,
  tags: ['vip', 'refund'],
  custom_fields: [
    { id: 360_000_000_001, value: 'gold' },
    { id: 2, value: null },
  ],
  satisfaction_rating: { score: 'bad' },
  constructor: { prototype: 1 },
};

function holds(source: string, previous?: object, changed: string[] = []): boolean {
  return compiled(source).holds({
    ticket: celFromJson(ticket),
    previous: previous === undefined ? noTicket : celFromJson(previous),
    changed,
  });
}

describe('a condition', () => {
  it.each([
    [`ticket.group_id == 42`, true],
    [`ticket.group_id == 42.0`, true],
    [`ticket.group_id in [41, 42]`, true],
    [`string(ticket.group_id) == '42'`, true],
    [`ticket.group_id % 2 == 0`, true],
    [`ticket.effort > 2`, true],
    [`ticket.effort == 2.5`, true],
    [`double(ticket.group_id) * 1.5 == 63.0`, true],
    [`ticket.subject.matches('^Refund .*[0-9]+$')`, true],
    [`'vip' in ticket.tags`, true],
    [`ticket.tags.exists(t, t.startsWith('ref'))`, true],
    [`ticket.custom_fields.exists(f, f.id == 360000000001 && f.value == 'gold')`, true],
    [`ticket.custom_fields.filter(f, f.value != null).map(f, f.value).exists(v, v == 'gold')`, true],
    [`ticket.satisfaction_rating.score == 'bad'`, true],
    [`ticket['priority'] == 'urgent'`, true],
    [`ticket.tags[0] == 'vip'`, true],
    [`has(ticket.assignee_id) && ticket.assignee_id == null`, true],
    [`has(ticket.nothing)`, false],
    [`ticket.is_public`, true],
    [`timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')`, true],
    [`ticket.status == 'open' ? ticket.group_id == 42 : false`, true],
  ])('understands CEL: %s is %s', (source, expected) => {
    expect(holds(source)).toBe(expected);
  });

  it.each([
    [`ticket.nothing == 'urgent'`, false],
    [`ticket.nothing != 'urgent'`, true],
    [`ticket.nothing == null`, true],
    [`ticket.nothing`, false],
    [`ticket.nothing && true`, false],
    [`!ticket.nothing`, true],
    [`ticket.nothing ? false : true`, true],
    [`ticket.nothing > 3`, false],
    [`3 >= ticket.nothing`, false],
    [`'x' in ticket.nothing`, false],
    [`ticket.nothing in [1, 2]`, false],
    [`ticket.nothing.contains('x')`, false],
    [`ticket.nothing.matches('x')`, false],
    [`ticket.nothing.deeper.still == 'x'`, false],
    [`ticket.nothing.exists(t, t == 'x')`, false],
    [`size(ticket.nothing) == 0`, true],
    [`ticket.tags[7] == 'vip'`, false],
    [`ticket.assignee_id.name == 'x'`, false],
    [`has(ticket.nothing.deeper)`, false],
    [`previous.priority != 'urgent'`, true],
    [`previous.status in ['solved', 'closed']`, false],
  ])('takes what is not there for null, never for an error: %s is %s', (source, expected) => {
    expect(holds(source)).toBe(expected);
  });

  it('sees the version before and the names of the fields that changed', () => {
    const raised = `ticket.priority == 'urgent' && previous.priority != 'urgent' && 'priority' in changed`;
    expect(holds(raised, { priority: 'low' }, ['priority'])).toBe(true);
    expect(holds(raised, { priority: 'urgent' }, ['tags'])).toBe(false);
  });

  it('is a transition when it speaks of previous or changed, else a state', () => {
    expect(compiled(`ticket.status == 'open'`).kind).toBe('state');
    expect(compiled(`ticket.status == previous.status`).kind).toBe('transition');
    expect(compiled(`'status' in changed`).kind).toBe('transition');
    expect(compiled(`ticket.tags.exists(previous, previous == 'vip')`).kind).toBe('state');
  });

  it.each([
    ['', 0, 'empty'],
    ['ticket.status = "open"', 14, "did not expect '='"],
    ['tikcet.status == "open"', 0, "no variable 'tikcet'"],
    ['ticket.tags.exists(t, x == 1)', 22, "no variable 'x'"],
    ['ticket.status.lower() == "open"', 13, "no function 'lower'"],
    ['ticket.a.exists(x, ticket.b.exists(y, x == y))', 27, 'inside another'],
    ['ticket.subject.matches("(")', 23, 'RE2'],
    ['"text"', 0, 'gives string'],
    ['Thing{a: 1} == ticket', 0, "no type 'Thing'"],
    [`${'('.repeat(41)}true${')'.repeat(41)}`, 40, 'nested deeper'],
    [`ticket${'.a'.repeat(260)} == 1`, 26, 'nested deeper than 250'],
    [`true${' || ticket.a == 1'.repeat(300)}`, 4000, 'longer than'],
  ])('says what is wrong with %j, and where', (source, offset, cause) => {
    const [first] = problems(source);
    expect(first?.cause).toContain(cause);
    expect(first?.offset).toBe(offset);
  });

  it('names every unknown name at once', () => {
    expect(problems('foo == 1 || bar == 2').map(({ offset }) => offset)).toEqual([0, 12]);
  });

  it('fails where a bool is wanted and something else is there', () => {
    expect(() => holds(`ticket.subject && true`)).toThrow(ConditionFailure);
    expect(() => holds(`ticket.subject`)).toThrow('gives no bool');
  });

  it('fails without the words of the ticket', () => {
    expect(() => holds('int(ticket.subject) == 1')).toThrow(ConditionFailure);
    try {
      holds('int(ticket.subject) == 1');
    } catch (error) {
      expect((error as Error).message).not.toContain('Refund');
      expect((error as ConditionFailure).offset).toBe(0);
    }
  });

  it('is not held up by a pattern that makes backtracking engines hang', () => {
    const startedMs = performance.now();
    const hostile = celFromJson({ subject: `${'a'.repeat(50_000)}!` });
    const condition = compiled(`ticket.subject.matches('^(a+)+$')`);
    expect(condition.holds({ ticket: hostile, previous: noTicket, changed: [] })).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('refuses to run over a list beyond its limit', () => {
    const long = celFromJson({ tags: Array.from({ length: 1_001 }, (_, at) => `t${at}`) });
    const condition = compiled(`ticket.tags.exists(t, t == 'x')`);
    expect(() => condition.holds({ ticket: long, previous: noTicket, changed: [] })).toThrow(/1000 items/);
  });

  it('refuses to look for every item of one list in another beyond its limit, and looks in one within it', () => {
    const condition = compiled(`ticket.custom_fields.exists(f, f.value in ticket.tags)`);
    const holds = (tags: unknown) =>
      condition.holds({
        ticket: celFromJson({ tags, custom_fields: [{ value: 'x' }, { value: 't999' }] }),
        previous: noTicket,
        changed: [],
      });
    const tags = Array.from({ length: 1_001 }, (_, at) => `t${at}`);
    expect(() => holds(tags)).toThrow(/1000 items/);
    expect(holds(tags.slice(0, 1_000))).toBe(true);
    expect(holds(tags.slice(0, 999))).toBe(false);
    expect(holds(null)).toBe(false);
    // Asked once, a list of any length costs no more than reading the ticket did.
    const once = compiled(`'t1000' in ticket.tags`);
    expect(once.holds({ ticket: celFromJson({ tags }), previous: noTicket, changed: [] })).toBe(true);
  });

  it('keeps going on the longest list it takes, also where it makes a new one', () => {
    const long = celFromJson({ tags: Array.from({ length: 1_000 }, (_, at) => `t${at}`) });
    const condition = compiled(`ticket.tags.map(t, t + 'x').exists(t, t == 't999x')`);
    expect(condition.holds({ ticket: long, previous: noTicket, changed: [] })).toBe(true);
  });
});
