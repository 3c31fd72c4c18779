import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import { compileCondition } from '@ticket-stream/condition';
import { TicketStreamError } from '@ticket-stream/errors';
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument, Scalar } from 'yaml';
import { z } from 'zod';
import { type Rule, severities } from './rule.ts';
import { placeInSource } from './scalar-place.ts';

/**
 * A rule file is read whole or not at all: every error of it is named at once, with line, column and cause, and
 * nothing starts. A rule left out because of a typo is an alert that never comes.
 */

const FILE_BYTES_MAX = 1024 * 1024;
const RULES_MAX = 500;
const PROBLEMS_SHOWN_MAX = 50;

const ruleShape = z.strictObject({
  name: z
    .string('a name is text')
    .regex(
      /^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,79}$/u,
      'a name has 1 to 80 letters, digits, spaces, dots, dashes and underscores, and begins with a letter or digit',
    ),
  when: z.string('a condition is text'),
  severity: z.enum(severities, `a severity is one of ${severities.join(', ')}`).default('warning'),
  summary: z
    .string('a summary is text')
    .min(1, 'a summary has text or is left out')
    .max(500, 'a summary has at most 500 characters')
    .optional(),
});

const fileShape = z.strictObject({
  version: z.literal(1, 'version must be 1'),
  rules: z
    .array(ruleShape, 'rules must be a list')
    .min(1, 'the file has no rule')
    .max(RULES_MAX, `a file has at most ${RULES_MAX} rules`),
});

/** `line` and `column` count from 1. */
interface RuleFileProblem {
  readonly line: number;
  readonly column: number;
  readonly cause: string;
}

export type ParsedRuleFile =
  | { readonly rules: readonly Rule[]; readonly problems?: undefined }
  | { readonly rules?: undefined; readonly problems: readonly RuleFileProblem[] };

/** @param text  the file; every problem of it is returned, in the order of the file */
export function parseRuleFile(text: string): ParsedRuleFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, version: '1.2' });
  const problems: RuleFileProblem[] = [];
  const report = (offset: number, cause: string): void => {
    const { line, col } = lines.linePos(Math.max(0, Math.min(offset, text.length)));
    problems.push({ line, column: col, cause });
  };

  for (const error of document.errors) {
    const several = error.code === 'MULTIPLE_DOCS';
    report(error.pos[0], several ? 'the file holds more than one document' : error.message);
  }
  // What stands after a syntax error was guessed by the parser; more findings there would mislead.
  if (problems.length > 0) return { problems: inOrder(problems) };

  let value: unknown;
  try {
    // A rule file is small; the limit stops aliases that unfold to gigabytes.
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    report(0, error instanceof Error ? error.message : 'the file cannot be read as YAML');
    return { problems };
  }

  const shape = fileShape.safeParse(value);
  if (!shape.success) {
    for (const issue of shape.error.issues) {
      if (issue.code === 'unrecognized_keys') {
        for (const key of issue.keys) {
          report(keyOffset(document, issue.path, key), `there is no field '${key}' here`);
        }
      } else {
        report(valueOffset(document, issue.path), causeOf(issue, value));
      }
    }
  }

  const rules = checkRules(text, document, value, report);
  if (problems.length > 0 || !shape.success) return { problems: inOrder(problems) };
  return {
    rules: shape.data.rules.flatMap(({ name, severity, summary }, index) => {
      const condition = rules[index];
      return condition === undefined ? [] : [{ name, severity, summary, condition }];
    }),
  };
}

/** Conditions and names are checked of every rule that has them, whatever else is wrong with the file. */
function checkRules(
  text: string,
  document: Document,
  value: unknown,
  report: (offset: number, cause: string) => void,
): (Rule['condition'] | undefined)[] {
  const list = typeof value === 'object' && value !== null && 'rules' in value ? value.rules : undefined;
  if (!Array.isArray(list)) return [];
  const firstLine = new Map<string, number>();
  return list.slice(0, RULES_MAX).map((rule: unknown, index) => {
    const { name, when } = (typeof rule === 'object' && rule !== null ? rule : {}) as {
      name?: unknown;
      when?: unknown;
    };
    if (typeof name === 'string') {
      const first = firstLine.get(name);
      if (first === undefined) firstLine.set(name, index);
      else
        report(
          valueOffset(document, ['rules', index, 'name']),
          `the name '${name}' is that of rule ${first + 1}`,
        );
    }
    if (typeof when !== 'string') return undefined;
    const condition = compileCondition(when);
    if ('holds' in condition) return condition;
    for (const problem of condition) {
      report(
        scalarOffset(text, document, ['rules', index, 'when'], when, problem.offset),
        `when: ${problem.cause}`,
      );
    }
    return undefined;
  });
}

