import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { type FaultPlan, type FaultTarget, seededFaults } from './fault-plan.ts';
import { FaultSchedule } from './fault-schedule.ts';
import { checkFaultPlan } from './plan-check.ts';
import { seededFault } from './seeded-fault.ts';

const request = { mode: 'time', startTime: 0, cursor: undefined, perPage: 1000, include: undefined } as const;

function played(plan: FaultPlan, requests: readonly Partial<FaultTarget>[]): (string | undefined)[] {
  const schedule = new FaultSchedule(plan);
  return requests.map((asked) => schedule.next({ ...request, ...asked })?.fault.kind);
}

const html = { kind: 'html' } as const;
const six = Array.from({ length: 6 }, () => ({}));

describe('a plan', () => {
  it.each([
    [{ request: 2 }, [undefined, 'html', undefined, undefined, undefined, undefined]],
    [{ every: 3 }, [undefined, undefined, 'html', undefined, undefined, 'html']],
    [
      { match: (target: FaultTarget) => target.number > 4 },
      [undefined, undefined, undefined, undefined, 'html', 'html'],
    ],
  ])('plays its fault on %j', (on, expected) => {
    expect(played([{ on, fault: html }], six)).toEqual(expected);
  });

  it('plays a rule as often as it says, then the next one that fits', () => {
    const plan: FaultPlan = [
      { on: { every: 1 }, times: 2, fault: html },
      { on: { every: 2 }, fault: { kind: 'empty_body' } },
    ];
    expect(played(plan, six)).toEqual(['html', 'html', undefined, 'empty_body', undefined, 'empty_body']);
  });

  it.each([
    [{ mode: 'cursor' }, { mode: 'cursor' }, { mode: 'time' }],
    [{ startTime: 7 }, { startTime: 7 }, { startTime: 8 }],
    [{ cursor: 'abc' }, { cursor: 'abc' }, { cursor: 'abd' }],
    [{ perPageFrom: 100 }, { perPage: 100 }, { perPage: 99 }],
    [{ perPageTo: 100 }, { perPage: 100 }, { perPage: 101 }],
    [{ mode: 'time', startTime: 7 }, { startTime: 7 }, { mode: 'cursor', startTime: 7 }],
  ] as const)('matches requests by %j', (match, fitting, other) => {
    expect(played([{ on: { match }, fault: html }], [fitting, other])).toEqual(['html', undefined]);
  });

  it('begins to count anew when it is replaced, and stays when the new one is wrong', () => {
    const schedule = new FaultSchedule([{ on: { request: 1 }, fault: html }]);
    expect(schedule.next(request)?.fault).toEqual(html);
    schedule.replace([{ on: { request: 1 }, fault: { kind: 'empty_body' } }]);
    expect(() => schedule.replace([{ on: { request: 0 }, fault: html }])).toThrow(/rule 1: on must be/);
    expect(schedule.next(request)?.fault).toEqual({ kind: 'empty_body' });
    expect(schedule.next(request)).toBeUndefined();
  });
});

describe('a plan that is wrong', () => {
  it('is refused as a whole, naming each rule and field', () => {
    const plan = [
      { on: { every: 0 }, fault: { kind: 'cut', atByte: -1, framing: 'none' } },
      { on: {}, fault: { kind: 'nothing' } },
      { on: { request: 1, every: 2 }, fault: { kind: 'html', extra: 1 }, times: 0 },
      { on: { match: { start: 1 } }, fault: { kind: 'status', status: 418, retryAfter: 'a\r\nb' } },
      'rule',
      { on: { every: 1 }, fault: html, otherwise: { kind: 'cut', atByte: 0 } },
    ];
    let message = '';
    try {
      checkFaultPlan(plan);
    } catch (error) {
      message = (error as Error).message;
    }
    for (const expected of [
      /rule 1: on must be a whole number from 1 on/,
      /rule 1: fault atByte must be a whole number from 0 on, framing must be one of chunked, length/,
      /rule 2: on must be one of \{request\}, \{every\}, \{match\}/,
      /rule 2: fault kind must be one of cut, end_early/,
      /rule 3: fault extra is not known/,
      /rule 3: times must be/,
      /rule 6: otherwise kind must be one of html, empty_body, status, login_redirect/,
      /rule 4: on start is not known/,
      /rule 4: fault status must be one of 401.*retryAfter must be/,
      /rule 5: is not an object/,
    ]) {
      expect(message).toMatch(expected);
    }
  });

  it.each([undefined, null, {}, 'html'])('is refused where it is no list: %j', (plan) => {
    expect(() => checkFaultPlan(plan)).toThrow(/a list of rules/);
  });
});

describe('faults from a seed', () => {
  test.prop([fc.nat(), fc.integer({ min: 1, max: 1_000_000 })], { numRuns: 2_000 })(
    'are faults that a plan may have, the same for the same seed and number',
    (seed, number) => {
      const fault = seededFault(seed, number);
      expect(() => checkFaultPlan([{ on: { request: 1 }, fault }])).not.toThrow();
      expect(seededFault(seed, number)).toEqual(fault);
    },
  );

  it('come on every n-th request, of many kinds, none that needs a person', () => {
    const schedule = new FaultSchedule(seededFaults({ seed: 5, everyNth: 3 }));
    const kinds = new Map<string, number>();
    for (let number = 1; number <= 3_000; number++) {
      const fault = schedule.next(request)?.fault;
      expect(fault !== undefined).toBe(number % 3 === 0);
      if (fault === undefined) continue;
      kinds.set(fault.kind, (kinds.get(fault.kind) ?? 0) + 1);
      if (fault.kind === 'status') expect([429, 500, 502, 503, 504]).toContain(fault.status);
      if (fault.kind === 'missing') expect(fault.count).toBe('true');
    }
    expect(kinds.size).toBe(16);
    expect(Math.min(...kinds.values())).toBeGreaterThan(5);
  });

  it('differ from seed to seed', () => {
    const kinds = (seed: number) =>
      Array.from({ length: 50 }, (_, place) => seededFault(seed, place).kind).join(' ');
    expect(kinds(1)).not.toBe(kinds(2));
  });
});
