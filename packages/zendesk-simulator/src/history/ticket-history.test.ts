import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { historyOf, pageOf, shown, walk } from '../testing/histories.ts';
import { firstStart } from '../testing/simulator-fixture.ts';
import { ticketJson } from '../ticket-json.ts';
import { HISTORY_SECONDS } from './creation-calendar.ts';
import { QUIET_SECONDS, SCRUB_AFTER_SECONDS } from './ticket-life.ts';

const DAY = 86_400;

const anyHistory = fc.record({
  seed: fc.nat(),
  tickets: fc.integer({ min: 1, max: 400 }),
  changesPerMinute: fc.constantFrom(0, 0.5, 20, 300),
  minutes: fc.integer({ min: 0, max: 120 }),
});

function livingHistory({
  seed,
  tickets,
  changesPerMinute,
  minutes,
}: {
  seed: number;
  tickets: number;
  changesPerMinute: number;
  minutes: number;
}) {
  const history = historyOf({ seed, tickets });
  history.setRate(firstStart, changesPerMinute);
  history.advanceTo(firstStart + minutes * 60);
  return history;
}

describe('the export over time', () => {
  test.prop([anyHistory, fc.integer({ min: 1, max: 60 })], { numRuns: 60 })(
    'shows every ticket in its latest state when its pages are followed to the end',
    (options, perPage) => {
      const history = livingHistory(options);
      const { latest } = walk(history, perPage);
      expect(latest.size).toBe(history.ticketCount);
      for (const [id, second] of latest) expect(second).toBe(history.stateOf(id).generatedSecond);
    },
  );

  test.prop([anyHistory, fc.integer({ min: 1, max: 60 })], { numRuns: 60 })(
    'orders each page by second, starts it no earlier than asked, and moves on with every page',
    (options, perPage) => {
      const history = livingHistory(options);
      let startSecond = 0;
      for (const page of walk(history, perPage).pages) {
        const seconds = shown(page).map(({ second }) => second);
        expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
        expect(seconds[0] ?? startSecond).toBeGreaterThanOrEqual(startSecond);
        const oneSecond = seconds.length > 0 && seconds[0] === seconds.at(-1);
        if (!oneSecond) expect(seconds.length).toBeLessThanOrEqual(perPage);
        if (seconds.length > 0) expect(page.endSecond).toBe((seconds.at(-1) ?? 0) + (oneSecond ? 1 : 0));
        if (!page.endOfStream) expect(page.endSecond).toBeGreaterThan(startSecond);
        startSecond = page.endSecond;
      }
    },
  );

  test.prop([anyHistory, fc.array(fc.integer({ min: 0, max: 7200 }), { maxLength: 12 })], { numRuns: 40 })(
    'is the same whether time came in one step or in many',
    (options, steps) => {
      const once = livingHistory(options);
      const often = historyOf(options);
      often.setRate(firstStart, options.changesPerMinute);
      const end = firstStart + options.minutes * 60;
      for (const step of steps.toSorted((a, b) => a - b)) often.advanceTo(Math.min(firstStart + step, end));
      often.advanceTo(end);
      expect(often.ticketCount).toBe(once.ticketCount);
      for (let id = 1; id <= once.ticketCount; id++) expect(often.stateOf(id)).toEqual(once.stateOf(id));
    },
  );
});

describe('the history before the first start', () => {
  const history = historyOf({ tickets: 4000 });
  const states = Array.from({ length: 4000 }, (_, place) => history.stateOf(place + 1));

  it('lies in the two years before it and ends five minutes earlier', () => {
    for (const state of states) {
      expect(state.createdSecond).toBeGreaterThanOrEqual(firstStart - HISTORY_SECONDS - 3600);
      expect(state.generatedSecond).toBeLessThanOrEqual(firstStart - QUIET_SECONDS);
      expect(state.createdSecond).toBeLessThanOrEqual(state.updatedSecond);
      expect(state.updatedSecond).toBeLessThanOrEqual(state.generatedSecond);
    }
  });

  it('has tickets in every stage of their way', () => {
    const statuses = new Set(states.map((state) => state.status));
    expect(statuses).toEqual(new Set(['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted']));
    expect(states.some((state) => state.rating === 'bad')).toBe(true);
    expect(states.some((state) => state.reopened > 0 && state.escalated)).toBe(true);
  });

  it('scrubs deleted tickets thirty days later without moving updated_at', () => {
    const scrubbed = states.filter((state) => state.scrubbed);
    expect(scrubbed.length).toBeGreaterThan(20);
    for (const state of scrubbed) {
      expect(state.status).toBe('deleted');
      expect(state.generatedSecond).toBe((state.deletedSecond ?? 0) + SCRUB_AFTER_SECONDS);
      expect(state.generatedSecond - state.updatedSecond).toBeGreaterThanOrEqual(SCRUB_AFTER_SECONDS);
      expect(state.generatedSecond - state.updatedSecond).toBeLessThanOrEqual(SCRUB_AFTER_SECONDS + 5);
    }
  });

  it('has a second now and then in which forty tickets changed at once', () => {
    const counts = Map.groupBy(states, (state) => state.generatedSecond);
    expect(Math.max(...[...counts.values()].map((tickets) => tickets.length))).toBeGreaterThanOrEqual(40);
  });

  it('has updated_at out of the order of generation for some, as the real export does', () => {
    let latest = 0;
    let behind = 0;
    for (const state of states.toSorted((a, b) => a.generatedSecond - b.generatedSecond)) {
      if (state.updatedSecond < latest) behind += 1;
      latest = Math.max(latest, state.updatedSecond);
    }
    expect(behind).toBeGreaterThan(100);
  });
});

