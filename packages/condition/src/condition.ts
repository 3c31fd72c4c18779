import {
  type CelFunc,
  type CelInput,
  CelScalar,
  type CelValue,
  celEnv,
  celFunc,
  celList,
  celMethod,
  celType,
  isCelError,
  isCelList,
  isCelMap,
  parse,
  plan,
} from '@bufbuild/cel';
import { fieldOrNull, hasField, noTicket } from './cel-values.ts';

/**
 * One condition on a ticket in CEL, of an alert rule or of `tail --where`: checked before anything is asked of it, so
 * that nothing of it can fail for its form later.
 *
 * The language is CEL's with one difference: **what is not there is null, and null is never an error.**
 * `ticket.priority == 'urgent'` on a ticket without the key is false, so is `null < 3`, `'x' in null` and
 * `null.contains('x')`; where a bool is wanted, null is false; a missing list is an empty one of size 0. CEL itself
 * would fail, and a rule that fails on every second ticket watches nothing. Done by rewriting the parsed
 * expression: each access becomes a call that answers null.
 *
 * Kept out because a rule file must not be able to stop the stream: comprehensions inside comprehensions
 * (quadratic and worse in a ticket's lists), long and deep expressions, comprehensions over more than `LIST_ITEMS_MAX`
 * items, and inside one `in` a list of more. Regular expressions are RE2's, linear in the text.
 */
export interface Condition {
  readonly source: string;
  /**
   * - `transition`: it speaks of `previous` or `changed`; it holds for a version or not.
   * - `state`: it speaks of `ticket` alone; it is asked of the version before, too, and counts when it begins to hold.
   */
  readonly kind: 'state' | 'transition';
  /** @throws ConditionFailure  where the expression cannot be evaluated on these values, or gives no bool */
  holds(variables: ConditionVariables): boolean;
}

export interface ConditionVariables {
  readonly ticket: CelInput;
  readonly previous: CelInput;
  readonly changed: readonly string[];
}

/** A form error; `offset` is the place in the expression, in UTF-16 units. */
export interface ConditionProblem {
  readonly offset: number;
  readonly cause: string;
}

/** Why an evaluation failed, in words without any of the ticket's: CEL's own messages quote values. */
export class ConditionFailure extends Error {
  /** Place in the expression, UTF-16 units; undefined where the library does not say. */
  readonly offset: number | undefined;

  constructor(message: string, offset: number | undefined) {
    super(message);
    this.name = 'ConditionFailure';
    this.offset = offset;
  }
}

const CONDITION_CHARS_MAX = 4000;
/** The parser itself recurses; brackets are counted before it sees them. */
const BRACKET_DEPTH_MAX = 40;
const EXPRESSION_DEPTH_MAX = 250;
/** `map` and `filter` append by nesting one list into the next: 10,000 overflow the stack, 1,000 take 20 ms. */
const LIST_ITEMS_MAX = 1_000;

const VARIABLES = new Set(['ticket', 'previous', 'changed']);
const TYPE_NAMES = new Set([
  'int',
  'uint',
  'double',
  'bool',
  'string',
  'bytes',
  'list',
  'map',
  'null_type',
  'type',
]);

// Names no CEL source can spell, so a rule cannot call them.
const FIELD = '@field';
const HAS = '@has';
const ITEMS = '@items';
const TRUTH = '@truth';

const { BOOL, DYN, INT, NULL, STRING } = CelScalar;

type Expr = ReturnType<typeof parse>['expr'];

const environment = celEnv({
  funcs: [
    celFunc(FIELD, [DYN, DYN], DYN, (holder, key) => asInput(fieldOrNull(holder, key))),
    celFunc(HAS, [DYN, STRING], BOOL, (holder, field) => hasField(holder, field)),
    celFunc(ITEMS, [DYN], DYN, (value) => asInput(items(value))),
    celFunc(TRUTH, [DYN], DYN, (value) => asInput(value ?? false)),
    ...nullOverloads(),
  ],
});

/** Overloads are tried in order, CEL's own first: these answer only where CEL has no answer. */
function nullOverloads(): CelFunc[] {
  const overloads: CelFunc[] = [
    celFunc('@in', [DYN, NULL], BOOL, () => false),
    celFunc('size', [NULL], INT, () => 0n),
  ];
  for (const comparison of ['_<_', '_<=_', '_>_', '_>=_']) {
    overloads.push(celFunc(comparison, [NULL, DYN], BOOL, () => false));
    overloads.push(celFunc(comparison, [DYN, NULL], BOOL, () => false));
  }
  for (const method of ['contains', 'startsWith', 'endsWith', 'matches']) {
    overloads.push(celMethod(method, NULL, [STRING], BOOL, () => false));
    overloads.push(celMethod(method, STRING, [NULL], BOOL, () => false));
    overloads.push(celMethod(method, NULL, [NULL], BOOL, () => false));
  }
  overloads.push(celMethod('size', NULL, [], INT, () => 0n));
  return overloads;
}

