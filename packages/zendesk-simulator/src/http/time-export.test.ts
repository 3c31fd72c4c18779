import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { frozenClock } from '../clock.ts';
import type { Simulator } from '../simulator.ts';
import {
  ask,
  defaultAuthorization,
  type ExportedTicket,
  followCursor,
  getPage,
  type PageBody,
} from '../testing/export-reader.ts';
import {
  digest,
  exportUrl,
  firstStart,
  simulatorFixture,
  ticketSlices,
} from '../testing/simulator-fixture.ts';

const fixture = simulatorFixture();

/** Follows `next_page` from a second on; every page as it came. */
async function follow(simulator: Simulator, startSecond: number, perPage: number): Promise<PageBody[]> {
  const pages: PageBody[] = [];
  let query = `start_time=${startSecond}&per_page=${perPage}`;
  for (;;) {
    const page = await getPage(simulator.url, query);
    pages.push(page);
    if (page.end_of_stream) return pages;
    query = new URL(page.next_page).search.slice(1);
  }
}

describe('the export', () => {
  it('comes as one line of JSON: the tickets first, then the control fields', async () => {
    const simulator = await fixture.start();
    const { body, headers } = await ask(exportUrl(simulator, 'start_time=0&per_page=50'));
    const page: PageBody = JSON.parse(body.toString());
    expect(Object.keys(page)).toEqual(['tickets', 'count', 'end_of_stream', 'next_page', 'end_time']);
    expect(page.count).toBe(page.tickets.length);
    expect(page.end_time).toBe(page.tickets.at(-1)?.generated_timestamp);
    expect(page.next_page).toBe(
      `${simulator.url}/api/v2/incremental/tickets.json?per_page=50&start_time=${page.end_time}`,
    );
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'transfer-encoding': 'chunked',
      date: new Date(firstStart * 1000).toUTCString(),
      'x-rate-limit': '700',
      'ratelimit-limit': '700',
      'rate-limit': '700',
    });
  });

  it('answers with and without .json, and keeps the parameters of the request in its links', async () => {
    const simulator = await fixture.start({ linkOrigin: 'https://acme.zendesk.com' });
    const query = 'start_time=0&per_page=10&include=users,groups&exclude_deleted=true';
    const page: PageBody = JSON.parse((await ask(exportUrl(simulator, query))).body.toString());
    expect(page.next_page).toBe(
      `https://acme.zendesk.com/api/v2/incremental/tickets.json?exclude_deleted=true&include=users%2Cgroups&per_page=10&start_time=${page.end_time}`,
    );
    expect((await getPage(simulator.url, query)).tickets).toEqual(page.tickets);
  });

  it('shows every ticket when followed to the end, in the versions that the account has', async () => {
    const simulator = await fixture.start();
    const tickets = new Map<number, ExportedTicket>();
    for (const page of await follow(simulator, 0, 7))
      for (const ticket of page.tickets) tickets.set(ticket.id, ticket);
    expect(tickets.size).toBe(120);
    for (const version of simulator.latest()) {
      expect(tickets.get(version.id)?.generated_timestamp).toBe(version.generatedTimestamp);
    }
  });

  it('gives a ticket the same bytes in every request, and the digest that the account names', async () => {
    const simulator = await fixture.start();
    const one = ticketSlices((await ask(exportUrl(simulator))).body);
    const two = ticketSlices((await ask(exportUrl(simulator, 'start_time=1'))).body);
    expect(new Set(one)).toEqual(new Set(two));
    expect(one).not.toEqual(two);
    const expected = [...simulator.latest()].map((version) => version.digest);
    expect(new Set(one.map(digest))).toEqual(new Set(expected));
  });

  it('is compressed when asked for, and says so', async () => {
    const simulator = await fixture.start();
    const plain = await ask(exportUrl(simulator));
    const zipped = await ask(exportUrl(simulator), {
      authorization: defaultAuthorization,
      'accept-encoding': 'gzip, br',
    });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
    const refused = await ask(exportUrl(simulator), {
      authorization: defaultAuthorization,
      'accept-encoding': 'gzip;q=0',
    });
    expect(refused.headers['content-encoding']).toBeUndefined();
  });

  it('leaves the newest seconds out and counts them by its own clock', async () => {
    const clock = frozenClock(firstStart);
    const simulator = await fixture.start({ clock, delaySeconds: 60 });
    const { generatedTimestamp, visibleFrom } = simulator.change(5, { priority: 'urgent' });
    expect(generatedTimestamp).toBe(firstStart);
    clock.advance(60);
    const hidden = await getPage(simulator.url, `start_time=${firstStart - 1}`);
    expect(hidden).toMatchObject({ tickets: [], end_of_stream: true, end_time: firstStart - 1 });
    clock.advance(1);
    expect(visibleFrom).toBe(firstStart + 61);
    const page = await getPage(simulator.url, `start_time=${firstStart - 1}`);
    expect(page.tickets).toMatchObject([{ id: 5, priority: 'urgent', generated_timestamp: firstStart }]);
    expect(page).toMatchObject({ count: 1, end_of_stream: true, end_time: firstStart + 1 });
  });

  it('does not show the second that still runs, even without a delay', async () => {
    const simulator = await fixture.start({ delaySeconds: 0 });
    simulator.change(5, { priority: 'low' });
    expect((await getPage(simulator.url, `start_time=${firstStart - 1}`)).count).toBe(0);
    simulator.advance(1);
    expect((await getPage(simulator.url, `start_time=${firstStart - 1}`)).count).toBe(1);
  });

  it('shows live changes once each, in the latest state', async () => {
    const simulator = await fixture.start({ liveChangesPerMinute: 60, delaySeconds: 0 });
    simulator.advance(1800);
    const pages = await follow(simulator, firstStart, 25);
    const latest = new Map([...simulator.latest()].map((version) => [version.id, version]));
    const shown = new Map<number, number>();
    for (const ticket of pages.flatMap((page) => page.tickets)) {
      expect(ticket.generated_timestamp).toBe(latest.get(ticket.id)?.generatedTimestamp);
      shown.set(ticket.id, ticket.generated_timestamp);
    }
    const moved = [...latest.values()].filter(
      (version) => version.generatedTimestamp >= firstStart && version.visible,
    );
    expect(shown.size).toBe(moved.length);
    expect(moved.length).toBeGreaterThan(100);
  });

  it('repeats a second that is too full for a page, for ever, where it is told to', async () => {
    const simulator = await fixture.start({ burst: 40, stuckSecond: 'repeat' });
    const second = JSON.parse(simulator.ticket(60) ?? '').generated_timestamp;
    const query = `start_time=${second}&per_page=10`;
    const page = await getPage(simulator.url, query);
    expect(page).toMatchObject({ count: 10, end_time: second, end_of_stream: false });
    expect(new URL(page.next_page).searchParams.get('start_time')).toBe(String(second));
    expect(await getPage(simulator.url, new URL(page.next_page).search.slice(1))).toEqual(page);
    // Every ticket of that second is there for a page that is large enough, and by cursor.
    expect((await getPage(simulator.url, `start_time=${second}&per_page=50`)).end_time).toBeGreaterThan(
      second,
    );
    const { tickets } = await followCursor(simulator.url, query);
    expect(tickets.filter((ticket) => ticket.generated_timestamp === second)).toHaveLength(40);
  });
});
