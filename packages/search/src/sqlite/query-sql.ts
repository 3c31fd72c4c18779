import type { FieldTest, QueryPlan, TextTest } from '../query-language/query-plan.ts';
import { everyMark, tagMark, textPhrase, untaggedMark } from './searchable-text.ts';

/** A plan as SQLite takes it: an FTS5 expression for words and tags, a condition on `tickets` for the rest. */
export interface QuerySql {
  /** Undefined: no words, no tags, FTS5 is not asked. */
  readonly match: string | undefined;
  /** On the alias `t`; undefined: none. */
  readonly where: string | undefined;
  readonly parameters: readonly (string | number)[];
}

export function querySql(plan: QueryPlan): QuerySql {
  const wanted: string[] = [];
  const unwanted: string[] = [];
  const where: string[] = [];
  const parameters: (string | number)[] = [];
  const addMatch = (excluded: boolean, alternatives: readonly string[]) => {
    (excluded ? unwanted : wanted).push(`(${alternatives.join(' OR ')})`);
  };

  for (const { excluded, anyOf } of plan.texts) {
    addMatch(excluded, anyOf.map(textMatch));
  }
  for (const { excluded, anyOf } of plan.conditions) {
    // The tests of one condition are those of one key, so either all are on tags or none is.
    if (anyOf.every((test) => test.kind === 'tags')) {
      addMatch(excluded, anyOf.map(tagsMatch));
      continue;
    }
    const tests = anyOf.map((test) => fieldSql(test, parameters));
    // IS NOT TRUE also holds where the field is absent: `-status:open` finds a ticket without a status.
    where.push(`(${tests.join(' OR ')}) IS ${excluded ? 'NOT ' : ''}TRUE`);
  }

  return {
    match: matchExpression(wanted, unwanted),
    where: where.join(' AND ') || undefined,
    parameters,
  };
}

function matchExpression(wanted: readonly string[], unwanted: readonly string[]): string | undefined {
  if (wanted.length === 0 && unwanted.length === 0) return undefined;
  // bm25 asks each phrase for its share of all documents; a mark for "every document" joins only where it must.
  const all = wanted.length > 0 ? wanted.join(' AND ') : `marks : "${everyMark}"`;
  return unwanted.length === 0 ? all : `(${all}) NOT (${unwanted.join(' OR ')})`;
}

function textMatch({ field, text, prefix }: TextTest): string {
  const phrase = textPhrase(text, prefix);
  // Left out, it would answer with tickets that nobody asked for.
  if (phrase === undefined)
    throw new TypeError('a query has a text without a word, which parseQuery refuses');
  return field === undefined ? phrase : `${field} : ${phrase}`;
}

function tagsMatch(test: FieldTest & { kind: 'tags' }): string {
  const marks = test.all.length === 0 ? [untaggedMark] : test.all.map(tagMark);
  return `(${marks.map((mark) => `marks : "${mark}"`).join(' AND ')})`;
}

const columns: Readonly<Record<string, string>> = {
  status: 't.status',
  priority: 't.priority',
  ticket_type: 't.ticket_type',
  assignee: 't.assignee',
  group: 't."group"',
  organization: 't.organization',
  requester: 't.requester',
  submitter: 't.submitter',
};

function fieldSql(test: FieldTest, parameters: (string | number)[]): string {
  if (test.kind === 'range') {
    const parts: string[] = [];
    if (test.from !== undefined) {
      parts.push(`t.${test.field} >= ?`);
      parameters.push(test.from);
    }
    if (test.before !== undefined) {
      parts.push(`t.${test.field} < ?`);
      parameters.push(test.before);
    }
    return `(${parts.join(' AND ') || 'TRUE'})`;
  }
  if (test.kind === 'tags') throw new TypeError('a condition mixes tags with another key');
  const column = columns[test.field];
  if (column === undefined) throw new TypeError(`the index has no column for ${test.field}`);
  const values = test.values.filter((value) => value !== undefined);
  const parts: string[] = [];
  if (values.length < test.values.length) parts.push(`${column} IS NULL`);
  if (values.length > 0) parts.push(`${column} IN (${values.map(() => '?').join(', ')})`);
  parameters.push(...values);
  return parts.length === 0 ? 'FALSE' : parts.join(' OR ');
}