describe('life after the first start', () => {
  it('does not go on without a rate, not even with scrubs that are due', () => {
    const history = historyOf({ tickets: 2000 });
    history.advanceTo(firstStart + 60 * DAY);
    expect(history.changeCount).toBe(0);
  });

  it('makes so many changes a minute as the rate says', () => {
    const history = historyOf();
    history.setRate(firstStart, 20);
    history.advanceTo(firstStart + 600);
    expect(history.changeCount).toBeGreaterThanOrEqual(200);
    expect(history.changeCount).toBeLessThan(215);
  });

  it('goes through all statuses, opens new tickets, and never moves a ticket back in time', () => {
    const history = historyOf();
    history.setRate(firstStart, 60);
    const seen = new Set<string>();
    const seconds = new Map<number, number>();
    for (let minute = 1; minute <= 240; minute++) {
      history.advanceTo(firstStart + minute * 60);
      for (const id of pageOf(history, firstStart + (minute - 1) * 60, 1000).ids) {
        const state = history.stateOf(id);
        seen.add(state.status);
        expect(state.generatedSecond).toBeGreaterThanOrEqual(seconds.get(id) ?? 0);
        seconds.set(id, state.generatedSecond);
      }
    }
    expect(seen).toEqual(new Set(['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted']));
    expect(history.ticketCount).toBeGreaterThan(1000);
  });

  it('scrubs what was deleted by hand thirty days later, unless it was restored', () => {
    const history = historyOf();
    history.setRate(firstStart, 0.0001);
    history.commandChange(firstStart + 5, 1, { status: 'deleted' }, false);
    history.commandChange(firstStart + 5, 2, { status: 'deleted' }, false);
    history.commandChange(firstStart + 6, 2, { status: 'open' }, false);
    history.advanceTo(firstStart + 5 + SCRUB_AFTER_SECONDS - 1);
    expect(history.stateOf(1).scrubbed).toBe(false);
    history.advanceTo(firstStart + 5 + SCRUB_AFTER_SECONDS);
    expect(history.stateOf(1)).toMatchObject({ scrubbed: true, updatedSecond: firstStart + 5 });
    expect(history.stateOf(2)).toMatchObject({ scrubbed: false, status: 'open' });
  });
});

describe('commands', () => {
  it('make two versions of a ticket in one second, of which the later one stands', () => {
    const history = historyOf();
    const one = history.commandChange(firstStart + 1, 9, { subject: 'one' }, false);
    const two = history.commandChange(firstStart + 1, 9, { subject: 'two' }, false);
    expect(one.generatedSecond).toBe(two.generatedSecond);
    expect(ticketJson(1, one)).not.toBe(ticketJson(1, two));
    expect(pageOf(history, firstStart, 10).ids).toEqual([9]);
    expect(history.stateOf(9)).toBe(two);
  });

  it('leave updated_at where it is when they are system updates', () => {
    const history = historyOf();
    const before = history.stateOf(9);
    const after = history.commandChange(firstStart + 1, 9, { tags: ['moved'] }, true);
    expect(after.updatedSecond).toBe(before.updatedSecond);
    expect(after.generatedSecond).toBe(firstStart + 1);
  });

  it('count a solved ticket that is opened again as reopened', () => {
    const history = historyOf();
    history.commandChange(firstStart + 1, 9, { status: 'solved' }, false);
    const before = history.stateOf(9).reopened;
    expect(history.commandChange(firstStart + 2, 9, { status: 'open' }, false).reopened).toBe(before + 1);
  });
});

it('makes the index of 200,000 tickets in a few seconds', () => {
  const began = performance.now();
  const history = historyOf({ tickets: 200_000 });
  expect(performance.now() - began).toBeLessThan(5000);
  expect(pageOf(history, 0, 1000).ids).toHaveLength(1000);
});
