/**
 * The kinds of option a table is made of. One entry says everything about an option: its type follows from it, its
 * value is checked by it, and `--help` and `.env.example` are written from it.
 */
import { resolve } from 'node:path';
import { z } from 'zod';
import { isLoopbackHost } from './loopback.ts';

/** The values of the other options as far as they are right; undefined: not set, or wrong and reported already. */
export type KnownValues = Readonly<Record<string, unknown>>;

export interface OptionProblem {
  /** What is wrong, as it follows the option's name: "must be at most 1000". */
  readonly problem: string;
  /** What to do about it. */
  readonly remedy: string;
}

export interface Option<Value> {
  readonly kind: string;
  /** One sentence on what the option does. */
  readonly text: string;
  readonly fallback: () => Value | undefined;
  /** The default as it would be written in the environment. */
  readonly defaultText: string | undefined;
  readonly required: boolean | ((values: KnownValues) => boolean);
  readonly unit: string | undefined;
  readonly example: string | undefined;
  /** The value must never be shown, nor what was given in its place. */
  readonly secret: boolean;
  /** The part of a secret that no log line may contain; undefined: none. */
  secretPart(value: NonNullable<Value>): string | undefined;
  /** What a right value looks like: "a whole number from 1 to 1000". */
  readonly expected: string;
  readonly schema: z.ZodType<NonNullable<Value>, string>;
  /** The value as the log may show it. */
  show(value: NonNullable<Value>): unknown;
  /** Compares the option with others. Called only when this one is set (or has a default) and right by itself. */
  check(value: NonNullable<Value>, values: KnownValues): OptionProblem | undefined;
}

interface Common<Value> {
  readonly text: string;
  readonly default?: Value;
  /** A function: required depending on the other options. */
  readonly required?: boolean | ((values: KnownValues) => boolean);
  readonly example?: string;
  readonly check?: (value: Value, values: KnownValues) => OptionProblem | undefined;
}

/** What reading gives: an option with a default, or one that is always required, is never undefined. */
type Present<Value, Spec> = Spec extends { readonly default: unknown } | { readonly required: true }
  ? Value
  : Value | undefined;

interface Parts<Value> {
  readonly kind: string;
  readonly expected: string;
  readonly schema: z.ZodType<Value, string>;
  readonly fallback?: (value: Value) => Value;
  readonly write?: (value: Value) => string;
  readonly unit?: string | undefined;
  readonly secret?: boolean;
  readonly secretPart?: (value: Value) => string | undefined;
  readonly show?: (value: Value) => unknown;
}

const same = <Value>(value: Value): Value => value;

function build<Value, Spec extends Common<Value>>(
  spec: Spec,
  parts: Parts<Value>,
): Option<Present<Value, Spec>> {
  const built: Option<Value> = {
    kind: parts.kind,
    text: spec.text,
    fallback: () => (spec.default === undefined ? undefined : (parts.fallback ?? same)(spec.default)),
    defaultText: spec.default === undefined ? undefined : (parts.write ?? String)(spec.default),
    required: spec.required ?? false,
    unit: parts.unit,
    example: spec.example,
    secret: parts.secret ?? false,
    secretPart: parts.secretPart ?? (() => undefined),
    expected: parts.expected,
    schema: parts.schema as unknown as z.ZodType<NonNullable<Value>, string>,
    show: parts.show ?? same,
    check: spec.check ?? (() => undefined),
  };
  // The only difference is whether undefined can come out, which the table knows from the same two fields.
  return built as unknown as Option<Present<Value, Spec>>;
}

const SHOWN_CHARACTERS_MAX = 80;

/**
 * Text of the environment as a message may show it. Passwords turn up in front of an `@` where no password belongs;
 * it is the mistake that gets reported.
 */
export function quoted(raw: string): string {
  const shown = raw.replace(/\S*@/g, '…@');
  return JSON.stringify(
    shown.length > SHOWN_CHARACTERS_MAX ? `${shown.slice(0, SHOWN_CHARACTERS_MAX)}…` : shown,
  );
}

/** The variable that names a file with the secret, in place of the secret itself. */
export function secretFileName(name: string): string {
  return `${name}_FILE`;
}

