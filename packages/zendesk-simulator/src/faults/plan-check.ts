/** A plan as it comes from a file or over HTTP: a wrong one is refused as a whole, naming each rule that is wrong. */
import { readFileSync } from 'node:fs';
import { TicketStreamError } from '@ticket-stream/errors';
import { type Fault, type FaultKind, type FaultPlan, faultStatuses, isAnswerFault } from './fault-plan.ts';

type Check = (value: unknown) => string | undefined;

const wholeFrom =
  (from: number): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= from
      ? undefined
      : `must be a whole number from ${from} on`;

const oneOf =
  (...known: readonly (string | number)[]): Check =>
  (value) =>
    known.includes(value as string) ? undefined : `must be one of ${known.join(', ')}`;

const text: Check = (value) =>
  // A line break would end the header that it goes into.
  typeof value === 'string' && /^[\x20-\x7e]*$/.test(value) ? undefined : 'must be printable ASCII text';

const names: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === 'string')
    ? undefined
    : 'must be a list of names';

const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? undefined : check(value);

const either =
  (...checks: readonly Check[]): Check =>
  (value) => {
    const problems = checks.map((check) => check(value));
    return problems.includes(undefined) ? undefined : problems.join(' or ');
  };

/** Longer ones only keep a connection busy. */
const milliseconds: Check = (value) =>
  wholeFrom(0)(value) ?? ((value as number) > 3_600_000 ? 'must be at most an hour' : undefined);

const FIELDS: { readonly [Kind in FaultKind]: Readonly<Record<string, Check>> } = {
  cut: { atByte: wholeFrom(0), framing: optional(oneOf('chunked', 'length')) },
  end_early: { atByte: wholeFrom(0) },
  stall: { atByte: wholeFrom(0), forMs: milliseconds },
  content_type: { value: optional(text) },
  html: {},
  empty_body: {},
  status: {
    status: oneOf(...faultStatuses),
    retryAfter: optional(either(wholeFrom(0), text)),
    retryAfterDateSeconds: optional(wholeFrom(0)),
  },
  login_redirect: { location: optional(text) },
  duplicate: { tickets: wholeFrom(1) },
  missing: { tickets: wholeFrom(1), count: optional(oneOf('true', 'matching')) },
  wrong_count: {
    by: (value) => (Number.isSafeInteger(value) && value !== 0 ? undefined : 'must be a whole number, not 0'),
  },
  key_order: { order: either(oneOf('control_first', 'reversed'), names) },
  control_missing: { fields: names },
  control_null: { fields: names },
  latency: { ms: milliseconds },
  clock_jump: { seconds: wholeFrom(1) },
  seeded: { seed: wholeFrom(0) },
};

const MATCH_FIELDS: Readonly<Record<string, Check>> = {
  mode: optional(oneOf('time', 'cursor')),
  startTime: optional(wholeFrom(0)),
  cursor: optional(text),
  perPageFrom: optional(wholeFrom(1)),
  perPageTo: optional(wholeFrom(1)),
};

/** @throws config.invalid  the file is not there, is not JSON, or is no plan */
export function readFaultPlan(path: string): FaultPlan {
  let plan: unknown;
  try {
    plan = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new TicketStreamError('config.invalid', `${path} cannot be read as a fault plan`, { cause });
  }
  return checkFaultPlan(plan);
}

/** @throws config.invalid  naming every rule and field that is wrong */
export function checkFaultPlan(plan: unknown): FaultPlan {
  if (!Array.isArray(plan)) throw new TicketStreamError('config.invalid', 'a fault plan is a list of rules');
  const problems = plan.flatMap((rule: unknown, place) =>
    [...ruleProblems(rule)].map((problem) => `rule ${place + 1}: ${problem}`),
  );
  if (problems.length > 0) throw new TicketStreamError('config.invalid', problems.join('; '));
  return plan as FaultPlan;
}

function* ruleProblems(rule: unknown): Generator<string> {
  if (!isObject(rule)) {
    yield 'is not an object';
    return;
  }
  yield* fieldProblems(rule, {
    on: (on) => onProblem(on),
    fault: (fault) => [...faultProblems(fault)].join(', ') || undefined,
    otherwise: optional((fault) => [...answerProblems(fault)].join(', ') || undefined),
    times: optional(wholeFrom(1)),
  });
}

function onProblem(on: unknown): string | undefined {
  const known = 'must be one of {request}, {every}, {match}';
  if (!isObject(on) || Object.keys(on).length !== 1) return known;
  if ('request' in on) return wholeFrom(1)(on['request']);
  if ('every' in on) return wholeFrom(1)(on['every']);
  if (!('match' in on)) return known;
  const { match } = on;
  if (typeof match === 'function') return undefined;
  if (!isObject(match)) return 'match must be an object';
  return [...fieldProblems(match, MATCH_FIELDS)].join(', ') || undefined;
}

function* faultProblems(fault: unknown): Generator<string> {
  if (!isObject(fault)) {
    yield 'must be an object';
    return;
  }
  const { kind, ...fields } = fault;
  const checks =
    typeof kind === 'string' && Object.hasOwn(FIELDS, kind) ? FIELDS[kind as FaultKind] : undefined;
  if (checks === undefined) yield `kind must be one of ${Object.keys(FIELDS).join(', ')}`;
  else yield* fieldProblems(fields, checks);
}

function* answerProblems(fault: unknown): Generator<string> {
  const problems = [...faultProblems(fault)];
  if (problems.length > 0) yield* problems;
  else if (!isAnswerFault(fault as Fault)) {
    yield 'kind must be one of html, empty_body, status, login_redirect';
  }
}

function* fieldProblems(
  fields: Readonly<Record<string, unknown>>,
  checks: Readonly<Record<string, Check>>,
): Generator<string> {
  for (const name of Object.keys(fields)) if (!Object.hasOwn(checks, name)) yield `${name} is not known`;
  for (const [name, check] of Object.entries(checks)) {
    const problem = check(fields[name]);
    if (problem !== undefined) yield `${name} ${problem}`;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What a fault is counted as. */
export function faultName(fault: Fault): string {
  return fault.kind === 'status' ? `status_${fault.status}` : fault.kind;
}
