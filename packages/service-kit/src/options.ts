/**
 * One table a service says everything about its options: types, reading, `--help`, `.env.example` and what the log
 * shows. Reading finds every problem before anything else happens, and says each with its remedy; the value of a
 * secret is in no message.
 */
import { readFileSync } from 'node:fs';
import { TicketStreamError } from '@ticket-stream/errors';
import { type KnownValues, type Option, type OptionProblem, quoted, secretFileName } from './option.ts';
import { optionNearMisses } from './option-near-misses.ts';

export type OptionFragment = Readonly<Record<string, Option<unknown>>>;

/** A problem of an option that its table found by comparing it with others. */
export interface TableProblem extends OptionProblem {
  readonly option: string;
  /** The options it was compared with; where one of them is wrong by itself, that is what gets reported. */
  readonly comparedWith?: readonly string[];
}

/** Name → value; undefined where the option is not set and has no default. */
export type OptionValues<Table> =
  Table extends OptionTable<infer Options>
    ? { readonly [Name in keyof Options]: Options[Name] extends Option<infer Value> ? Value : never }
    : never;

export interface OptionTable<Options extends OptionFragment = OptionFragment> {
  readonly options: Options;
  readonly check: (values: KnownValues) => readonly TableProblem[];
}

/**
 * @param options  name → kind of option; fragments such as `kafkaOptions` are spread in, their checks come with them
 * @param rules    check: what no single option can see. It gets only values that are right by themselves.
 */
