/**
 * A query, as Zendesk's search language has it and as no particular index does it: adapters read the plan made from
 * it (query-plan.ts), never the text.
 *
 * Clauses are ANDed, in any order. The same key twice is OR. There is no OR word and there are no parentheses.
 */
export interface Query {
  readonly clauses: readonly Clause[];
}

/** Where a clause stands in the query: `start` is counted in UTF-16 units from 0, as JavaScript indexes text. */
export interface Span {
  readonly start: number;
  readonly length: number;
}

export type Clause = TextClause | PropertyClause;

export interface TextClause {
  readonly kind: 'text';
  /** `number`: a bare number is a ticket's id, and may also stand in a ticket's text. */
  readonly form: 'word' | 'phrase' | 'number';
  readonly text: string;
  readonly excluded: boolean;
  readonly at: Span;
}

export interface PropertyClause {
  readonly kind: 'property';
  readonly key: string;
  readonly operator: Operator;
  readonly value: Value;
  readonly excluded: boolean;
  readonly at: Span;
}

export type Operator = ':' | '<' | '<=' | '>' | '>=';

export type Value =
  | { readonly kind: 'none' }
  /** One of the key's own names: a status, a priority, an order. */
  | { readonly kind: 'choice'; readonly name: string }
  | { readonly kind: 'id'; readonly digits: string }
  /** `quoted` means every one of them, as `tags:"vip refund"` does. */
  | { readonly kind: 'tags'; readonly all: readonly string[] }
  /** A whole day in UTC: `2026-03-01`. */
  | { readonly kind: 'day'; readonly day: string }
  /** An instant, epoch seconds. */
  | { readonly kind: 'instant'; readonly second: number }
  /** So long before now; kept relative, so that a query can be stored and asked again. */
  | { readonly kind: 'ago'; readonly count: number; readonly unit: TimeUnit }
  | {
      readonly kind: 'text';
      readonly form: 'word' | 'phrase';
      readonly text: string;
      readonly prefix: boolean;
    };

export const timeUnits = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
export type TimeUnit = (typeof timeUnits)[number];
