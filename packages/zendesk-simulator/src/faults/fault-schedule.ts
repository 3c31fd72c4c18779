/** Which fault each export request gets, and how many of each were played. */
import type { DueFault, FaultMatch, FaultPlan, FaultRule, FaultTarget, PlayedFault } from './fault-plan.ts';
import { checkFaultPlan, faultName } from './plan-check.ts';
import { seededFault } from './seeded-fault.ts';

export class FaultSchedule {
  private rules: { readonly rule: FaultRule; left: number }[] = [];
  private number = 0;
  private readonly playedCounts: Record<string, number> = {};

  /** @throws config.invalid  naming every rule that is wrong */
  constructor(plan: FaultPlan) {
    this.replace(plan);
  }

  /** In force from the next request on, which is number 1 again. @throws config.invalid; then the old plan stays */
  replace(plan: unknown): void {
    this.rules = checkFaultPlan(plan).map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
    this.number = 0;
  }

  get plan(): FaultPlan {
    return this.rules.map(({ rule }) => rule);
  }

  /** By name, in this run; only those that changed what was sent. */
  get played(): Readonly<Record<string, number>> {
    return this.playedCounts;
  }

  next(request: Omit<FaultTarget, 'number'>): DueFault | undefined {
    this.number += 1;
    const target = { ...request, number: this.number };
    const entry = this.rules.find(({ rule, left }) => left > 0 && fits(rule.on, target));
    if (entry === undefined) return undefined;
    entry.left -= 1;
    const { fault, otherwise } = entry.rule;
    return { fault: fault.kind === 'seeded' ? seededFault(fault.seed, this.number) : fault, otherwise };
  }

  count(fault: PlayedFault): void {
    const name = faultName(fault);
    this.playedCounts[name] = (this.playedCounts[name] ?? 0) + 1;
  }
}

function fits(on: FaultRule['on'], target: FaultTarget): boolean {
  if ('request' in on) return on.request === target.number;
  if ('every' in on) return target.number % on.every === 0;
  return typeof on.match === 'function' ? on.match(target) : matches(on.match, target);
}

function matches(match: FaultMatch, target: FaultTarget): boolean {
  const { mode, startTime, cursor, perPageFrom, perPageTo } = match;
  return (
    (mode === undefined || mode === target.mode) &&
    (startTime === undefined || startTime === target.startTime) &&
    (cursor === undefined || cursor === target.cursor) &&
    (perPageFrom === undefined || (target.perPage ?? 0) >= perPageFrom) &&
    (perPageTo === undefined || (target.perPage ?? Number.POSITIVE_INFINITY) <= perPageTo)
  );
}
