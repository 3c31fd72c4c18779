import { statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Simulator } from '../simulator.ts';
import { ask, askAnyway, getCursorPage, type PageBody } from '../testing/export-reader.ts';
import {
  exportUrl,
  firstStart,
  ledgerOf,
  simulatorFixture,
  ticketSlices,
} from '../testing/simulator-fixture.ts';
import type { Fault } from './fault-plan.ts';

const fixture = simulatorFixture();
const gzip = { 'accept-encoding': 'gzip' };

/** The first request gets the fault, all later ones none. */
async function startWith(fault: Fault, options = {}): Promise<Simulator> {
  return await fixture.start({ faults: [{ on: { request: 1 }, fault }], ...options });
}

function cursorUrl(simulator: Simulator, query = 'start_time=0'): string {
  return `${simulator.url}/api/v2/incremental/tickets/cursor.json?${query}`;
}

/** A second request, without a fault: nothing that the first one was refused is lost. */
async function expectRecovery(simulator: Simulator, name: string): Promise<void> {
  expect(simulator.status().faults).toEqual({ [name]: 1 });
  expect((await ledgerOf(fixture.dataDir)).some((version) => version.whole)).toBe(false);
  expect(simulator.status().requests).toMatchObject({ total: 1, pages: 0, faulted: 1, cut: 0 });
  const { tickets } = JSON.parse((await ask(exportUrl(simulator))).body.toString()) as PageBody;
  expect(tickets).toHaveLength(120);
  expect((await ledgerOf(fixture.dataDir)).filter((version) => version.whole)).toHaveLength(120);
  expect(simulator.status().faults).toEqual({ [name]: 1 });
}

describe('a body that is cut', () => {
  it.each([0, 1, 500, 100_000, 1e9])('ends with its connection at byte %i', async (atByte) => {
    const simulator = await startWith({ kind: 'cut', atByte });
    const whole = (await ask(`${simulator.url}/simulator/tickets/1`, {})).status;
    expect(whole).toBe(200);
    const { body, headers, complete } = await askAnyway(exportUrl(simulator));
    expect(complete).toBe(false);
    expect(headers['transfer-encoding']).toBe('chunked');
    if (atByte <= 100_000) expect(body).toHaveLength(atByte);
    else expect(JSON.parse(body.toString()).tickets).toHaveLength(120);
    await expectRecovery(simulator, 'cut');
  });

  it.each([0, 1, 500, 100_000, 1e9])('promises its length and breaks off at byte %i', async (atByte) => {
    const simulator = await startWith({ kind: 'cut', atByte, framing: 'length' });
    const { body, headers, complete } = await askAnyway(exportUrl(simulator));
    expect(complete).toBe(false);
    expect(Number(headers['content-length'])).toBeGreaterThan(body.length);
    if (atByte <= 100_000) expect(body).toHaveLength(atByte);
    await expectRecovery(simulator, 'cut');
  });

  it('is cut inside its compressed bytes', async () => {
    const simulator = await startWith({ kind: 'cut', atByte: 5_000 });
    const { body, headers, complete } = await askAnyway(exportUrl(simulator), gzip);
    expect(headers['content-encoding']).toBe('gzip');
    expect(complete).toBe(false);
    expect(body).toHaveLength(5_000);
    await expectRecovery(simulator, 'cut');
  });

  it('is cut by cursor as well', async () => {
    const simulator = await startWith({ kind: 'cut', atByte: 700 });
    expect((await askAnyway(cursorUrl(simulator))).body).toHaveLength(700);
    await expectRecovery(simulator, 'cut');
  });
});

describe('a body that ends early', () => {
  it.each([0, 1, 500, 100_000])('is framed as if it were whole: %i bytes', async (atByte) => {
    const simulator = await startWith({ kind: 'end_early', atByte });
    const { body, complete } = await askAnyway(exportUrl(simulator));
    expect(complete).toBe(true);
    expect(body).toHaveLength(atByte);
    await expectRecovery(simulator, 'end_early');
  });

  it('lacks its last byte where it is shorter than that', async () => {
    const simulator = await startWith({ kind: 'end_early', atByte: 1e9 });
    const { body, complete } = await askAnyway(exportUrl(simulator));
    expect(complete).toBe(true);
    expect(() => JSON.parse(body.toString())).toThrow();
    expect(JSON.parse(`${body.toString()}}`).tickets).toHaveLength(120);
    await expectRecovery(simulator, 'end_early');
  });

  it.each([20, 1e9])('is a compressed stream without its end: %i', async (atByte) => {
    const simulator = await startWith({ kind: 'end_early', atByte });
    const { body, complete } = await askAnyway(exportUrl(simulator), gzip);
    expect(complete).toBe(true);
    expect(() => gunzipSync(body)).toThrow(/unexpected end of file/);
    await expectRecovery(simulator, 'end_early');
  });
});

