import { describe, expect, it } from 'vitest';
import { type EvaluationContext, evaluate } from './evaluate.ts';
import { defaultRuleFile } from './rules/default-rule-file.ts';
import { loadRuleFile } from './rules/rule-file.ts';
import { rfc3339, rulesOf, type SampleChange, START_SECOND, sampleChange } from './testing/samples.ts';

const live: EvaluationContext = {
  firstStartedAtMs: START_SECOND * 1000,
  hasCaughtUp: true,
  eventAgeMaxSeconds: 6 * 3600,
};
const catchingUp: EvaluationContext = { ...live, hasCaughtUp: false };

const rules = rulesOf({
  raised: `ticket.priority == 'urgent' && previous.priority != 'urgent'`,
  urgent: `ticket.priority == 'urgent'`,
});

function outcomes(sample: SampleChange, context = live): string[] {
  return evaluate(rules, sampleChange(sample), context).decisions.map((decision) =>
    decision.outcome === 'fired'
      ? `${decision.rule.name} fired`
      : `${decision.rule.name} suppressed: ${decision.reason}`,
  );
}

const urgent = { priority: 'urgent' };
const before = (ticket: object = {}) => sampleChange({ ticket, stampAfter: 5 }).ticket;

describe('evaluate', () => {
  it.each<[string, SampleChange, EvaluationContext, string[]]>([
    ['a raise', { ticket: urgent, previous: before() }, live, ['raised fired', 'urgent fired']],
    ['a change of an urgent ticket', { ticket: urgent, previous: before(urgent) }, live, []],
    ['a ticket created urgent', { ticket: urgent, createdAfter: 9 }, live, ['raised fired', 'urgent fired']],
    ['an old ticket seen first', { ticket: urgent }, live, ['urgent suppressed: first_seen']],
    [
      'a ticket created in the second of the first start',
      { ticket: urgent, createdAfter: 0 },
      live,
      ['urgent suppressed: first_seen'],
    ],
    [
      'a ticket without creation time',
      { ticket: { ...urgent, created_at: null } },
      live,
      ['urgent suppressed: first_seen'],
    ],
    [
      'a version that was 6 h old when it was published',
      { ticket: urgent, previous: before(), publishedAfter: 10 + 6 * 3600 },
      live,
      ['raised fired', 'urgent fired'],
    ],
    [
      'a version that was older than 6 h when it was published',
      { ticket: urgent, previous: before(), publishedAfter: 11 + 6 * 3600 },
      live,
      ['raised suppressed: too_old', 'urgent suppressed: too_old'],
    ],
    [
      'a record from before the first start, while the store is built',
      { ticket: urgent, previous: before(), stampAfter: -60 },
      catchingUp,
      ['raised suppressed: history', 'urgent suppressed: history'],
    ],
    [
      'a record from after the first start, while the store is built',
      { ticket: urgent, previous: before(), stampAfter: 1 },
      catchingUp,
      ['raised fired', 'urgent fired'],
    ],
    [
      'a record whose publisher has a slow clock, once the store had caught up',
      { ticket: urgent, previous: before(), stampAfter: -60 },
      live,
      ['raised fired', 'urgent fired'],
    ],
  ])('decides on %s', (_, sample, context, expected) => {
    expect(outcomes(sample, context)).toEqual(expected);
  });

  it('does not ask about a version that changed nothing but its time in the export', () => {
    const previous = before(urgent);
    const { decisions, changed } = evaluate(
      rulesOf({ always: 'changed != [] || true' }),
      sampleChange({
        ticket: { ...previous, generated_timestamp: START_SECOND + 99 },
        previous,
        stampAfter: 99,
      }),
      live,
    );
    expect({ decisions, changed }).toEqual({ decisions: [], changed: [] });
  });

  it('asks about a system update that changed the content', () => {
    const previous = before();
    const sample = { ticket: { ...previous, priority: 'urgent' }, previous, stampAfter: 99 };
    expect(outcomes(sample)).toEqual(['raised fired', 'urgent fired']);
  });

  it('asks about a deletion and never about the scrub after it', () => {
    const deleted = rulesOf({
      deleted: `ticket.status == 'deleted' && 'status' in changed`,
      any: 'size(changed) > 0',
    });
    const deletion = sampleChange({ kind: 'deleted', previous: before(), stampAfter: 10 });
    expect(evaluate(deleted, deletion, live).decisions.map(({ rule }) => rule.name)).toEqual([
      'deleted',
      'any',
    ]);
    const scrub = sampleChange({
      kind: 'deleted',
      ticket: { subject: 'SCRUBBED', updated_at: rfc3339(10) },
      previous: deletion.ticket,
      stampAfter: 30 * 86_400,
    });
    expect(evaluate(deleted, scrub, live)).toEqual({ changed: [], decisions: [], failures: [] });
  });

  it.each([
    ['restored', 'changed', rfc3339(10)],
    ['deleted once more', 'deleted', rfc3339(20)],
  ] as const)('takes a deleted ticket that was %s for no scrub', (_what, kind, updated_at) => {
    const any = rulesOf({ any: 'size(changed) > 0' });
    const deletion = sampleChange({ kind: 'deleted', previous: before(), stampAfter: 10 });
    const ticket = { subject: 'The red kettle leaks', updated_at };
    const change = sampleChange({ kind, ticket, previous: deletion.ticket, stampAfter: 20 });
    expect(evaluate(any, change, live).decisions).toHaveLength(1);
  });

  it('fires a state when it begins, and again when it begins again', () => {
    const vip = rulesOf({ vip: `ticket.tags.exists(t, t == 'vip')` });
    const tags = [['a'], ['vip'], ['vip', 'b'], ['b'], ['vip']];
    let previous = before({ tags: [] });
    const fired = tags.map((list, at) => {
      const change = sampleChange({ ticket: { tags: list }, previous, stampAfter: 10 + at });
      previous = change.ticket;
      return evaluate(vip, change, live).decisions.length;
    });
    expect(fired).toEqual([0, 1, 0, 0, 1]);
  });

  it('fires a state that holds now where it could not be asked about the version before', () => {
    const low = rulesOf({ low: `int(ticket.subject) < 3` });
    const change = sampleChange({ ticket: { subject: '2' }, previous: before({ subject: 'a kettle' }) });
    expect(evaluate(low, change, live)).toMatchObject({ decisions: [{ outcome: 'fired' }], failures: [] });
  });

  it('goes on with the other rules where one cannot be asked', () => {
    const { decisions, failures } = evaluate(
      rulesOf({ broken: `int(ticket.subject) > 3`, sound: `'priority' in changed` }),
      sampleChange({ ticket: urgent, previous: before() }),
      live,
    );
    expect(decisions.map(({ rule }) => rule.name)).toEqual(['sound']);
    expect(failures.map(({ rule }) => rule.name)).toEqual(['broken']);
    expect(JSON.stringify(failures.map(({ message }) => message))).not.toContain('kettle');
  });

  it('survives tickets nested deeper than the stack', () => {
    const nested = (levels: number) => {
      let deep: unknown = 1;
      for (let level = 0; level < levels; level++) deep = [deep];
      return deep;
    };
    const shallowBefore = {
      ...sampleChange({ ticket: urgent, previous: before() }),
      ticket: { id: 7, ...urgent, deep: nested(20_000) },
    };
    expect(evaluate(rules, shallowBefore, live).decisions).toHaveLength(2);
    const deepBefore = { ...shallowBefore, previous: { id: 7, deep: nested(20_000) } };
    expect(evaluate(rules, deepBefore, live)).toMatchObject({ decisions: [{}, {}], failures: [] });
  });

  describe('with the default rules', () => {
    it.each<[string, object, object, string[]]>([
      ['raised to urgent', { priority: 'high' }, { priority: 'urgent' }, ['raised-to-urgent']],
      ['raised from no priority', { priority: null }, { priority: 'urgent' }, ['raised-to-urgent']],
      ['lowered', { priority: 'urgent' }, { priority: 'low' }, []],
      ['reopened', { status: 'solved' }, { status: 'open' }, ['reopened']],
      ['reopened from closed', { status: 'closed' }, { status: 'new' }, ['reopened']],
      ['closed', { status: 'solved' }, { status: 'closed' }, []],
      [
        'rated bad',
        { satisfaction_rating: { score: 'offered' } },
        { satisfaction_rating: { score: 'bad' } },
        ['rated-bad'],
      ],
      [
        'rated bad at once',
        { satisfaction_rating: null },
        { satisfaction_rating: { score: 'bad' } },
        ['rated-bad'],
      ],
      [
        'given a comment to a bad rating',
        { satisfaction_rating: { score: 'bad' } },
        { satisfaction_rating: { score: 'bad_with_comment' } },
        [],
      ],
      [
        'rated good',
        { satisfaction_rating: { score: 'bad' } },
        { satisfaction_rating: { score: 'good' } },
        [],
      ],
    ])('a ticket %s fires as it should', async (_, was, is, expected) => {
      const change = sampleChange({ ticket: is, previous: before(was) });
      const { decisions, failures } = evaluate(await loadRuleFile(defaultRuleFile), change, live);
      expect(decisions.map(({ rule }) => rule.name)).toEqual(expected);
      expect(failures).toEqual([]);
    });
  });
});
