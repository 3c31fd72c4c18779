import { formatRfc3339Second } from '@ticket-stream/ticket';
import type { Clause, Query, Value } from './query.ts';

/** The query in its plainest writing: `parseQuery` reads the same query from it, positions apart. */
export function printQuery(query: Query): string {
  return query.clauses.map(printClause).join(' ');
}

function printClause(clause: Clause): string {
  const sign = clause.excluded ? '-' : '';
  if (clause.kind === 'text') {
    return `${sign}${clause.form === 'phrase' ? `"${clause.text}"` : clause.text}`;
  }
  return `${sign}${clause.key}${clause.operator}${printValue(clause.value)}`;
}

function printValue(value: Value): string {
  switch (value.kind) {
    case 'none':
      return 'none';
    case 'choice':
      return value.name;
    case 'id':
      return value.digits;
    case 'tags':
      // Quoted always: a bare `none` would mean no tag at all.
      return `"${value.all.join(' ')}"`;
    case 'day':
      return value.day;
    case 'instant':
      return formatRfc3339Second(value.second);
    case 'ago':
      return `${value.count}${value.unit}s`;
    case 'text':
      return value.form === 'phrase' ? `"${value.text}"` : `${value.text}${value.prefix ? '*' : ''}`;
  }
}