/** A schema from a function: the value, or what is wrong with the text. */
function parsed<Value>(
  parse: (text: string) => { value: Value } | { problem: string },
): z.ZodType<Value, string> {
  return z.string().transform((text, context) => {
    const result = parse(text);
    if ('value' in result) return result.value;
    context.addIssue({ code: 'custom', message: result.problem });
    return z.NEVER;
  });
}

interface TextSpec extends Common<string> {
  readonly pattern?: RegExp;
  /** What a right value looks like, when `pattern` asks for something. */
  readonly expected?: string;
  readonly charactersMax?: number;
}

function text<const Spec extends TextSpec>(spec: Spec) {
  const expected = spec.expected ?? 'text';
  let schema = z
    .string()
    .max(spec.charactersMax ?? 4096, `must have at most ${spec.charactersMax ?? 4096} characters`);
  if (spec.pattern !== undefined) schema = schema.regex(spec.pattern, 'is not allowed here');
  return build<string, Spec>(spec, { kind: 'text', expected, schema });
}

interface SecretSpec extends Common<string> {
  readonly pattern?: RegExp;
  readonly expected?: string;
}

function secret<const Spec extends SecretSpec>(spec: Spec) {
  let schema = z
    .string()
    .max(4096, 'must have at most 4096 characters')
    // Pasted line breaks fail much later, as "wrong credentials", where nobody looks for them.
    .refine((value) => !/\p{Cc}/u.test(value), 'has a line break or another control character in it');
  if (spec.pattern !== undefined) schema = schema.regex(spec.pattern, 'does not have the form it must have');
  return build<string, Spec>(spec, {
    kind: 'secret',
    expected: spec.expected ?? 'the secret as it was issued',
    schema,
    secret: true,
    secretPart: (value) => value,
    show: () => '(set)',
  });
}

interface NumberSpec extends Common<number> {
  readonly min?: number;
  readonly max?: number;
  readonly unit?: string;
}

function range(min: number | undefined, max: number | undefined): string {
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  if (min !== undefined) return ` of at least ${min}`;
  if (max !== undefined) return ` of at most ${max}`;
  return '';
}

function outOfRange(
  value: number,
  spec: NumberSpec,
  write: (value: number) => string = String,
): string | undefined {
  if (spec.min !== undefined && value < spec.min) return `must be at least ${write(spec.min)}`;
  if (spec.max !== undefined && value > spec.max) return `must be at most ${write(spec.max)}`;
  return undefined;
}

function integerSchema(spec: NumberSpec): z.ZodType<number, string> {
  return parsed((raw) => {
    const value = /^[+-]?\d{1,15}$/.test(raw) ? Number(raw) : undefined;
    if (value === undefined) return { problem: 'is not a whole number' };
    const problem = outOfRange(value, spec);
    return problem === undefined ? { value } : { problem };
  });
}

function integer<const Spec extends NumberSpec>(spec: Spec) {
  const what = spec.unit === undefined ? 'a whole number' : `a whole number of ${spec.unit}`;
  const expected = what + range(spec.min, spec.max);
  return build<number, Spec>(spec, {
    kind: 'integer',
    expected,
    schema: integerSchema(spec),
    unit: spec.unit,
  });
}

/** A share of something, such as 0.8. */
function fraction<const Spec extends NumberSpec>(spec: Spec) {
  return build<number, Spec>(spec, {
    kind: 'fraction',
    expected: `a number${range(spec.min, spec.max)}`,
    schema: parsed((raw) => {
      const value = /^\d{1,15}(\.\d{1,15})?$/.test(raw) ? Number(raw) : undefined;
      if (value === undefined) return { problem: 'is not a number such as 0.8' };
      const problem = outOfRange(value, spec);
      return problem === undefined ? { value } : { problem };
    }),
    unit: spec.unit,
  });
}

function port<const Spec extends Common<number>>(spec: Spec) {
  return build<number, Spec>(spec, {
    kind: 'port',
    expected: 'a port number from 1 to 65535, or 0 for any free one',
    schema: integerSchema({ text: '', min: 0, max: 65_535 }),
  });
}

function boolean<const Spec extends Common<boolean>>(spec: Spec) {
  return build<boolean, Spec>(spec, {
    kind: 'boolean',
    expected: 'true or false',
    schema: z.stringbool({
      truthy: ['true', '1', 'yes', 'on'],
      falsy: ['false', '0', 'no', 'off'],
      error: 'is neither true nor false',
    }),
  });
}