function items(value: CelValue): CelValue {
  if (value === null) return celList([]);
  if (!isCelList(value) && !isCelMap(value)) throw new Error('iterates over something that is no list');
  if (value.size > LIST_ITEMS_MAX) throw new Error(`iterates over more than ${LIST_ITEMS_MAX} items`);
  return value;
}

// A CelValue is always a CelInput; the library's types do not say so.
function asInput(value: CelValue): CelInput {
  return value as CelInput;
}

/** @returns the condition, or everything that is wrong with its form */
export function compileCondition(source: string): Condition | readonly ConditionProblem[] {
  if (source.trim() === '') return [{ offset: 0, cause: 'the condition is empty' }];
  if (source.length > CONDITION_CHARS_MAX) {
    return [
      {
        offset: CONDITION_CHARS_MAX,
        cause: `the condition is longer than ${CONDITION_CHARS_MAX} characters; split the rule`,
      },
    ];
  }
  const tooDeep = bracketTooDeep(source);
  if (tooDeep !== undefined) {
    return [{ offset: tooDeep, cause: `brackets are nested deeper than ${BRACKET_DEPTH_MAX}` }];
  }
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(source);
  } catch (error) {
    return [syntaxProblem(error)];
  }
  const positions = parsed.sourceInfo?.positions ?? {};
  const walk = new ExpressionWalk((expr) => positions[String(expr.id)] ?? 0);
  walk.visit(parsed.expr, { bound: new Set(), insideComprehension: false, depth: 0 });
  if (walk.problems.length > 0) return walk.problems.toSorted((a, b) => a.offset - b.offset);

  const evaluate = plan(environment, parsed);
  const onNothing = evaluate({ ticket: noTicket, previous: noTicket, changed: [] });
  if (typeof onNothing !== 'boolean' && onNothing !== null && !isCelError(onNothing)) {
    return [{ offset: 0, cause: `the condition gives ${celType(onNothing).name}; it must give a bool` }];
  }
  return {
    source,
    kind: walk.variablesUsed.has('previous') || walk.variablesUsed.has('changed') ? 'transition' : 'state',
    holds({ ticket, previous, changed }) {
      const result = evaluate({ ticket, previous, changed });
      if (typeof result === 'boolean') return result;
      if (result === null) return false;
      if (!isCelError(result)) throw new ConditionFailure('the condition gives no bool', undefined);
      const offset = result.exprId === undefined ? undefined : positions[String(result.exprId)];
      throw new ConditionFailure(wordsWithoutTicket(result), offset);
    },
  };
}

function bracketTooDeep(source: string): number | undefined {
  let depth = 0;
  for (let offset = 0; offset < source.length; offset++) {
    const char = source.charAt(offset);
    if (char === '(' || char === '[' || char === '{') depth++;
    else if (char === ')' || char === ']' || char === '}') depth--;
    if (depth > BRACKET_DEPTH_MAX) return offset;
  }
  return undefined;
}

function syntaxProblem(error: unknown): ConditionProblem {
  const { location, found } = error as {
    location?: { start?: { offset?: number } };
    found?: string | null;
  };
  const near =
    typeof found === 'string' && found !== '' ? `did not expect '${found}' here` : 'it ends too early';
  return { offset: location?.start?.offset ?? 0, cause: `the condition is no CEL: ${near}` };
}

/** Only what names types and operators goes into a log; `int(x)` quotes x, which is a ticket's text. */
function wordsWithoutTicket(error: Error): string {
  const safe =
    /^(found no matching overload for '[^']*' applied to '[^']*'|type mismatch: [\w ,]+|iterates over [\w ]+|looks for a field in [\w ]+|(?:divide|modulus) by zero|[\w ]*overflow[\w ]*)$/i;
  const [line = ''] = error.message.split('\n', 1);
  return safe.test(line) ? line : 'a value is not what a function of the condition needs';
}

interface Scope {
  /** Names bound by the comprehension around. */
  readonly bound: ReadonlySet<string>;
  readonly insideComprehension: boolean;
  readonly depth: number;
}

/** Checks the parsed expression and rewrites its accesses in place; ids stay, so positions do. */
class ExpressionWalk {
  readonly problems: ConditionProblem[] = [];
  readonly variablesUsed = new Set<string>();
  readonly #offsetOf: (expr: Expr) => number;

  constructor(offsetOf: (expr: Expr) => number) {
    this.#offsetOf = offsetOf;
  }

