import { describe, expect, it } from 'vitest';
import { frozenClock } from '../clock.ts';
import type { Simulator } from '../simulator.ts';
import { ask, type CursorBody, followCursor, getCursorPage, getPage } from '../testing/export-reader.ts';
import {
  digest,
  firstStart,
  ledgerOf,
  simulatorFixture,
  ticketSlices,
} from '../testing/simulator-fixture.ts';

const fixture = simulatorFixture();

function cursorUrl(simulator: Simulator, query: string): string {
  return `${simulator.url}/api/v2/incremental/tickets/cursor?${query}`;
}

describe('the export by cursor', () => {
  it('has the keys in the order of the recordings, and links that keep the parameters', async () => {
    const simulator = await fixture.start({ linkOrigin: 'https://acme.zendesk.com' });
    const answer = await ask(cursorUrl(simulator, 'start_time=0&per_page=10&exclude_deleted=true'));
    const page: CursorBody = JSON.parse(answer.body.toString());
    expect(Object.keys(page)).toEqual([
      'tickets',
      'after_url',
      'before_url',
      'after_cursor',
      'before_cursor',
      'end_of_stream',
    ]);
    const last = page.tickets.at(-1);
    expect(Buffer.from(page.after_cursor, 'base64').toString()).toBe(
      `${last?.generated_timestamp}.0||${last?.id}|`,
    );
    expect(page.after_url).toBe(
      `https://acme.zendesk.com/api/v2/incremental/tickets/cursor.json?cursor=${encodeURIComponent(page.after_cursor)}&exclude_deleted=true&per_page=10`,
    );
    expect(page).toMatchObject({ before_url: null, before_cursor: null, end_of_stream: false });
    const suffixed = await ask(
      cursorUrl(simulator, 'start_time=0&per_page=10').replace('cursor?', 'cursor.json?'),
    );
    expect(suffixed.status).toBe(200);
  });

  it('shows, followed by its links, every ticket once in the bytes that the account has', async () => {
    const simulator = await fixture.start();
    const slices = new Map<number, string>();
    let url = cursorUrl(simulator, 'start_time=0&per_page=9');
    for (let end = false; !end; ) {
      const { body } = await ask(url);
      for (const slice of ticketSlices(body)) {
        const { id } = JSON.parse(slice) as { id: number };
        expect(slices.has(id)).toBe(false);
        slices.set(id, digest(slice));
      }
      const page: CursorBody = JSON.parse(body.toString());
      end = page.end_of_stream;
      url = page.after_url;
    }
    expect(slices).toEqual(new Map([...simulator.latest()].map((version) => [version.id, version.digest])));
  });

  it('repeats its cursor where nothing is new, and shows a change behind it after the delay', async () => {
    const clock = frozenClock(firstStart);
    const simulator = await fixture.start({ clock, delaySeconds: 60 });
    const { cursor } = await followCursor(simulator.url, 'start_time=0&per_page=50');
    const nothing = await getCursorPage(simulator.url, `cursor=${cursor}`);
    expect(nothing).toMatchObject({ tickets: [], after_cursor: cursor, end_of_stream: true });
    simulator.change(5, { priority: 'urgent' });
    clock.advance(60);
    expect(await getCursorPage(simulator.url, `cursor=${cursor}`)).toEqual(nothing);
    clock.advance(1);
    const page = await getCursorPage(simulator.url, `cursor=${cursor}`);
    expect(page.tickets).toMatchObject([{ id: 5, priority: 'urgent' }]);
    expect(page.after_cursor).not.toBe(cursor);
  });

  it('begins before every ticket of its start second, however empty its first page', async () => {
    const clock = frozenClock(firstStart);
    const simulator = await fixture.start({ clock, delaySeconds: 0 });
    simulator.change(5, { priority: 'low' });
    const first = await getCursorPage(simulator.url, `start_time=${firstStart - 1}`);
    expect(first).toMatchObject({ tickets: [], end_of_stream: true });
    clock.advance(1);
    const next = await getCursorPage(simulator.url, `cursor=${first.after_cursor}`);
    expect(next.tickets).toMatchObject([{ id: 5 }]);
  });

  it.each([
    ['cursor=abc', 422, 'InvalidPaginationParameter'],
    ['cursor=', 422, 'InvalidPaginationParameter'],
    ['per_page=10', 400, 'InvalidValue'],
    ['start_time=soon', 400, 'InvalidValue'],
    [`start_time=${firstStart - 60}`, 400, 'StartTimeTooRecent'],
    ['start_time=0&per_page=1001', 422, 'RecordInvalid'],
    ['start_time=0&support_type_scope=robots', 400, 'InvalidValue'],
  ])('answers "%s" with %i %s', async (query, status, error) => {
    const answer = await ask(cursorUrl(await fixture.start(), query));
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.body.toString()).error).toBe(error);
  });

  it('shares one allowance with the export by time', async () => {
    const simulator = await fixture.start({ requestsPerMinute: 3, limitNowMs: () => 0 });
    await getPage(simulator.url, 'start_time=0');
    await getCursorPage(simulator.url, 'start_time=0');
    await getPage(simulator.url, 'start_time=0');
    expect((await ask(cursorUrl(simulator, 'start_time=0'))).status).toBe(429);
  });

  it.each([403, 404] as const)('is refused with %i where the account has it closed', async (status) => {
    const simulator = await fixture.start({ refuseCursor: status });
    expect((await ask(cursorUrl(simulator, 'start_time=0'))).status).toBe(status);
    expect((await getPage(simulator.url, 'start_time=0')).count).toBeGreaterThan(0);
  });

  it('stands in the ledger with its mode and page', async () => {
    const simulator = await fixture.start();
    await getPage(simulator.url, 'start_time=0&per_page=50');
    await followCursor(simulator.url, 'start_time=0&per_page=50');
    const ledger = await ledgerOf(fixture.dataDir);
    expect(ledger).toHaveLength(120);
    expect(ledger.filter(({ mode }) => mode === 'time').map(({ page }) => page)).toEqual(
      Array.from({ length: 50 }, () => 1),
    );
    // Page 2 showed nothing that page 1 had not shown.
    expect(new Set(ledger.filter(({ mode }) => mode === 'cursor').map(({ page }) => page))).toEqual(
      new Set([3, 4]),
    );
  });
});

describe('support_type_scope', () => {
  it('leaves AI agents’ tickets out unless they are asked for', async () => {
    const simulator = await fixture.start({ aiAgentShare: 0.4 });
    const kinds = async (query: string) => {
      const { tickets } = await getPage(simulator.url, `start_time=0${query}`);
      return new Set(tickets.map((ticket) => ticket['support_type']));
    };
    expect(await kinds('')).toEqual(new Set(['agent']));
    expect(await kinds('&support_type_scope=ai_agent')).toEqual(new Set(['ai_agent']));
    expect(await kinds('&support_type_scope=all')).toEqual(new Set(['agent', 'ai_agent']));
    const page = await getPage(simulator.url, 'start_time=0&per_page=5&support_type_scope=all');
    expect(new URL(page.next_page).searchParams.get('support_type_scope')).toBe('all');
  });
});