describe('a body that stalls', () => {
  it.each([
    [0, {}],
    [50_000, {}],
    [1e9, {}],
    [3_000, gzip],
  ])('comes to byte %i, and, a while later, to its end', async (atByte, headers) => {
    const forMs = 300;
    const simulator = await startWith({ kind: 'stall', atByte, forMs });
    const startedMs = performance.now();
    const { body, complete } = await askAnyway(exportUrl(simulator), headers);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(forMs - 5);
    expect(complete).toBe(true);
    const text = headers === gzip ? gunzipSync(body) : body;
    expect(JSON.parse(text.toString()).tickets).toHaveLength(120);
    expect((await ledgerOf(fixture.dataDir)).filter((version) => version.whole)).toHaveLength(120);
    expect(simulator.status()).toMatchObject({ faults: { stall: 1 }, requests: { pages: 1, faulted: 0 } });
  });

  it('ends with the simulator that is stopped meanwhile', async () => {
    const simulator = await startWith({ kind: 'stall', atByte: 10, forMs: 3_600_000 });
    const answer = askAnyway(exportUrl(simulator));
    await expect.poll(() => simulator.status().requests.total).toBe(1);
    await fixture.stop(simulator);
    // Stopped before or after the head went out.
    const complete = await answer.then(
      (came) => came.complete,
      () => false,
    );
    expect(complete).toBe(false);
  });
});

