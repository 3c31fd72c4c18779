import { badQuery } from './bad-query.ts';
import type { Operator, Span } from './query.ts';

/** One blank-separated piece of a query. */
export interface QueryToken {
  readonly excluded: boolean;
  /** Present for `key:value`; as typed. */
  readonly key: string | undefined;
  readonly keyAt: Span;
  readonly operator: Operator | undefined;
  readonly text: string;
  readonly quoted: boolean;
  readonly textAt: Span;
  readonly at: Span;
}

/** A longer query is a mistake or an attack; Zendesk stops at 64 words. */
export const queryLimits = { charactersMax: 2048, clausesMax: 256 } as const;

// Typed on a phone or pasted from a text processor, quotes come curled. There is no escape: a quote ends a phrase.
const QUOTE = /["\u201c\u201d\u201e\u201f\uff02]/u;
const BLANK = /\s/u;
const KEY = /([A-Za-z][A-Za-z0-9_]*)(<=|>=|:|<|>)/uy;
const BARE = /[^\s"\u201c\u201d\u201e\u201f\uff02]+/uy;

/**
 * Cuts a query into its pieces in one pass.
 * @throws search.bad_query  too long, too many pieces, a quote that does not close, nothing where something must be
 */
export function readTokens(text: string): QueryToken[] {
  if (text.length > queryLimits.charactersMax) {
    throw badQuery(`the query is longer than ${queryLimits.charactersMax} characters`, {
      start: queryLimits.charactersMax,
      length: text.length - queryLimits.charactersMax,
    });
  }
  const tokens: QueryToken[] = [];
  let at = 0;
  while (at < text.length) {
    if (BLANK.test(text.charAt(at))) {
      at++;
      continue;
    }
    const token = readToken(text, at);
    if (tokens.length === queryLimits.clausesMax) {
      throw badQuery(`the query has more than ${queryLimits.clausesMax} parts`, token.at);
    }
    tokens.push(token);
    at = token.at.start + token.at.length;
  }
  return tokens;
}

function readToken(text: string, start: number): QueryToken {
  const excluded = text.charAt(start) === '-';
  let at = excluded ? start + 1 : start;
  const keyStart = at;
  KEY.lastIndex = at;
  const match = KEY.exec(text);
  const key = match?.[1];
  const operator = match?.[2] as Operator | undefined;
  if (match !== null) at = KEY.lastIndex;
  const keyAt = { start: keyStart, length: key?.length ?? 0 };
  const textStart = at;

  if (QUOTE.test(text.charAt(at))) {
    let end = at + 1;
    while (end < text.length && !QUOTE.test(text.charAt(end))) end++;
    if (end === text.length) {
      throw badQuery('the quote that opens here does not close', { start: at, length: 1 });
    }
    return {
      excluded,
      key,
      keyAt,
      operator,
      text: text.slice(at + 1, end),
      quoted: true,
      textAt: { start: textStart, length: end + 1 - textStart },
      at: { start, length: end + 1 - start },
    };
  }

  BARE.lastIndex = at;
  const bare = BARE.exec(text)?.[0] ?? '';
  if (bare === '') {
    if (key !== undefined) {
      throw badQuery(`nothing stands after "${key}${operator}"; there is no blank around it`, {
        start,
        length: textStart - start,
      });
    }
    throw badQuery('"-" excludes what follows it without a blank', { start, length: 1 });
  }
  return {
    excluded,
    key,
    keyAt,
    operator,
    text: bare,
    quoted: false,
    textAt: { start: textStart, length: bare.length },
    at: { start, length: textStart + bare.length - start },
  };
}
