import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { cursorWalk, everything, historyOf, pageOf, shown, walk } from '../testing/histories.ts';
import { firstStart } from '../testing/simulator-fixture.ts';

describe('a page by time', () => {
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
    const request = { ...everything, startSecond: firstStart, perPage: 10 };
    expect(history.timePage(request).ids).toEqual([3]);
    expect(history.timePage({ ...request, excludeDeleted: true }).ids).toEqual([]);
    const byCursor = { ...request, after: { second: firstStart, id: 0 } };
    expect(history.cursorPage(byCursor).ids).toEqual([3]);
    expect(history.cursorPage({ ...byCursor, excludeDeleted: true }).ids).toEqual([]);
  });
});

describe('a second with more tickets than a page, where the server repeats it', () => {
  const history = historyOf({ tickets: 300, burst: 40 });
  const second = history.stateOf(150).generatedSecond;
  const request = { ...everything, stuckSecond: 'repeat', startSecond: second } as const;

  it('gives the same page of it for ever, and never says that the stream ends', () => {
    const page = history.timePage({ ...request, perPage: 10 });
    expect(new Set(shown(page).map((ticket) => ticket.second))).toEqual(new Set([second]));
    expect(page).toMatchObject({ endSecond: second, endOfStream: false });
    expect(page.ids).toHaveLength(10);
    const again = history.timePage({ ...request, startSecond: page.endSecond, perPage: 10 });
    expect(again.ids).toEqual(page.ids);
  });

  it('lets a larger page by, and one of just its size not', () => {
    expect(history.timePage({ ...request, perPage: 41 }).endSecond).toBeGreaterThan(second);
    expect(history.timePage({ ...request, perPage: 40 })).toMatchObject({ endSecond: second });
  });

  it('is read to its end by cursor', () => {
    const burst = cursorWalk(history, 7)
      .flatMap(shown)
      .filter((ticket) => ticket.second === second);
    expect(burst.map(({ id }) => id)).toEqual(Array.from({ length: 40 }, (_, place) => 131 + place));
  });
});

describe('a page by cursor', () => {
  test.prop(
    [
      fc.record({
        seed: fc.nat(),
        tickets: fc.integer({ min: 1, max: 400 }),
        burst: fc.integer({ min: 0, max: 40 }),
      }),
      fc.integer({ min: 1, max: 60 }),
    ],
    { numRuns: 60 },
  )(
    'shows every ticket once, in the order of second and id, never more than asked for',
    (options, perPage) => {
      const history = historyOf({ ...options, burst: Math.min(options.burst, options.tickets) });
      history.setRate(firstStart, 60);
      history.advanceTo(firstStart + 600);
      const pages = cursorWalk(history, perPage);
      for (const page of pages) expect(page.ids.length).toBeLessThanOrEqual(perPage);
      for (const page of pages.slice(0, -1)) expect(page.ids.length).toBe(perPage);
      const tickets = pages.flatMap(shown);
      expect(tickets).toEqual(tickets.toSorted((a, b) => a.second - b.second || a.id - b.id));
      expect(new Set(tickets.map(({ id }) => id)).size).toBe(history.ticketCount);
      expect(tickets).toHaveLength(history.ticketCount);
    },
  );

  it('shows the same tickets in the same seconds as the pages by time', () => {
    const history = historyOf({ tickets: 300, burst: 40 });
    const byCursor = cursorWalk(history, 13).flatMap(shown);
    expect(new Map(byCursor.map(({ id, second }) => [id, second]))).toEqual(walk(history, 13).latest);
  });

  it('repeats its position where nothing is newer, and goes on behind it once something is', () => {
    const history = historyOf({ tickets: 20 });
    const last = cursorWalk(history, 100).at(-1);
    const after = last?.after ?? { second: 0, id: 0 };
    const request = { ...everything, after, perPage: 10 };
    expect(history.cursorPage(request)).toMatchObject({ ids: [], endOfStream: true, after });
    history.commandChange(firstStart + 5, 9, { priority: 'low' }, false);
    history.commandChange(firstStart + 5, 4, { priority: 'low' }, false);
    expect(history.cursorPage(request)).toMatchObject({
      ids: [4, 9],
      after: { second: firstStart + 5, id: 9 },
    });
  });

  it('leaves out what is too new, and does not move behind it', () => {
    const history = historyOf({ tickets: 20 });
    history.commandChange(firstStart + 5, 9, { priority: 'low' }, false);
    const after = { second: firstStart, id: 0 };
    const request = { ...everything, after, perPage: 10, beforeSecond: firstStart + 5 };
    expect(history.cursorPage(request)).toMatchObject({ ids: [], endOfStream: true, after });
    expect(history.cursorPage({ ...request, beforeSecond: firstStart + 6 }).ids).toEqual([9]);
  });
});

describe('the scope of a page', () => {
  const history = historyOf({ tickets: 400, aiAgentShare: 0.3 });
  const ids = (supportScope: 'all' | 'agent' | 'ai_agent') => {
    const scope = { ...everything, supportScope, perPage: 1000 };
    const byTime = history.timePage({ ...scope, startSecond: 0 }).ids.toSorted((a, b) => a - b);
    const byCursor = history.cursorPage({ ...scope, after: { second: 0, id: 0 } }).ids;
    expect(byCursor.toSorted((a, b) => a - b)).toEqual(byTime);
    return byTime;
  };

  it('divides the tickets by who answers them', () => {
    expect(ids('all')).toHaveLength(400);
    expect(ids('ai_agent').length).toBeGreaterThan(60);
    expect(ids('ai_agent').length).toBeLessThan(150);
    expect([...ids('agent'), ...ids('ai_agent')].toSorted((a, b) => a - b)).toEqual(ids('all'));
    for (const id of ids('ai_agent')) expect(history.stateOf(id).supportType).toBe('ai_agent');
  });

  it('shows a ticket by default from when an AI agent hands it over', () => {
    const [id] = ids('ai_agent');
    history.commandChange(firstStart + 1, id ?? 0, { support_type: 'agent' }, false);
    expect(ids('agent')).toContain(id);
    history.commandChange(firstStart + 2, id ?? 0, { support_type: 'ai_agent' }, false);
    expect(ids('agent')).not.toContain(id);
  });
});