  visit(expr: Expr | undefined, outer: Scope): void {
    if (expr === undefined) return;
    const scope = { ...outer, depth: outer.depth + 1 };
    if (scope.depth > EXPRESSION_DEPTH_MAX) {
      if (scope.depth === EXPRESSION_DEPTH_MAX + 1) {
        this.#refuse(expr, `the condition is nested deeper than ${EXPRESSION_DEPTH_MAX}`);
      }
      return;
    }
    const { exprKind } = expr;
    switch (exprKind.case) {
      case 'constExpr':
        return;
      case 'identExpr':
        this.#name(expr, exprKind.value.name, scope);
        return;
      case 'selectExpr': {
        const { operand, field, testOnly } = exprKind.value;
        this.visit(operand, scope);
        if (operand !== undefined) call(expr, testOnly ? HAS : FIELD, [operand, text(operand, field)]);
        return;
      }
      case 'callExpr': {
        const { function: name, target, args } = exprKind.value;
        this.#function(expr, name, args);
        this.visit(target, scope);
        for (const arg of args) this.visit(arg, scope);
        if (name === '_[_]') call(expr, FIELD, args);
        // `x in list` looks at every item; for every item of another list, 400,000 tags took 40 s.
        else if (name === '@in' && scope.insideComprehension) {
          exprKind.value.args = args.map((arg, at) => (at === 1 ? callOf(arg, ITEMS, [arg]) : arg));
        } else if (name === '!_' || name === '_&&_' || name === '_||_') exprKind.value.args = args.map(truth);
        else if (name === '_?_:_') exprKind.value.args = args.map((arg, at) => (at === 0 ? truth(arg) : arg));
        return;
      }
      case 'listExpr':
        for (const element of exprKind.value.elements) this.visit(element, scope);
        return;
      case 'structExpr':
        if (exprKind.value.messageName !== '') {
          this.#refuse(expr, `there is no type '${exprKind.value.messageName}'`);
        }
        for (const entry of exprKind.value.entries) {
          if (entry.keyKind.case === 'mapKey') this.visit(entry.keyKind.value, scope);
          this.visit(entry.value, scope);
        }
        return;
      case 'comprehensionExpr': {
        const loop = exprKind.value;
        if (scope.insideComprehension) {
          this.#refuse(expr, 'a comprehension (exists, all, map, filter …) stands inside another one');
        }
        // A chained one, `list.filter(…).exists(…)`, runs over the first one's result: linear, not nested.
        this.visit(loop.iterRange, scope);
        const inner: Scope = {
          ...scope,
          insideComprehension: true,
          bound: new Set([...scope.bound, loop.iterVar, loop.iterVar2, loop.accuVar]),
        };
        this.visit(loop.accuInit, inner);
        this.visit(loop.loopCondition, inner);
        this.visit(loop.loopStep, inner);
        this.visit(loop.result, inner);
        if (loop.iterRange !== undefined) loop.iterRange = callOf(loop.iterRange, ITEMS, [loop.iterRange]);
        return;
      }
      default:
        this.#refuse(expr, 'the condition holds something this version does not know');
    }
  }

  #name(expr: Expr, name: string, scope: Scope): void {
    if (scope.bound.has(name) || TYPE_NAMES.has(name)) return;
    if (VARIABLES.has(name)) this.variablesUsed.add(name);
    else this.#refuse(expr, `there is no variable '${name}'; a rule sees ticket, previous and changed`);
  }

  #function(expr: Expr, name: string, args: readonly Expr[]): void {
    const known =
      environment.funcs.find(name) !== undefined ||
      ['_[_]', '_?_:_', '_&&_', '_||_', '@not_strictly_false'].includes(name);
    if (!known) {
      this.#refuse(expr, `there is no function '${name}' (or not with these arguments)`);
      return;
    }
    const [pattern] = args;
    if (
      name === 'matches' &&
      args.length === 1 &&
      pattern?.exprKind.case === 'constExpr' &&
      pattern.exprKind.value.constantKind.case === 'stringValue'
    ) {
      const cause = patternProblem(pattern.exprKind.value.constantKind.value);
      if (cause !== undefined) this.#refuse(pattern, cause);
    }
  }

  #refuse(expr: Expr, cause: string): void {
    this.problems.push({ offset: this.#offsetOf(expr), cause });
  }
}

const tryPattern = plan(environment, parse(`''.matches(pattern)`));

function patternProblem(pattern: string): string | undefined {
  const result = tryPattern({ pattern });
  return isCelError(result) ? `the pattern is no RE2 regular expression: ${result.message}` : undefined;
}

/** Turns `expr` into a call of `name`, under its own id. */
function call(expr: Expr, name: string, args: Expr[]): void {
  expr.exprKind = {
    case: 'callExpr',
    value: { $typeName: 'cel.expr.Expr.Call', function: name, args },
  };
}

function callOf(near: Expr, name: string, args: Expr[]): Expr {
  const expr: Expr = { $typeName: 'cel.expr.Expr', id: near.id, exprKind: { case: undefined } };
  call(expr, name, args);
  return expr;
}

/** `ticket.is_public && …` where the field is not there: null counts as false. */
function truth(expr: Expr): Expr {
  const isAccess = expr.exprKind.case === 'callExpr' && expr.exprKind.value.function === FIELD;
  return isAccess ? callOf(expr, TRUTH, [expr]) : expr;
}

function text(near: Expr, value: string): Expr {
  return {
    $typeName: 'cel.expr.Expr',
    id: near.id,
    exprKind: {
      case: 'constExpr',
      value: { $typeName: 'cel.expr.Constant', constantKind: { case: 'stringValue', value } },
    },
  };
}