function causeOf(issue: z.core.$ZodIssue, value: unknown): string {
  const field = issue.path.at(-1);
  const holder = issue.path.slice(0, -1).reduce<unknown>((at, key) => {
    return typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  }, value);
  const missing =
    typeof field === 'string' &&
    (typeof holder !== 'object' || holder === null || !(field in holder)) &&
    (issue.code === 'invalid_type' || issue.code === 'invalid_value');
  if (missing) return `'${field}' is missing`;
  if (issue.path.length === 0) return 'the file must be a map with version and rules';
  if (typeof field === 'number') return 'a rule must be a map with name and when';
  return issue.message;
}

function nodeOffset(document: Document, path: readonly PropertyKey[]): number | undefined {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return isNode(node) && node.range ? node.range[0] : undefined;
}

/** The value at the path; where it is missing, what should have held it. */
function valueOffset(document: Document, path: readonly PropertyKey[]): number {
  for (let depth = path.length; depth >= 0; depth--) {
    const offset = nodeOffset(document, path.slice(0, depth));
    if (offset !== undefined) return offset;
  }
  return 0;
}

function keyOffset(document: Document, path: readonly PropertyKey[], key: string): number {
  const holder = path.length === 0 ? document.contents : document.getIn(path, true);
  if (isMap(holder)) {
    for (const pair of holder.items) {
      if (isScalar(pair.key) && String(pair.key.value) === key && pair.key.range) return pair.key.range[0];
    }
  }
  return valueOffset(document, path);
}

function scalarOffset(
  text: string,
  document: Document,
  path: readonly PropertyKey[],
  value: string,
  offset: number,
): number {
  const node = document.getIn(path, true);
  if (!isScalar(node) || !node.range) return valueOffset(document, path);
  let [start] = node.range;
  if (node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE) start += 1;
  else if (node.type === Scalar.BLOCK_LITERAL || node.type === Scalar.BLOCK_FOLDED) {
    // The range begins at the `|` or `>`; a comment may follow on that line.
    const lineEnd = text.indexOf('\n', start);
    start = lineEnd === -1 ? text.length : lineEnd + 1;
  }
  return placeInSource(text, start, value, offset);
}

function inOrder(problems: readonly RuleFileProblem[]): RuleFileProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/**
 * @param path  a YAML file: `version: 1`, `rules: [{ name, when, severity?, summary? }]`
 * @throws rules.invalid  every problem, one a line: `file:line:column: cause`; also where the file cannot be read
 */
export async function loadRuleFile(path: string): Promise<readonly Rule[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new TicketStreamError('rules.invalid', `${path}: the rule file cannot be read (${code})`, {
      cause: error,
      context: { file: path },
      remedy: 'Point ALERT_RULES to a rule file; nothing was started.',
    });
  }
  if (bytes.length > FILE_BYTES_MAX) {
    throw new TicketStreamError(
      'rules.invalid',
      `${path}: the rule file has ${bytes.length} bytes; at most ${FILE_BYTES_MAX} are read`,
      { context: { file: path } },
    );
  }
  if (!isUtf8(bytes)) {
    // Read all the same, 'Zoë' in a condition would be a word that no ticket has.
    throw new TicketStreamError('rules.invalid', `${path}: the rule file is not UTF-8`, {
      context: { file: path },
    });
  }
  const { rules, problems } = parseRuleFile(bytes.toString('utf8'));
  if (rules !== undefined) return rules;
  const shown = problems
    .slice(0, PROBLEMS_SHOWN_MAX)
    .map(({ line, column, cause }) => `${path}:${line}:${column}: ${cause}`);
  if (problems.length > shown.length) shown.push(`${path}: and ${problems.length - shown.length} more`);
  throw new TicketStreamError('rules.invalid', shown.join('\n'), {
    context: { file: path, problems: problems.length },
  });
}
