import { describe, expect, it } from 'vitest';
import { resolveGroupName, serviceOf } from './group-name.ts';

const groups = [
  'billing',
  'tickets.alerting',
  'tickets.search.a1',
  'tickets-eu.search.b1',
  'tickets-eu.search.b2',
];

describe('the name of a group', () => {
  it('is short for a service of this topic', () => {
    expect(resolveGroupName('search', 'tickets', groups)).toBe('tickets.search.a1');
    expect(resolveGroupName('alerting', 'tickets', groups)).toBe('tickets.alerting');
  });

  it('is what was given for everything else, whether it is there or not', () => {
    expect(resolveGroupName('billing', 'tickets', groups)).toBe('billing');
    expect(resolveGroupName('tickets-eu.search.b2', 'tickets-eu', groups)).toBe('tickets-eu.search.b2');
    expect(resolveGroupName('nobody', 'tickets', groups)).toBe('nobody');
  });

  it('is refused where a short one has no group, or several, which are named', () => {
    const refusal = (message: string) =>
      expect.objectContaining({ code: 'kafka.group_unknown', message: expect.stringContaining(message) });
    expect(() => resolveGroupName('alerting', 'tickets-eu', groups)).toThrow(
      refusal('no alerting has read tickets-eu'),
    );
    expect(() => resolveGroupName('search', 'tickets-eu', groups)).toThrow(
      refusal('tickets-eu.search.b1, tickets-eu.search.b2'),
    );
  });

  it('tells a sink that keeps its positions from other readers', () => {
    expect(groups.map((group) => serviceOf(group, 'tickets'))).toEqual([
      undefined,
      'alerting',
      'search',
      undefined,
      undefined,
    ]);
  });
});
