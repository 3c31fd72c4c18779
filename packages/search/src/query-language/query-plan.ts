import { badQuery } from './bad-query.ts';
import { dayStart } from './day-start.ts';
import type { Operator, PropertyClause, Query, TimeUnit, Value } from './query.ts';
import { deletedStatus, findQueryKey } from './query-keys.ts';

/**
 * A query resolved for an index: comparisons became lists and ranges, relative times moments, repeated keys
 * alternatives. An adapter translates tests one by one and knows no key.
 */
export interface QueryPlan {
  /** All must match. */
  readonly texts: readonly AnyOf<TextTest>[];
  /** All must match. */
  readonly conditions: readonly AnyOf<FieldTest>[];
  readonly order: { readonly by: 'relevance' | 'updated' | 'created'; readonly ascending: boolean };
}

/** Matches when one of the tests does; `excluded` turns the answer round, for tickets without the field too. */
interface AnyOf<Test> {
  readonly excluded: boolean;
  readonly anyOf: readonly Test[];
}

export interface TextTest {
  /** Undefined: anywhere in the ticket, its id included. */
  readonly field: 'subject' | 'description' | undefined;
  /** Words in this order, next to each other. */
  readonly text: string;
  /** The last word may go on. */
  readonly prefix: boolean;
}

export type FieldTest =
  /** undefined stands for a ticket without the field. */
  | { readonly kind: 'oneOf'; readonly field: string; readonly values: readonly (string | undefined)[] }
  /** Epoch seconds, `from` inside, `before` outside. */
  | {
      readonly kind: 'range';
      readonly field: 'created' | 'updated';
      readonly from: number | undefined;
      readonly before: number | undefined;
    }
  /** Every one of them; empty: no tag at all. */
  | { readonly kind: 'tags'; readonly all: readonly string[] };

interface PlanOptions {
  /** Whether deleted and scrubbed tickets are asked for too. */
  readonly deleted: boolean;
  /** Relative times count back from here, epoch seconds. */
  readonly nowSecond: number;
}

/**
 * @throws search.bad_query  a query that could only answer wrongly: `status:deleted` without deleted tickets,
 *                           two different orders
 */
export function planQuery(query: Query, { deleted, nowSecond }: PlanOptions): QueryPlan {
  const texts: AnyOf<TextTest>[] = [];
  const conditions: AnyOf<FieldTest>[] = [];
  // `key:a key:b` is one condition with two alternatives; comparisons and exclusions each stand for themselves.
  const textAlternatives = new Map<string, TextTest[]>();
  const fieldAlternatives = new Map<string, FieldTest[]>();
  const orders = new Map<string, string>();

  for (const clause of query.clauses) {
    if (clause.kind === 'text') {
      const test = { field: undefined, text: clause.text, prefix: false };
      texts.push({ excluded: clause.excluded, anyOf: [test] });
      continue;
    }
    const key = findQueryKey(clause.key);
    if (key?.kind === 'order' && clause.value.kind === 'choice') {
      const before = orders.get(clause.key);
      if (before !== undefined && before !== clause.value.name) {
        throw badQuery(`${clause.key} is given twice, differently`, clause.at);
      }
      orders.set(clause.key, clause.value.name);
      continue;
    }
    if (
      !deleted &&
      !clause.excluded &&
      clause.value.kind === 'choice' &&
      clause.value.name === deletedStatus
    ) {
      throw badQuery('deleted tickets are left out unless asked for (deleted=true, --deleted)', clause.at);
    }
    if (clause.value.kind === 'text') {
      const field = clause.key === 'subject' ? 'subject' : 'description';
      const test: TextTest = { field, text: clause.value.text, prefix: clause.value.prefix };
      add(texts, textAlternatives, clause, test);
    } else {
      add(conditions, fieldAlternatives, clause, fieldTest(clause, nowSecond));
    }
  }

  const hasWords = texts.some((text) => !text.excluded);
  const by = orders.get('order_by') ?? (hasWords ? 'relevance' : 'updated');
  return {
    texts,
    conditions,
    order: {
      by: by === 'created' || (by === 'relevance' && hasWords) ? by : 'updated',
      ascending: orders.get('sort') === 'asc',
    },
  };
}

