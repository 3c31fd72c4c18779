import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { ticketJson } from '../ticket-json.ts';
import { HISTORY_SECONDS } from './creation-calendar.ts';
import { type ExportPage, TicketHistory } from './ticket-history.ts';
import { QUIET_SECONDS, SCRUB_AFTER_SECONDS } from './ticket-life.ts';

const firstStart = 1_790_000_000;
const DAY = 86_400;

function historyOf(options: { seed?: number; tickets?: number; burst?: number } = {}): TicketHistory {
  return new TicketHistory({ seed: 1, tickets: 500, burst: 0, firstStart, ...options });
}

function pageOf(
  history: TicketHistory,
  startSecond: number,
  perPage: number,
  beforeSecond = Number.POSITIVE_INFINITY,
) {
  return history.page({ startSecond, perPage, beforeSecond, excludeDeleted: false });
}

function shown(page: ExportPage): { id: number; second: number }[] {
  return page.ids.map((id) => ({ id, second: page.states(id).generatedSecond }));
}

/** Follows the export to its end; what a ticket showed last is what stays. */
function walk(history: TicketHistory, perPage: number): { latest: Map<number, number>; pages: ExportPage[] } {
  const latest = new Map<number, number>();
  const pages: ExportPage[] = [];
  for (let startSecond = 0; ; ) {
    const page = pageOf(history, startSecond, perPage);
    pages.push(page);
    for (const { id, second } of shown(page)) latest.set(id, second);
    if (page.endOfStream) return { latest, pages };
    startSecond = page.endSecond;
  }
}

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

describe('a page', () => {
  it('is cut inside a second, and the next one repeats that whole second in another order', () => {
    const history = historyOf({ tickets: 300, burst: 40 });
    const burst = walk(history, 1000)
      .pages.flatMap(shown)
      .filter(({ id }) => id > 130 && id <= 170);
    const second = burst[0]?.second ?? 0;
    expect(burst.map((ticket) => ticket.second)).toEqual(Array.from({ length: 40 }, () => second));

    const before = walk(history, 1000)
      .pages.flatMap(shown)
      .filter((ticket) => ticket.second < second).length;
    const first = pageOf(history, 0, before + 15);
    expect(first.endSecond).toBe(second);
    const next = pageOf(history, first.endSecond, before + 15);
    const repeated = shown(next)
      .filter((ticket) => ticket.second === second)
      .map(({ id }) => id);
    expect(repeated.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, place) => 131 + place));
    const cutOff = first.ids.slice(-15);
    expect(repeated).toEqual(expect.arrayContaining(cutOff));
    expect(repeated.slice(0, 15)).not.toEqual(cutOff);
    expect(repeated).not.toEqual(repeated.toSorted((a, b) => a - b));
  });

  it('holds the whole second, more than per_page, where all its tickets share one', () => {
    const history = historyOf({ tickets: 300, burst: 40 });
    const { pages } = walk(history, 10);
    const large = pages.filter((page) => page.ids.length > 10);
    expect(large.some((page) => page.ids.length === 40)).toBe(true);
    for (const page of large) {
      const second = shown(page)[0]?.second ?? 0;
      expect(new Set(shown(page).map((ticket) => ticket.second))).toEqual(new Set([second]));
      expect(page.endSecond).toBe(second + 1);
    }
  });

  it('leaves out what is too new and says that the stream ends there', () => {
    const history = historyOf();
    const state = history.commandChange(firstStart + 10, 7, { priority: 'urgent' }, false);
    const hidden = pageOf(history, 0, 1000, state.generatedSecond);
    expect(hidden.ids).toHaveLength(499);
    expect(hidden.ids).not.toContain(7);
    expect(hidden.endOfStream).toBe(true);
    expect(pageOf(history, 0, 1000, state.generatedSecond + 1).ids.at(-1)).toBe(7);
  });

  it('is empty, and asks for the same second again, where nothing is newer', () => {
    const page = pageOf(historyOf(), firstStart, 100);
    expect(page).toMatchObject({ ids: [], endSecond: firstStart, endOfStream: true });
  });

  it('keeps the states it was asked for while tickets change', () => {
    const history = historyOf();
    history.commandChange(firstStart + 1, 3, { subject: 'before' }, false);
    const page = pageOf(history, firstStart, 100);
    history.commandChange(firstStart + 2, 3, { subject: 'after' }, false);
    expect(page.states(3).given).toMatchObject({ subject: 'before' });
  });

  it('leaves deleted tickets out when asked to', () => {
    const history = historyOf();
    history.commandChange(firstStart + 1, 3, { status: 'deleted' }, false);
    const request = { startSecond: firstStart, perPage: 10, beforeSecond: Number.POSITIVE_INFINITY };
    expect(history.page({ ...request, excludeDeleted: false }).ids).toEqual([3]);
    expect(history.page({ ...request, excludeDeleted: true }).ids).toEqual([]);
  });
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