describe('an answer that is no page', () => {
  it('is a proxy’s HTML with status 200', async () => {
    const simulator = await startWith({ kind: 'html' });
    const { status, headers, body } = await ask(exportUrl(simulator));
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(body.toString()).toMatch(/^<!DOCTYPE html>/);
    await expectRecovery(simulator, 'html');
  });

  it('is an empty body with status 200', async () => {
    const simulator = await startWith({ kind: 'empty_body' });
    const { status, headers, body } = await ask(exportUrl(simulator));
    expect([status, headers['content-type'], body.length]).toEqual([
      200,
      'application/json; charset=utf-8',
      0,
    ]);
    await expectRecovery(simulator, 'empty_body');
  });

  it('is a redirect to a page to log in at', async () => {
    const simulator = await startWith({ kind: 'login_redirect' });
    const { status, headers } = await ask(exportUrl(simulator));
    expect(status).toBe(302);
    const login = await ask(headers.location ?? '', {});
    expect([login.status, login.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    await expectRecovery(simulator, 'login_redirect');
  });

  it('is a redirect to another host', async () => {
    const location = 'https://login.example.net/';
    const { headers } = await ask(exportUrl(await startWith({ kind: 'login_redirect', location })));
    expect(headers.location).toBe(location);
  });

  it.each([
    [401, /"error":"Couldn't authenticate you"/],
    [403, /"error":\{"title":"Forbidden"/],
    [404, /"title":"No help desk at /],
    [422, /"error":"RecordInvalid"/],
    [429, /"error":"APIRateLimitExceeded"/],
    [500, /"error":"InternalError"/],
    [502, /<html>/],
    [503, /"error":"ServiceUnavailable"/],
    [504, /^upstream request timeout$/],
  ] as const)('is a %i', async (status, body) => {
    const simulator = await startWith({ kind: 'status', status });
    const answer = await ask(exportUrl(simulator));
    expect(answer.status).toBe(status);
    expect(answer.body.toString()).toMatch(body);
    expect(answer.headers['retry-after']).toBeUndefined();
    await expectRecovery(simulator, `status_${status}`);
    expect(simulator.status().requests).toMatchObject({
      byStatus: { [status]: 1, 200: 1 },
      rateLimited: 0,
      rateLimitedByFault: status === 429 ? 1 : 0,
    });
  });

  it.each([
    [{ retryAfter: 93 }, '93'],
    [{ retryAfter: 0 }, '0'],
    [{ retryAfter: 'soon' }, 'soon'],
    [{ retryAfterDateSeconds: 90 }, new Date((firstStart + 90) * 1000).toUTCString()],
  ])('says when to come back: %j', async (retryAfter, expected) => {
    const simulator = await startWith({ kind: 'status', status: 429, ...retryAfter });
    expect((await ask(exportUrl(simulator))).headers['retry-after']).toBe(expected);
  });
});

describe('a page that is not what it should be', () => {
  const parsed = async (simulator: Simulator): Promise<PageBody> =>
    JSON.parse((await ask(exportUrl(simulator))).body.toString());

  it('is said to be something else than JSON', async () => {
    const simulator = await startWith({ kind: 'content_type' });
    const { headers, body } = await ask(exportUrl(simulator));
    expect(headers['content-type']).toBe('text/html; charset=utf-8');
    expect(JSON.parse(body.toString()).tickets).toHaveLength(120);
    await expectRecovery(simulator, 'content_type');
  });

  it('has tickets twice, byte for byte, and counts them', async () => {
    const simulator = await startWith({ kind: 'duplicate', tickets: 3 });
    const { body } = await ask(exportUrl(simulator));
    const slices = ticketSlices(body);
    expect(slices).toHaveLength(123);
    expect(slices.slice(120)).toEqual(slices.slice(0, 3));
    expect(JSON.parse(body.toString()).count).toBe(123);
    // Nothing is wrong with such a page: what it showed, a client has.
    const ledger = await ledgerOf(fixture.dataDir);
    expect(ledger.filter((version) => version.whole)).toHaveLength(120);
    // A record a version and one for the page.
    expect(statSync(join(fixture.dataDir, 'ledger')).size).toBe(121 * 32);
    expect(simulator.status()).toMatchObject({ faults: { duplicate: 1 }, requests: { pages: 1 } });
  });

  it('lacks tickets that its count tells of; they were not served', async () => {
    const simulator = await startWith({ kind: 'missing', tickets: 7 });
    const page = await parsed(simulator);
    expect([page.tickets.length, page.count]).toEqual([113, 120]);
    expect(await ledgerOf(fixture.dataDir)).toHaveLength(113);
    await expectRecovery(simulator, 'missing');
  });

  it('lacks tickets that nothing tells of; those it has were served', async () => {
    const simulator = await startWith({ kind: 'missing', tickets: 7, count: 'matching' });
    const page = await parsed(simulator);
    expect([page.tickets.length, page.count]).toEqual([113, 113]);
    const ledger = await ledgerOf(fixture.dataDir);
    expect(ledger.filter((version) => version.whole)).toHaveLength(113);
    expect(new Set(ledger.map(({ id }) => id))).toEqual(new Set(page.tickets.map(({ id }) => id)));
    expect(simulator.status()).toMatchObject({ faults: { missing: 1 }, requests: { pages: 1 } });
  });

  it('lacks all its tickets where it has no more', async () => {
    const page = await parsed(await startWith({ kind: 'missing', tickets: 1_000 }));
    expect([page.tickets.length, page.count]).toEqual([0, 120]);
  });

  it('has no count by cursor, so that only the silent lack is played there', async () => {
    const simulator = await fixture.start({
      faults: [
        { on: { request: 1 }, fault: { kind: 'missing', tickets: 7 } },
        { on: { request: 2 }, fault: { kind: 'wrong_count', by: 1 } },
        { on: { request: 3 }, fault: { kind: 'missing', tickets: 7, count: 'matching' } },
      ],
    });
    const lengths = [];
    for (let request = 1; request <= 3; request++) {
      lengths.push((await getCursorPage(simulator.url, 'start_time=0')).tickets.length);
    }
    expect(lengths).toEqual([120, 120, 113]);
    expect(simulator.status().faults).toEqual({ missing: 1 });
  });

  it('counts wrong', async () => {
    const simulator = await startWith({ kind: 'wrong_count', by: -1 });
    expect((await parsed(simulator)).count).toBe(119);
    await expectRecovery(simulator, 'wrong_count');
  });

  it.each([
    ['control_first', ['count', 'end_of_stream', 'next_page', 'end_time', 'tickets']],
    ['reversed', ['end_time', 'next_page', 'end_of_stream', 'count', 'tickets']],
    [['end_time'], ['end_time', 'tickets', 'count', 'end_of_stream', 'next_page']],
  ] as const)('has its keys in another order: %s', async (order, expected) => {
    const simulator = await startWith({ kind: 'key_order', order });
    const page = await parsed(simulator);
    expect(Object.keys(page)).toEqual(expected);
    expect(page).toEqual(await parsed(simulator));
    expect(simulator.status()).toMatchObject({ faults: { key_order: 1 }, requests: { pages: 2 } });
  });

  it('lacks control fields', async () => {
    const simulator = await startWith({ kind: 'control_missing', fields: ['end_time', 'next_page'] });
    expect(Object.keys(await parsed(simulator))).toEqual(['tickets', 'count', 'end_of_stream']);
    await expectRecovery(simulator, 'control_missing');
  });

  it('lacks only a field that a client can do without', async () => {
    const simulator = await startWith({ kind: 'control_missing', fields: ['count', 'end_of_stream'] });
    expect(Object.keys(await parsed(simulator))).toEqual(['tickets', 'next_page', 'end_time']);
    expect(simulator.status().requests.pages).toBe(1);
  });

  it('has null in control fields', async () => {
    const simulator = await startWith({ kind: 'control_null', fields: ['after_cursor', 'after_url'] });
    const page = JSON.parse((await ask(cursorUrl(simulator))).body.toString());
    expect(page).toMatchObject({ after_cursor: null, after_url: null, end_of_stream: true });
    await expectRecovery(simulator, 'control_null');
  });

  it('is not counted as faulty where the fault changes nothing', async () => {
    const faults = [
      { kind: 'duplicate', tickets: 1 },
      { kind: 'missing', tickets: 1 },
      { kind: 'control_null', fields: ['after_cursor'] },
    ] as const;
    const simulator = await fixture.start({
      faults: faults.map((fault, place) => ({ on: { request: place + 1 }, fault })),
    });
    for (const _fault of faults) await ask(exportUrl(simulator, `start_time=${firstStart - 61}`));
    expect(simulator.status()).toMatchObject({ faults: {}, requests: { pages: 3, faulted: 0 } });
  });

  it('is replaced by what its rule has for that, on an empty page and for a request that is refused', async () => {
    const otherwise = { kind: 'empty_body' } as const;
    const duplicate = { kind: 'duplicate', tickets: 1 } as const;
    const simulator = await fixture.start({
      faults: [
        { on: { request: 1 }, fault: duplicate, otherwise },
        { on: { request: 2 }, fault: { kind: 'wrong_count', by: -1 }, otherwise },
        { on: { request: 3 }, fault: { kind: 'cut', atByte: 0 }, otherwise },
        { on: { request: 4 }, fault: { kind: 'latency', ms: 1 }, otherwise },
        { on: { request: 5 }, fault: duplicate, otherwise },
      ],
    });
    const empty = `start_time=${firstStart - 61}`;
    const tooRecent = `start_time=${firstStart + 60}`;
    const lengths: number[] = [];
    for (const query of [empty, tooRecent, tooRecent, tooRecent, 'start_time=0']) {
      lengths.push((await ask(exportUrl(simulator, query))).body.length);
    }
    expect(lengths.map((length) => length > 0)).toEqual([false, false, false, true, true]);
    expect(simulator.status()).toMatchObject({
      faults: { empty_body: 3, latency: 1, duplicate: 1 },
      requests: { pages: 1, faulted: 3, tooRecent: 1 },
    });
  });
});

it('waits before the head of its answer', async () => {
  const simulator = await startWith({ kind: 'latency', ms: 250 });
  const startedMs = performance.now();
  expect((await ask(exportUrl(simulator))).status).toBe(200);
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(245);
  expect(simulator.status()).toMatchObject({ faults: { latency: 1 }, requests: { pages: 1 } });
});

it('lets its clock jump, for good, and shows what is due by then', async () => {
  const simulator = await startWith({ kind: 'clock_jump', seconds: 100 }, { delaySeconds: 60 });
  simulator.change(5, { priority: 'urgent' });
  const { headers, body } = await ask(exportUrl(simulator, `start_time=${firstStart - 1}`));
  expect(headers.date).toBe(new Date((firstStart + 100) * 1000).toUTCString());
  expect(JSON.parse(body.toString()).tickets).toMatchObject([{ id: 5 }]);
  await fixture.stop(simulator);
  const again = await fixture.start({ frozen: firstStart + 7 });
  expect(again.status()).toMatchObject({ now: firstStart + 107, commands: 1 });
  again.advance(10);
  expect(again.status().now).toBe(firstStart + 117);
});

it('leaves requests alone that credentials or allowance refuse, and does not number them', async () => {
  const simulator = await fixture.start({
    requestsPerMinute: 1,
    limitNowMs: () => 0,
    faults: [{ on: { request: 1 }, fault: { kind: 'html' } }],
  });
  expect((await ask(exportUrl(simulator), {})).status).toBe(401);
  expect((await ask(exportUrl(simulator))).headers['content-type']).toMatch(/html/);
  expect((await ask(exportUrl(simulator))).status).toBe(429);
  expect(simulator.status().requests).toMatchObject({
    total: 3,
    faulted: 1,
    refused: 1,
    rateLimited: 1,
    rateLimitedByFault: 0,
    byStatus: { 401: 1, 200: 1, 429: 1 },
  });
});
