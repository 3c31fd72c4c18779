import { parseRfc3339Second } from '@ticket-stream/ticket';
import { badQuery } from './bad-query.ts';
import { dayStart } from './day-start.ts';
import { nearMiss } from './near-miss.ts';
import type { Clause, Query, TimeUnit, Value } from './query.ts';
import { timeUnits } from './query.ts';
import { findQueryKey, type QueryKey, queryKeys, unansweredKeys, whyUnanswered } from './query-keys.ts';
import { type QueryToken, readTokens } from './query-token.ts';

/**
 * Reads a query as a person types it. No text makes it crash or hang: it answers with a query or with
 * `search.bad_query`, in time proportional to the text (at most 2,048 characters and 256 parts).
 *
 * An empty query is every ticket.
 *
 * @throws search.bad_query  with `context.position` and `context.length` (UTF-16 units from 0), what is wrong, and
 *                           `context.suggestion` where a name was nearly right
 */
export function parseQuery(text: string): Query {
  return { clauses: readTokens(text).map(readClause) };
}

function readClause(token: QueryToken): Clause {
  if (token.key === undefined || token.operator === undefined) return readText(token);
  const name = token.key.toLowerCase();
  const key = findQueryKey(name);
  if (key === undefined) throw unknownKey(token, name);
  if (token.operator !== ':' && !(key.kind === 'moment' || (key.kind === 'choice' && key.ordered))) {
    throw badQuery(`${name} has no order; use "${name}:…"`, token.at);
  }
  if (token.excluded && key.kind === 'order') {
    throw badQuery(`"-" does not go with ${name}, which only says how to sort`, token.at);
  }
  return {
    kind: 'property',
    key: name,
    operator: token.operator,
    value: readValue(name, key, token),
    excluded: token.excluded,
    at: token.at,
  };
}

const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;
const NUMBER = /^\d{1,19}$/;

/** In the form that is searched: a lone ﾞ is a letter as it is typed, and a mark without one there. */
function isSearchable(text: string): boolean {
  return LETTER_OR_DIGIT.test(text.normalize('NFKC'));
}

function readText(token: QueryToken): Clause {
  const { text, quoted } = token;
  if (!isSearchable(text)) {
    throw badQuery(
      quoted ? 'the quotes hold no letter or digit' : `"${text}" has no letter or digit to search for`,
      token.at,
    );
  }
  if (!quoted && text.includes('*')) {
    throw badQuery(`${ONLY_IN_TEXT_KEYS}; in quotes it is searched as text`, token.at);
  }
  // Searched as words, these would quietly narrow the result where the writer meant to widen it.
  if (!quoted && !token.excluded && (text === 'OR' || text === 'AND' || text === 'NOT')) {
    throw badQuery(
      `there is no ${text}: ${operatorAdvice[text]}; in quotes it is searched as a word`,
      token.at,
    );
  }
  const form = quoted ? 'phrase' : NUMBER.test(text) ? 'number' : 'word';
  return { kind: 'text', form, text, excluded: token.excluded, at: token.at };
}

const ONLY_IN_TEXT_KEYS = '"*" goes on with a word of subject: or description: only';

const operatorAdvice = {
  OR: 'the same key twice means either (status:open status:pending)',
  AND: 'all parts of a query must match anyway',
  NOT: 'a "-" before a part excludes it',
} as const;

function unknownKey(token: QueryToken, name: string) {
  const reason = whyUnanswered(name);
  if (reason !== undefined) return badQuery(`${name} cannot be searched: ${reason}`, token.keyAt);
  const suggestion = nearMiss(name, [...Object.keys(queryKeys), ...Object.keys(unansweredKeys)]);
  const advice =
    suggestion === undefined
      ? `in quotes it is searched as text; keys are ${Object.keys(queryKeys).join(', ')}`
      : `did you mean "${suggestion}"?`;
  return badQuery(`unknown key "${token.key}"; ${advice}`, token.keyAt, suggestion);
}

function readValue(name: string, key: QueryKey, token: QueryToken): Value {
  switch (key.kind) {
    case 'choice':
      return readChoice(name, key, token);
    case 'id':
      return readId(name, key, token);
    case 'tags':
      return readTags(token);
    case 'moment':
      return readMoment(name, token);
    case 'text':
      return readTextValue(name, token);
    case 'order': {
      const given = token.text.toLowerCase();
      if (Object.hasOwn(key.names, given)) return { kind: 'choice', name: key.names[given] ?? given };
      throw unknownName(name, token, Object.keys(key.names));
    }
  }
}

