import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { seededRandom } from '../support/seeded-random.ts';
import { killPoints, planLives } from './life-plan.ts';

const size = fc.record({
  randomKills: fc.integer({ min: 0, max: 60 }),
  brokerEvents: fc.integer({ min: 0, max: 3 }),
  workMsMax: fc.integer({ min: 1, max: 10_000 }),
  perPages: fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 4 }),
});

test.prop([fc.nat(), size])(
  'a seed makes the same lives: so many random kills, each point once',
  (seed, asked) => {
    const plans = planLives(asked, seededRandom(seed));
    expect(planLives(asked, seededRandom(seed))).toEqual(plans);
    const points = plans.flatMap(({ death }) => (death.kind === 'point' ? [death.point.name] : []));
    expect(points.toSorted()).toEqual(killPoints.map(({ name }) => name).toSorted());
    expect(plans.length - points.length).toBe(asked.randomKills);
    const withBroker = plans.filter(({ broker }) => broker !== undefined);
    expect(withBroker).toHaveLength(Math.min(asked.brokerEvents, asked.randomKills));
    expect(withBroker.every(({ death }) => death.kind === 'random')).toBe(true);
  },
);
