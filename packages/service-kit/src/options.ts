/**
 * One table a service says everything about its options: types, reading, `--help`, `.env.example` and what the log
 * shows. Reading finds every problem before anything else happens, and says each with its remedy; the value of a
 * secret is in no message.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { KnownValues, Option, OptionProblem } from './option.ts';
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
 * @returns every option's value, in the units its kind names
 * @throws config.invalid  all wrong, missing and contradicting options in one message, a line each
 */
export function readOptions<Table extends OptionTable>(table: Table, env: Environment): OptionValues<Table> {
  const values: Record<string, unknown> = {};
  const problems = new Map<string, string[]>();
  const report = (name: string, found: OptionProblem, got: string): void => {
    const lines = problems.get(name) ?? [];
    lines.push(`${name}: ${found.problem}${got}\n    → ${found.remedy}`);
    problems.set(name, lines);
  };

  for (const [name, option] of Object.entries(table.options)) {
    const raw = rawValue(env, name);
    if (raw === undefined) {
      values[name] = option.fallback();
      continue;
    }
    const result = option.schema.safeParse(raw);
    if (result.success) values[name] = result.data;
    else {
      const problem = result.error.issues[0]?.message ?? 'is wrong';
      report(name, { problem, remedy: `Give ${option.expected}.` }, got(option, raw));
    }
  }

  for (const [name, option] of Object.entries(table.options)) {
    if (problems.has(name)) continue;
    const value = values[name];
    if (value === undefined || value === null) {
      const required = typeof option.required === 'function' ? option.required(values) : option.required;
      if (required) report(name, { problem: 'is missing', remedy: missingRemedy(option) }, '');
      continue;
    }
    const found = option.check(value, values);
    if (found !== undefined) report(name, found, '');
  }

  for (const found of table.check(values)) {
    if (problems.has(found.option)) continue;
    if (found.comparedWith?.some((other) => problems.has(other)) === true) continue;
    report(found.option, found, '');
  }

  if (problems.size > 0) throw invalid(table, problems);
  return values as OptionValues<Table>;
}

function got(option: Option<unknown>, raw: string): string {
  if (option.secret) return '';
  // A password may stand in a URL or a list by mistake; it is the mistake that is reported, not the password.
  const shown = raw.replace(/\/\/[^/\s]*@/g, '//…@');
  return ` (got ${JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown)})`;
}

function missingRemedy(option: Option<unknown>): string {
  const example = option.example === undefined ? '' : `, e.g. ${option.example}`;
  return `Give ${option.expected}${example}. ${option.text}`;
}

function invalid(table: OptionTable, problems: ReadonlyMap<string, readonly string[]>): TicketStreamError {
  const names = [...Object.keys(table.options), ...problems.keys()].filter((name) => problems.has(name));
  const ordered = [...new Set(names)];
  const lines = ordered.flatMap((name) => problems.get(name) ?? []);
  const title = lines.length === 1 ? 'An option is wrong:' : `${lines.length} options are wrong:`;
  return new TicketStreamError('config.invalid', [title, ...lines.map((line) => `  ${line}`)].join('\n'), {
    context: { options: ordered.join(', ') },
  });
}

/** @returns a sentence for every variable of the environment that looks like a misspelt option */
export function optionWarnings(table: OptionTable, env: Environment): string[] {
  return optionNearMisses(Object.keys(table.options), env).map(
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

/** Every secret's value, for the log to leave out wherever it turns up. */
export function secretValues<Table extends OptionTable>(table: Table, values: OptionValues<Table>): string[] {
  return Object.entries(table.options).flatMap(([name, option]) => {
    const value = (values as KnownValues)[name];
    return option.secret && typeof value === 'string' ? [value] : [];
  });
}
