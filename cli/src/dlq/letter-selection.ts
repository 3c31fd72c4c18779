/** Which letters a command is about: by what is known of them, or by the ids that a person typed. */
import { TicketStreamError } from '@ticket-stream/errors';
import { type LetterRow, type LetterState, letterHash, letterStates } from '@ticket-stream/kafka';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { MOMENT_EXPECTED, momentFlag } from '../environment/moment-flag.ts';
import { oneLine } from '../text/line.ts';

export interface LetterFilters {
  readonly code?: readonly string[];
  readonly group?: string;
  readonly origin?: 'export' | 'record';
  readonly since?: number;
  readonly until?: number;
  readonly state?: readonly LetterState[];
}

/** @param standing  the states that are meant where --state is not given */
export function filterFlags(command: Command, standing: readonly LetterState[]): Command {
  return command
    .option('--code <codes>', 'with one of these codes, such as record.invalid_value,ticket.too_large', list)
    .option('--group <group>', "of this consumer group; search and alerting are the services' own")
    .addOption(
      new Option('--origin <origin>', "the producer's (export) or consumers' (record)").choices([
        'export',
        'record',
      ]),
    )
    .option('--since <time>', `written at or after ${MOMENT_EXPECTED}`, momentFlag)
    .option('--until <time>', 'written before it', momentFlag)
    .addOption(stateFlag(standing));
}

function stateFlag(standing: readonly LetterState[]): Option {
  const known = letterStates.join(', ');
  return new Option(
    '--state <states>',
    `one of ${known}, several with commas, or all; else ${standing.join(',')}`,
  ).argParser(states);
}

function states(given: string): readonly LetterState[] {
  if (given === 'all') return letterStates;
  return list(given).map((each) => {
    const known = letterStates.find((state) => state === each);
    if (known === undefined) throw new InvalidArgumentError(`There are ${letterStates.join(', ')} and all.`);
    return known;
  });
}

function list(given: string): readonly string[] {
  return given
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}

/** @param tickets  the tickets topic, after which the services' groups are named */
export function matches(row: LetterRow, filters: LetterFilters, tickets: string): boolean {
  const { code, group, origin, since, until, state } = filters;
  return (
    (state === undefined || state.includes(row.state)) &&
    (code === undefined || (row.code !== undefined && code.includes(row.code))) &&
    (origin === undefined || row.origin?.kind === origin) &&
    (group === undefined || (row.origin?.kind === 'record' && isGroup(row.origin.group, group, tickets))) &&
    (since === undefined || row.lastAtMs >= since) &&
    (until === undefined || row.lastAtMs < until)
  );
}

/** `search` means `tickets.search.<index id>`, as everywhere. */
function isGroup(group: string, wanted: string, tickets: string): boolean {
  const short = `${tickets}.${wanted}`;
  return group === wanted || group === short || group.startsWith(`${short}.`);
}

const TYPED_ID = /^[0-9a-f]{4,64}$/i;

/**
 * The letters that were named, each once and in this order: by the beginning of their id, or by their whole key.
 * @throws config.invalid  one names no letter, or several
 */
export function namedLetters(rows: Iterable<LetterRow>, named: readonly string[]): LetterRow[] {
  const all = [...rows];
  const found = new Set<LetterRow>();
  for (const name of named) found.add(namedLetter(all, name));
  return [...found];
}

function namedLetter(all: readonly LetterRow[], name: string): LetterRow {
  const byKey = all.find(({ key }) => key === name);
  if (byKey !== undefined) return byKey;
  const typed = name.toLowerCase();
  const found = TYPED_ID.test(typed)
    ? all.filter(
        ({ id, key }) => id.startsWith(typed.slice(0, id.length)) && letterHash(key).startsWith(typed),
      )
    : [];
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const remedy =
    'Give an id as "ticket-stream dlq list --state all" shows it; its first four digits are enough.';
  if (only === undefined)
    throw new TicketStreamError('config.invalid', `there is no letter ${name}`, { remedy });
  const candidates = found.slice(0, 5).map(({ key }) => `${letterHash(key).slice(0, 16)} (${oneLine(key)})`);
  throw new TicketStreamError(
    'config.invalid',
    `${name} begins the ids of ${found.length} letters: ${candidates.join(', ')}${found.length > 5 ? ', …' : ''}`,
    { remedy: 'Give more of its digits. Nothing was changed.' },
  );
}
