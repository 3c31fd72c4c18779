/**
 * What a new version of a schema must not do to those who use an older one. Both directions count, since consumers are
 * upgraded at any time before or after the producer, and a log holds records of every version:
 *
 *   what an existing field is stays as it is   a narrower type refuses old records, a wider one surprises old readers
 *   no field leaves, none becomes required     and none stops being required
 *   every object stays open                    Zendesk adds fields every year
 *   no enum                                    each value that is added breaks those who switch over the others;
 *                                              known values are examples of an open string
 *
 * What may change: fields may be added, and texts (descriptions, examples).
 */
import { isDeepStrictEqual } from 'node:util';
import type { JsonSchema } from './ticket-json-schema.ts';

const TEXTS: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  '$comment',
  'title',
  'description',
  'examples',
]);
const STRUCTURE: ReadonlySet<string> = new Set([
  'properties',
  'required',
  'additionalProperties',
  'items',
  'anyOf',
]);

/** @returns one sentence a change that breaks somebody, each with the path of its field; empty where none does */
export function breakingChanges(older: JsonSchema, newer: JsonSchema): string[] {
  return [...changesBetween(older, newer, ''), ...closedPlaces(newer, '')];
}

function changesBetween(older: JsonSchema, newer: JsonSchema, path: string): string[] {
  const found: string[] = [];
  const say = (what: string) => found.push(`${path === '' ? 'the ticket' : path}: ${what}`);

  const keywords = new Set([...Object.keys(older), ...Object.keys(newer)]);
  for (const keyword of keywords) {
    if (TEXTS.has(keyword) || STRUCTURE.has(keyword)) continue;
    if (!isDeepStrictEqual(sorted(older[keyword]), sorted(newer[keyword]))) {
      say(`${keyword} was ${shown(older[keyword])} and is ${shown(newer[keyword])}`);
    }
  }

  const [requiredBefore, requiredNow] = [new Set(older.required), new Set(newer.required)];
  for (const name of requiredNow) if (!requiredBefore.has(name)) say(`${name} became required`);
  for (const name of requiredBefore) if (!requiredNow.has(name)) say(`${name} is no longer required`);

  for (const [name, field] of Object.entries(older.properties ?? {})) {
    const now = newer.properties?.[name];
    if (now === undefined) say(`${name} was removed`);
    else found.push(...changesBetween(field, now, below(path, name)));
  }

  if ((older.items === undefined) !== (newer.items === undefined)) {
    say(
      `items ${older.items === undefined ? 'are described that were' : 'are no longer described as they were'}`,
    );
  } else if (older.items !== undefined && newer.items !== undefined) {
    found.push(...changesBetween(older.items, newer.items, `${path}[]`));
  }

  const [choicesBefore, choicesNow] = [older.anyOf ?? [], newer.anyOf ?? []];
  if (choicesBefore.length !== choicesNow.length) {
    say(`could be ${choicesBefore.length} kinds of value (anyOf) and can be ${choicesNow.length}`);
  } else {
    for (const [place, choice] of choicesBefore.entries()) {
      found.push(...changesBetween(choice, choicesNow[place] ?? {}, `${path}(${place + 1})`));
    }
  }
  return found;
}

/** Closed objects and enums, in fields that are new too. */
function closedPlaces(schema: JsonSchema, path: string): string[] {
  const found: string[] = [];
  const say = (what: string) => found.push(`${path === '' ? 'the ticket' : path}: ${what}`);
  const { additionalProperties } = schema;
  if (
    additionalProperties !== undefined &&
    additionalProperties !== true &&
    !isDeepStrictEqual(additionalProperties, {})
  ) {
    say('the object is closed to fields that are not listed');
  }
  for (const keyword of ['enum', 'const', 'unevaluatedProperties', 'propertyNames', 'patternProperties']) {
    if (keyword in schema) say(`${keyword} leaves no room for what comes; give known values as examples`);
  }
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    found.push(...closedPlaces(field, below(path, name)));
  }
  if (schema.items !== undefined) found.push(...closedPlaces(schema.items, `${path}[]`));
  for (const [place, choice] of (schema.anyOf ?? []).entries()) {
    found.push(...closedPlaces(choice, `${path}(${place + 1})`));
  }
  return found;
}

const below = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);

/** The order of types and values says nothing. */
function sorted(value: unknown): unknown {
  return Array.isArray(value) ? value.toSorted() : value;
}

function shown(value: unknown): string {
  return value === undefined ? 'absent' : JSON.stringify(value);
}