interface ChoiceSpec extends Common<string> {
  readonly of: readonly [string, ...string[]];
}

function choice<const Spec extends ChoiceSpec>(spec: Spec) {
  return build<Spec['of'][number], Spec>(spec, {
    kind: 'choice',
    expected: `one of ${spec.of.join(', ')}`,
    schema: z
      .string()
      .toLowerCase()
      .pipe(z.enum(spec.of, { error: 'is not one of the choices' })),
  });
}

interface UrlSpec extends Common<string> {
  /** Refuses `http:` to anything but this machine: credentials and tickets would travel in clear. */
  readonly cleartextLoopbackOnly?: boolean;
  /** The address is that of a whole server: a path, query or fragment is refused, naming the address without it. */
  readonly originOnly?: boolean;
  /** The path is the key (as with Slack's webhooks): logs show scheme and host only. */
  readonly secretPath?: boolean;
}

function urlSchema(spec: UrlSpec): z.ZodType<string, string> {
  return parsed((raw) => {
    const problem = (problem: string) => ({ problem });
    const url = URL.parse(raw);
    if (url === null || !/^[a-z][a-z0-9+.-]*:\/\//i.test(raw)) return problem('is not a URL with its scheme');
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      return problem('must begin with https:// or http://');
    if (url.username !== '' || url.password !== '')
      return problem('has credentials in it, and URLs end up in logs');
    if (spec.cleartextLoopbackOnly === true && url.protocol === 'http:' && !isLoopbackHost(url.hostname))
      return problem('would send credentials in clear: http:// is for this machine only');
    if (spec.originOnly === true && (url.pathname !== '/' || url.search !== '' || url.hash !== ''))
      return problem(`must end after the host: ${url.origin}`);
    if (url.pathname === '/' && url.search === '' && url.hash === '') return { value: url.origin };
    return { value: url.href };
  });
}

function pathAndQuery(value: string): string | undefined {
  const { pathname, search } = new URL(value);
  return pathname === '/' && search === '' ? undefined : pathname + search;
}

/** An http(s) address; its path stays as it was given, since a server may tell `/hook/` from `/hook`. */
function url<const Spec extends UrlSpec>(spec: Spec) {
  const expected =
    spec.cleartextLoopbackOnly === true
      ? 'an https:// URL without credentials in it, or http:// to this machine'
      : 'an https:// or http:// URL without credentials in it';
  return build<string, Spec>(spec, {
    kind: 'url',
    expected,
    schema: urlSchema(spec),
    secret: spec.secretPath ?? false,
    secretPart: (value) => (spec.secretPath === true ? pathAndQuery(value) : undefined),
    show: (value) => (spec.secretPath === true ? `${new URL(value).origin}/…` : value),
  });
}

const isoDate = z.iso.date();
const isoDateTime = z.iso.datetime({ offset: true });

/** A moment in time, in whole epoch seconds. A date without a time is its first second in UTC. */
function moment<const Spec extends NumberSpec>(spec: Spec) {
  const write = (seconds: number): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
  return build<number, Spec>(spec, {
    kind: 'moment',
    expected: 'epoch seconds, or a date such as 2026-01-31 or 2026-01-31T08:00:00Z',
    schema: parsed((raw) => {
      let seconds: number;
      if (/^\d{13,}$/.test(raw)) return { problem: 'looks like milliseconds' };
      if (/^\d+$/.test(raw)) seconds = Number(raw);
      else if (isoDate.safeParse(raw).success || isoDateTime.safeParse(raw).success)
        seconds = Math.floor(Date.parse(raw) / 1000);
      else return { problem: 'is neither epoch seconds nor a date with its zone' };
      const problem = outOfRange(seconds, spec, write);
      return problem === undefined ? { value: seconds } : { problem };
    }),
    write,
    show: write,
  });
}

const durationUnitsMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** @returns milliseconds; undefined: not a duration */
function parseDuration(raw: string): number | undefined {
  const written = raw.replaceAll(' ', '').toLowerCase();
  if (written === '0') return 0;
  if (!/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(written)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of written.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    totalMs += Number(amount) * durationUnitsMs[unit as keyof typeof durationUnitsMs];
  return totalMs;
}

interface DurationSpec {
  readonly text: string;
  /** What the value is counted in; the environment always names its unit itself: 6h, 90s, 250ms. */
  readonly unit: 's' | 'ms';
  readonly default?: string;
  readonly min?: string;
  readonly max?: string;
  readonly required?: boolean | ((values: KnownValues) => boolean);
  readonly example?: string;
  readonly check?: (value: number, values: KnownValues) => OptionProblem | undefined;
}

/** A length of time, in seconds or milliseconds as `unit` says. */
function duration<const Spec extends DurationSpec>(spec: Spec): Option<Present<number, Spec>> {
  const limit = (written: string | undefined): number | undefined =>
    written === undefined ? undefined : parseDuration(written);
  const [minMs, maxMs] = [limit(spec.min), limit(spec.max)];
  const perUnitMs = durationUnitsMs[spec.unit];
  const between =
    spec.min !== undefined && spec.max !== undefined
      ? `, from ${spec.min} to ${spec.max}`
      : spec.min !== undefined
        ? `, at least ${spec.min}`
        : spec.max !== undefined
          ? `, at most ${spec.max}`
          : '';
  const defaultMs = limit(spec.default);
  const write = (value: number): string => writeDuration(value * perUnitMs);
  const built = build<number, Common<number>>(
    {
      text: spec.text,
      ...(defaultMs === undefined ? {} : { default: defaultMs / perUnitMs }),
      ...(spec.required === undefined ? {} : { required: spec.required }),
      ...(spec.example === undefined ? {} : { example: spec.example }),
      ...(spec.check === undefined ? {} : { check: spec.check }),
    },
    {
      kind: 'duration',
      expected: `a duration with its unit, such as 90s, 15m or 6h${between}`,
      schema: parsed((raw) => {
        const ms = parseDuration(raw);
        if (ms === undefined)
          return { problem: /^\d+$/.test(raw) ? 'has no unit (ms, s, m, h or d)' : 'is not a duration' };
        if (minMs !== undefined && ms < minMs) return { problem: `must be at least ${spec.min}` };
        if (maxMs !== undefined && ms > maxMs) return { problem: `must be at most ${spec.max}` };
        return { value: ms / perUnitMs };
      }),
      write,
      show: write,
    },
  );
  return built as unknown as Option<Present<number, Spec>>;
}

function writeDuration(totalMs: number): string {
  if (totalMs === 0) return '0s';
  let restMs = totalMs;
  let written = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const amount = Math.floor(restMs / durationUnitsMs[unit]);
    if (amount > 0) written += `${amount}${unit}`;
    restMs -= amount * durationUnitsMs[unit];
  }
  return written;
}

interface ListSpec extends Common<readonly string[]> {
  /** @returns what is wrong with one element; undefined: nothing */
  readonly item?: (item: string) => string | undefined;
  /** What a right element looks like: "host:port". */
  readonly expectedItem?: string;
}

/** Texts between commas; blanks around them and empty ones do not count. */
function list<const Spec extends ListSpec>(spec: Spec) {
  return build<readonly string[], Spec>(spec, {
    kind: 'list',
    expected: `${spec.expectedItem ?? 'texts'}, several of them with commas between`,
    schema: parsed((raw) => {
      const items = raw
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      if (items.length === 0) return { problem: 'names nothing' };
      for (const item of items) {
        const problem = spec.item?.(item);
        if (problem !== undefined) return { problem: `${quoted(item)} ${problem}` };
      }
      return { value: items };
    }),
    write: (items) => items.join(','),
  });
}

/** A file or folder, as an absolute path; a relative one starts at the folder the process runs in. */
function path<const Spec extends Common<string>>(spec: Spec) {
  return build<string, Spec>(spec, {
    kind: 'path',
    expected: 'a path',
    fallback: (value) => resolve(value),
    schema: parsed((raw) => {
      // Shells expand ~, environment files do not; a folder named ~ is nobody's wish.
      if (raw.startsWith('~')) return { problem: 'begins with ~, which only a shell would expand' };
      if (raw.includes('\0')) return { problem: 'has a character that no path has' };
      return { value: resolve(raw) };
    }),
  });
}

export const option = {
  text,
  secret,
  integer,
  fraction,
  boolean,
  choice,
  url,
  port,
  moment,
  duration,
  list,
  path,
};
