import { searchLimitMax } from '@ticket-stream/search';

const LIMIT_DEFAULT = 20;

export interface SearchRequest {
  readonly text: string;
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly deleted: boolean;
}

/**
 * Reads the parameters of `GET /search`. What it does not know it refuses: a misspelt `limt` or `delete` that were
 * passed over would answer another question than the one asked.
 * @returns the request, or what is wrong with it
 */
export function readSearchRequest(query: Readonly<Record<string, unknown>>): SearchRequest | string {
  for (const [name, value] of Object.entries(query)) {
    if (!['q', 'limit', 'cursor', 'deleted'].includes(name)) {
      return `there is no parameter "${name}"; there are q, limit, cursor, deleted`;
    }
    if (typeof value !== 'string') return `${name} is given more than once`;
  }
  const { q, limit, cursor, deleted } = query as Readonly<
    Record<'q' | 'limit' | 'cursor' | 'deleted', string | undefined>
  >;
  const wanted = limit === undefined ? LIMIT_DEFAULT : /^\d{1,6}$/.test(limit) ? Number(limit) : 0;
  if (wanted < 1 || wanted > searchLimitMax) return `limit is a whole number from 1 to ${searchLimitMax}`;
  if (deleted !== undefined && deleted !== 'true' && deleted !== 'false') return 'deleted is true or false';
  return { text: q ?? '', limit: wanted, cursor, deleted: deleted === 'true' };
}
