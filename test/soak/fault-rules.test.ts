import { fc, test } from '@fast-check/vitest';
import type { FaultTarget } from '@ticket-stream/zendesk-simulator';
import { expect } from 'vitest';
import { faultRules } from './fault-rules.ts';

const seedAndMode = [fc.nat(), fc.constantFrom<FaultTarget['mode']>('time', 'cursor')] as const;

/** The faults of the first requests, by number. */
function faultsOf(seed: number, mode: FaultTarget['mode'], requests: number) {
  const rules = faultRules(seed);
  return Array.from({ length: requests }, (_, at) => {
    const target = {
      number: at + 1,
      mode,
      startTime: 1,
      cursor: undefined,
      perPage: 100,
      include: undefined,
    };
    const fitting = rules.filter(
      ({ on }) => 'match' in on && typeof on.match === 'function' && on.match(target),
    );
    return fitting.map(({ fault }) => fault);
  });
}

test.prop([...seedAndMode])('every third request has one fault, the others none', (seed, mode) => {
  const faults = faultsOf(seed, mode, 60).map((each) => each.length);
  expect(faults).toEqual(faults.map((_, at) => ((at + 1) % 3 === 0 ? 1 : 0)));
});

test.prop([...seedAndMode], { numRuns: 10 })(
  'two thousand requests meet every kind that their mode has',
  (seed, mode) => {
    const met = new Set(faultsOf(seed, mode, 2_000).flatMap((each) => each.map(({ kind }) => kind)));
    const kinds = new Set(faultRules(seed).map(({ fault }) => fault.kind));
    if (mode === 'cursor') for (const ofCount of ['missing', 'wrong_count'] as const) kinds.delete(ofCount);
    expect(met).toEqual(kinds);
  },
);