function readChoice(name: string, key: QueryKey & { kind: 'choice' }, token: QueryToken): Value {
  const given = token.text.toLowerCase();
  if (key.names.includes(given)) return { kind: 'choice', name: given };
  if (key.unordered?.includes(given)) {
    if (token.operator === ':') return { kind: 'choice', name: given };
    throw badQuery(`${name} ${given} stands outside the order ${key.names.join(' < ')}`, token.textAt);
  }
  throw unknownName(name, token, [...key.names, ...(key.unordered ?? [])]);
}

function unknownName(name: string, token: QueryToken, names: readonly string[]) {
  const suggestion = nearMiss(token.text, names);
  const advice =
    suggestion === undefined ? `it is one of ${names.join(', ')}` : `did you mean "${suggestion}"?`;
  return badQuery(`${name} is never "${token.text}"; ${advice}`, token.textAt, suggestion);
}

const ID = /^[1-9]\d{0,18}$/;

function readId(name: string, key: QueryKey & { kind: 'id' }, token: QueryToken): Value {
  if (key.none && token.text.toLowerCase() === 'none') return { kind: 'none' };
  if (ID.test(token.text)) return { kind: 'id', digits: token.text };
  throw badQuery(
    `${name}:${token.text} cannot be answered: the export carries no names; give the id of ${key.what}` +
      (key.none ? ', or none' : ''),
    token.textAt,
  );
}

function readTags(token: QueryToken): Value {
  const all = token.text
    .toLowerCase()
    .split(/\s+/u)
    .filter((tag) => tag !== '');
  if (all.length === 0) throw badQuery('the quotes hold no tag', token.textAt);
  if (!token.quoted && token.text.includes('*')) throw badQuery(ONLY_IN_TEXT_KEYS, token.textAt);
  if (!token.quoted && all[0] === 'none') return { kind: 'none' };
  return { kind: 'tags', all };
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?([Zz]|[+-]\d{2}:?\d{2})$/;
const AGO = /^(\d{1,6})\s*([a-z]+?)s?$/i;

function readMoment(name: string, token: QueryToken): Value {
  const { text } = token;
  if (DAY.test(text)) {
    if (dayStart(text) === undefined) {
      throw badQuery(`${text} is not a day of the calendar since 1970`, token.textAt);
    }
    return { kind: 'day', day: text };
  }
  const instant = INSTANT.exec(text);
  if (instant !== null) {
    const [, minute = '', seconds = ':00', zone = 'Z'] = instant;
    const offset = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
    const second = parseRfc3339Second(`${minute}${seconds}${offset}`);
    if (second === undefined) throw badQuery(`${text} is not a moment of the calendar`, token.textAt);
    return { kind: 'instant', second };
  }
  const ago = AGO.exec(text);
  if (ago !== null) {
    const unit = ago[2]?.toLowerCase() ?? '';
    if (!isTimeUnit(unit)) {
      const suggestion = nearMiss(unit, timeUnits);
      throw badQuery(
        `"${ago[2]}" is no unit of time; they are minutes, hours, days, weeks, months, years`,
        token.textAt,
        suggestion && `${suggestion}s`,
      );
    }
    if (token.operator === ':') {
      throw badQuery(`say "${name}>${text}" for the last ${text}, "${name}<${text}" for before`, token.at);
    }
    return { kind: 'ago', count: Number(ago[1]), unit };
  }
  if (/^\d{4}-\d{2}-\d{2}[Tt]/.test(text)) {
    throw badQuery(
      `${text} needs a time and a zone: 2026-03-01T10:00:00Z or +01:00 at its end`,
      token.textAt,
    );
  }
  throw badQuery(
    `"${text}" is no date; dates are 2026-03-01, 2026-03-01T10:00:00Z, or 4hours (with < or >)`,
    token.textAt,
  );
}

function isTimeUnit(text: string): text is TimeUnit {
  return (timeUnits as readonly string[]).includes(text);
}

function readTextValue(name: string, token: QueryToken): Value {
  const prefix = !token.quoted && token.text.endsWith('*');
  const text = prefix ? token.text.slice(0, -1) : token.text;
  if (!token.quoted && text.includes('*')) {
    throw badQuery('"*" stands at the end of a word only', token.textAt);
  }
  if (!isSearchable(text)) {
    throw badQuery(`"${token.text}" has no letter or digit to search for in the ${name}`, token.textAt);
  }
  return { kind: 'text', form: token.quoted ? 'phrase' : 'word', text, prefix };
}