export function defineOptions<const Options extends OptionFragment>(
  options: Options,
  rules: {
    readonly check?: (values: Partial<OptionValues<OptionTable<Options>>>) => readonly TableProblem[];
  } = {},
): OptionTable<Options> {
  const { check } = rules;
  return {
    options,
    check: (values) => check?.(values as Partial<OptionValues<OptionTable<Options>>>) ?? [],
  };
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says for `name`; set to nothing, as `NAME=` in a file, is not set. */
function rawValue(env: Environment, name: string): string | undefined {
  const raw = env[name]?.trim();
  return raw === '' ? undefined : raw;
}

/** @returns true when the environment itself gives the option, false when its default counts */
export function isOptionSet(env: Environment, name: string): boolean {
  return rawValue(env, name) !== undefined;
}

/**
 * A secret may stand in a file, named by NAME_FILE: Docker and Kubernetes hand secrets out so, and what a file has is
 * not in the environment, which `ps` and crash reports show.
 */
function secretOf(env: Environment, name: string): { readonly raw: string | undefined } | OptionProblem {
  const inEnvironment = rawValue(env, name);
  const file = rawValue(env, secretFileName(name));
  if (file === undefined) return { raw: inEnvironment };
  if (inEnvironment !== undefined) {
    return {
      problem: `is set, and ${secretFileName(name)} as well`,
      remedy: 'Give the secret itself or its file, not both.',
    };
  }
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch {
    return {
      problem: `can't be read from ${quoted(file)}, which ${secretFileName(name)} names`,
      remedy: 'Give the path of a file that this user may read.',
    };
  }
  return text === ''
    ? { problem: `is empty: the file ${quoted(file)} has nothing in it`, remedy: 'Write the secret into it.' }
    : { raw: text };
}

/**
 * @returns every option's value, in the units its kind names
 * @throws config.invalid  all wrong, missing and contradicting options in one message
 */
export function readOptions<Table extends OptionTable>(table: Table, env: Environment): OptionValues<Table> {
  const values: Record<string, unknown> = {};
  const problems = new Map<string, string>();
  const report = (name: string, { problem, remedy }: OptionProblem, got = ''): void => {
    const line = `  ${name}: ${problem}${got}\n    → ${remedy}`;
    const before = problems.get(name);
    problems.set(name, before === undefined ? line : `${before}\n${line}`);
  };

  for (const [name, option] of Object.entries(table.options)) {
    const given = option.secret ? secretOf(env, name) : { raw: rawValue(env, name) };
    if ('problem' in given) {
      report(name, given);
      continue;
    }
    const { raw } = given;
    if (raw === undefined) {
      values[name] = option.fallback();
      continue;
    }
    const result = option.schema.safeParse(raw);
    if (result.success) values[name] = result.data;
    else {
      const problem = result.error.issues[0]?.message ?? 'is wrong';
      const got = option.secret ? '' : ` (got ${quoted(raw)})`;
      report(name, { problem, remedy: `Give ${option.expected}.` }, got);
    }
  }

  // An option that is wrong by itself is reported once; whatever follows from comparing with it is not.
  const wrong: ReadonlySet<string> = new Set(problems.keys());
  for (const [name, option] of Object.entries(table.options)) {
    if (wrong.has(name)) continue;
    const known = watchedValues(values, wrong);
    const value = values[name];
    const found =
      value === undefined || value === null
        ? isRequired(option, known.values)
          ? { problem: 'is missing', remedy: missingRemedy(option) }
          : undefined
        : option.check(value, known.values);
    if (found !== undefined && !known.sawWrongOne()) report(name, found);
  }
  for (const found of table.check(values)) {
    if (wrong.has(found.option) || found.comparedWith?.some((other) => wrong.has(other)) === true) continue;
    report(found.option, found);
  }

  if (problems.size > 0) throw invalid(table, problems);
  return values as OptionValues<Table>;
}

/** The values, and whether somebody looked at one that is missing here only because it is wrong. */
function watchedValues(
  values: KnownValues,
  wrong: ReadonlySet<string>,
): { readonly values: KnownValues; readonly sawWrongOne: () => boolean } {
  let saw = false;
  return {
    values: new Proxy(values, {
      get: (target, name) => {
        if (typeof name !== 'string') return undefined;
        saw ||= wrong.has(name);
        return target[name];
      },
    }),
    sawWrongOne: () => saw,
  };
}

function isRequired(option: Option<unknown>, values: KnownValues): boolean {
  return typeof option.required === 'function' ? option.required(values) : option.required;
}

function missingRemedy(option: Option<unknown>): string {
  const example = option.example === undefined ? '' : `, e.g. ${option.example}`;
  return `Give ${option.expected}${example}. ${option.text}`;
}

function invalid(table: OptionTable, problems: ReadonlyMap<string, string>): TicketStreamError {
  const names = new Set(
    [...Object.keys(table.options), ...problems.keys()].filter((name) => problems.has(name)),
  );
  const lines = [...names].map((name) => problems.get(name) ?? '');
  const title = names.size === 1 ? 'An option is wrong:' : `${names.size} options are wrong:`;
  return new TicketStreamError('config.invalid', [title, ...lines].join('\n'), {
    context: { options: [...names].join(', ') },
  });
}

/** @returns a sentence for every variable of the environment that looks like a misspelt option */
export function optionWarnings(table: OptionTable, env: Environment): string[] {
  const known = Object.entries(table.options).flatMap(([name, { secret }]) =>
    secret ? [name, secretFileName(name)] : [name],
  );
  return optionNearMisses(known, env).map(
    ({ name, meant }) => `${name} is no option and has no effect; did you mean ${meant}?`,
  );
}

/** The values as the log may show them: secrets as "(set)", what is not set left out. */
export function effectiveOptions<Table extends OptionTable>(
  table: Table,
  values: OptionValues<Table>,
): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table.options)) {
    const value = (values as KnownValues)[name];
    if (value !== undefined && value !== null) shown[name] = option.show(value);
  }
  return shown;
}

/** What the log must leave out wherever it turns up. */
export function secretValues<Table extends OptionTable>(table: Table, values: OptionValues<Table>): string[] {
  return Object.entries(table.options).flatMap(([name, option]) => {
    const value = (values as KnownValues)[name];
    const secret = value === undefined || value === null ? undefined : option.secretPart(value);
    return secret === undefined ? [] : [secret];
  });
}