function add<Test>(
  list: AnyOf<Test>[],
  alternatives: Map<string, Test[]>,
  clause: PropertyClause,
  test: Test,
): void {
  if (clause.operator !== ':' || clause.excluded) {
    list.push({ excluded: clause.excluded, anyOf: [test] });
    return;
  }
  const known = alternatives.get(clause.key);
  if (known !== undefined) {
    known.push(test);
    return;
  }
  const anyOf = [test];
  alternatives.set(clause.key, anyOf);
  list.push({ excluded: false, anyOf });
}

function fieldTest(clause: PropertyClause, nowSecond: number): FieldTest {
  const { key, operator, value } = clause;
  switch (value.kind) {
    case 'none':
      return key === 'tags' ? { kind: 'tags', all: [] } : { kind: 'oneOf', field: key, values: [undefined] };
    case 'id':
      return { kind: 'oneOf', field: key, values: [value.digits] };
    case 'tags':
      return { kind: 'tags', all: value.all };
    case 'choice':
      return { kind: 'oneOf', field: key, values: namesCompared(key, operator, value.name) };
    default:
      return {
        kind: 'range',
        field: key === 'created' ? 'created' : 'updated',
        ...range(operator, value, nowSecond),
      };
  }
}

function namesCompared(keyName: string, operator: Operator, name: string): readonly string[] {
  if (operator === ':') return [name];
  const key = findQueryKey(keyName);
  const names = key?.kind === 'choice' ? key.names : [];
  const index = names.indexOf(name);
  switch (operator) {
    case '<':
      return names.slice(0, index);
    case '<=':
      return names.slice(0, index + 1);
    case '>':
      return names.slice(index + 1);
    case '>=':
      return names.slice(index);
  }
}

/** A day is compared as a whole: `created>2026-03-01` begins with the second of March, `<=` ends with its first. */
function range(
  operator: Operator,
  value: Value,
  nowSecond: number,
): { from: number | undefined; before: number | undefined } {
  let start: number;
  let end: number;
  if (value.kind === 'day') {
    start = dayStart(value.day) ?? 0;
    end = start + 86_400;
  } else {
    start =
      value.kind === 'instant'
        ? value.second
        : value.kind === 'ago'
          ? ago(nowSecond, value.count, value.unit)
          : 0;
    end = start + 1;
  }
  switch (operator) {
    case ':':
      return { from: start, before: end };
    case '<':
      return { from: undefined, before: start };
    case '<=':
      return { from: undefined, before: end };
    case '>':
      return { from: end, before: undefined };
    case '>=':
      return { from: start, before: undefined };
  }
}

const unitSeconds = { minute: 60, hour: 3600, day: 86_400, week: 604_800 } as const;

/** Months and years by the calendar, in UTC; a day that the earlier month lacks becomes its last. */
function ago(nowSecond: number, count: number, unit: TimeUnit): number {
  if (unit !== 'month' && unit !== 'year') return nowSecond - count * unitSeconds[unit];
  const now = new Date(nowSecond * 1000);
  const months = now.getUTCFullYear() * 12 + now.getUTCMonth() - count * (unit === 'year' ? 12 : 1);
  const year = Math.floor(months / 12);
  // Before the year 0 nothing was created; Date would fail, and read years under 100 as 1900 and some.
  if (year < 1000) return 0;
  const month = months - year * 12;
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  const day = Math.min(now.getUTCDate(), lastDay);
  return Math.floor(Date.UTC(year, month, day) / 1000) + (((nowSecond % 86_400) + 86_400) % 86_400);
}
