import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { frozenClock } from './clock.ts';
import { readLedger, type ServedVersion } from './ledger.ts';
import { type Simulator, startSimulator } from './simulator.ts';
import type { SimulatorOptions } from './simulator-options.ts';
import {
  ask,
  basic,
  defaultAuthorization,
  type ExportedTicket,
  getPage,
  type PageBody,
} from './testing/export-reader.ts';

const firstStart = 1_790_000_000;

let dataDir: string;
const running: Simulator[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'simulator-'));
});

afterEach(async () => {
  for (const simulator of running.splice(0)) await simulator.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<SimulatorOptions> = {}): Promise<Simulator> {
  const simulator = await startSimulator({
    dataDir,
    tickets: 120,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    liveChangesPerMinute: 0,
    frozen: options.clock === undefined ? firstStart : undefined,
    ...options,
  });
  running.push(simulator);
  return simulator;
}

async function stop(simulator: Simulator): Promise<void> {
  running.splice(running.indexOf(simulator), 1);
  await simulator.stop();
}

async function ledgerOf(folder: string): Promise<ServedVersion[]> {
  const versions: ServedVersion[] = [];
  for await (const version of readLedger(folder)) versions.push(version);
  return versions;
}

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

function exportUrl(simulator: Simulator, query = 'start_time=0'): string {
  return `${simulator.url}/api/v2/incremental/tickets.json?${query}`;
}

/** The tickets of a page as they lie in its bytes: every one begins with its address. */
function ticketSlices(body: Buffer): string[] {
  const text = body.toString('utf8');
  const array = text.slice('{"tickets":['.length, text.lastIndexOf('],"count":'));
  return array === '' ? [] : array.split(/,(?=\{"url":"https:\/\/helpdesk)/);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

describe('the export', () => {
  it('comes as one line of JSON: the tickets first, then the control fields', async () => {
    const simulator = await start();
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
    const simulator = await start({ linkOrigin: 'https://acme.zendesk.com' });
    const query = 'start_time=0&per_page=10&include=users,groups&exclude_deleted=true';
    const page: PageBody = JSON.parse((await ask(exportUrl(simulator, query))).body.toString());
    expect(page.next_page).toBe(
      `https://acme.zendesk.com/api/v2/incremental/tickets.json?exclude_deleted=true&include=users%2Cgroups&per_page=10&start_time=${page.end_time}`,
    );
    expect((await getPage(simulator.url, query)).tickets).toEqual(page.tickets);
  });

  it('shows every ticket when followed to the end, in the versions that the account has', async () => {
    const simulator = await start();
    const tickets = new Map<number, ExportedTicket>();
    for (const page of await follow(simulator, 0, 7))
      for (const ticket of page.tickets) tickets.set(ticket.id, ticket);
    expect(tickets.size).toBe(120);
    for (const version of simulator.latest()) {
      expect(tickets.get(version.id)?.generated_timestamp).toBe(version.generatedTimestamp);
    }
  });

  it('gives a ticket the same bytes in every request, and the digest that the account names', async () => {
    const simulator = await start();
    const one = ticketSlices((await ask(exportUrl(simulator))).body);
    const two = ticketSlices((await ask(exportUrl(simulator, 'start_time=1'))).body);
    expect(new Set(one)).toEqual(new Set(two));
    expect(one).not.toEqual(two);
    const expected = [...simulator.latest()].map((version) => version.digest);
    expect(new Set(one.map(digest))).toEqual(new Set(expected));
  });

  it('is compressed when asked for, and says so', async () => {
    const simulator = await start();
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
    const simulator = await start({ clock, delaySeconds: 60 });
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
    const simulator = await start({ delaySeconds: 0 });
    simulator.change(5, { priority: 'low' });
    expect((await getPage(simulator.url, `start_time=${firstStart - 1}`)).count).toBe(0);
    simulator.advance(1);
    expect((await getPage(simulator.url, `start_time=${firstStart - 1}`)).count).toBe(1);
  });

  it('shows live changes once each, in the latest state', async () => {
    const simulator = await start({ liveChangesPerMinute: 60, delaySeconds: 0 });
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
});

describe('refusals', () => {
  it('answers 401 without credentials and with wrong ones', async () => {
    const simulator = await start({ credentials: { email: 'a@b.c', token: 'good', password: 'pass:word' } });
    for (const wrong of [undefined, 'a@b.c/token:bad', 'a@b.c:good', 'x@b.c/token:good', '']) {
      const answer = await ask(
        exportUrl(simulator),
        wrong === undefined ? {} : { authorization: basic(wrong) },
      );
      expect(answer.status).toBe(401);
      expect(answer.body.toString()).toBe('{"error":"Couldn\'t authenticate you"}');
    }
    expect((await ask(exportUrl(simulator), { authorization: basic('a@b.c/token:good') })).status).toBe(200);
    expect((await ask(exportUrl(simulator), { authorization: basic('a@b.c:pass:word') })).status).toBe(200);
  });

  it('answers 403 to a user who is no administrator, with an error that is an object', async () => {
    const simulator = await start({ credentials: { email: 'a@b.c', token: 't', role: 'agent' } });
    const answer = await ask(exportUrl(simulator), { authorization: basic('a@b.c/token:t') });
    expect(answer.status).toBe(403);
    expect(JSON.parse(answer.body.toString()).error.title).toBe('Forbidden');
  });

  it('answers 404 to a path that is not there', async () => {
    const simulator = await start();
    const answer = await ask(`${simulator.url}/api/v2/incremental/ticket?start_time=0`);
    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body.toString())).toEqual({
      error: 'InvalidEndpoint',
      description: 'Not found',
    });
  });

  it.each(['', 'start_time=', 'start_time=soon', 'start_time=-1'])('answers 400 to "%s"', async (query) => {
    const answer = await ask(exportUrl(await start(), query));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString()).error).toBe('InvalidValue');
  });

  it.each(['0', '1001', 'all', '-5'])('answers 422 to per_page=%s, with details', async (perPage) => {
    const answer = await ask(exportUrl(await start(), `start_time=0&per_page=${perPage}`));
    expect(answer.status).toBe(422);
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      error: 'RecordInvalid',
      details: { per_page: [{}] },
    });
  });

  it('answers 400 or, as before, 422 to a start time that is too recent', async () => {
    const today = await start({ delaySeconds: 60 });
    const tooRecent = `start_time=${firstStart - 60}`;
    const answer = await ask(exportUrl(today, tooRecent));
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body.toString()).error).toBe('StartTimeTooRecent');
    expect((await ask(exportUrl(today, `start_time=${firstStart - 61}`))).status).toBe(200);
    await stop(today);
    const before = await ask(exportUrl(await start({ delaySeconds: 60, tooRecentStatus: 422 }), tooRecent));
    expect(before.status).toBe(422);
    expect(JSON.parse(before.body.toString())).toEqual({
      error: 'InvalidValue',
      description: 'Too recent start_time. Use a start_time older than 60 seconds',
    });
  });

  it('answers 429 from the eleventh request a minute on, with the time to wait, and goes on after it', async () => {
    let nowMs = 0;
    const simulator = await start({ requestsPerMinute: 10, limitNowMs: () => nowMs });
    for (let request = 0; request < 10; request++) expect((await ask(exportUrl(simulator))).status).toBe(200);
    nowMs = 12_400;
    const answer = await ask(exportUrl(simulator));
    expect(answer.status).toBe(429);
    expect(answer.headers['retry-after']).toBe('48');
    expect(Number(answer.headers['x-rate-limit-remaining'])).toBeGreaterThan(600);
    expect(JSON.parse(answer.body.toString())).toEqual({
      error: 'APIRateLimitExceeded',
      description: 'Number of allowed incremental export API requests per minute exceeded',
    });
    nowMs = 60_000;
    expect((await ask(exportUrl(simulator))).status).toBe(200);
    expect(simulator.status().requests).toMatchObject({ total: 12, pages: 11, rateLimited: 1 });
  });
});

describe('the ledger', () => {
  it('has every version that was served, once, over restarts', async () => {
    const first = await start({ delaySeconds: 0 });
    const served = new Set<string>();
    const read = async (simulator: Simulator) => {
      const { body } = await ask(exportUrl(simulator));
      for (const slice of ticketSlices(body)) served.add(`${JSON.parse(slice).id} ${digest(slice)}`);
    };
    await read(first);
    await read(first);
    first.change(1, { subject: 'one' });
    first.advance(1);
    await read(first);
    await stop(first);
    const second = await start({ delaySeconds: 0, frozen: firstStart + 5 });
    await read(second);
    second.change(1, { subject: 'two' });
    second.advance(1);
    await read(second);
    const ledger = await ledgerOf(dataDir);
    expect(ledger).toHaveLength(122);
    expect(new Set(ledger.map((version) => `${version.id} ${version.digest}`))).toEqual(served);
    expect(ledger.every((version) => version.whole)).toBe(true);
    expect(second.status().versionsServed).toBe(122);
    const lines = (await ask(`${second.url}/simulator/ledger`, {})).body.toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(ledger);
  });

  it('tells what only a page showed that was cut, until a whole page shows it', async () => {
    const simulator = await start({ tickets: 12_000, perPageMax: 12_000, delaySeconds: 0 });
    const query = 'start_time=0&per_page=12000';
    await new Promise<void>((resolve) => {
      get(
        exportUrl(simulator, query),
        { headers: { authorization: defaultAuthorization }, agent: false },
        (response) => {
          response.once('data', () => response.destroy());
          response.once('close', () => resolve());
        },
      );
    });
    await vi.waitFor(() => expect(simulator.status().requests.cut).toBe(1));
    const cut = await ledgerOf(dataDir);
    expect(cut.length).toBeGreaterThan(0);
    expect(cut.length).toBeLessThan(12_000);
    expect(cut.every((version) => !version.whole)).toBe(true);
    await ask(exportUrl(simulator, query));
    const whole = (await ledgerOf(dataDir)).filter((version) => version.whole);
    expect(whole).toHaveLength(12_000);
  });

  it('drops a record that was cut off, and nothing else', async () => {
    const first = await start();
    await ask(exportUrl(first));
    await stop(first);
    const before = await ledgerOf(dataDir);
    appendFileSync(join(dataDir, 'ledger'), Buffer.from([1, 0, 9]));
    const second = await start();
    await ask(exportUrl(second));
    expect(await ledgerOf(dataDir)).toEqual(before);
    expect(statSync(join(dataDir, 'ledger')).size % 32).toBe(0);
  });
});

describe('a restart', () => {
  it('goes on with the same history, live changes and commands included', async () => {
    const first = await start({ liveChangesPerMinute: 30 });
    first.advance(300);
    first.change(3, { subject: 'by hand', custom_fields: [{ id: 1, value: 'x' }] });
    const created = first.create({ subject: 'new one', tags: ['fresh'] });
    first.advance(300);
    const before = [...first.latest()];
    const { source } = first;
    await stop(first);
    const second = await start({
      tickets: undefined,
      liveChangesPerMinute: undefined,
      frozen: firstStart + 600,
    });
    expect([...second.latest()]).toEqual(before);
    expect(second.source).toBe(source);
    expect(second.source).toBe(`simulator:seed=1;tickets=120;start=${firstStart}`);
    expect(JSON.parse(second.ticket(created.id) ?? '')).toMatchObject({
      subject: 'new one',
      tags: ['fresh'],
    });
    expect(second.status()).toMatchObject({ liveChangesPerMinute: 30, commands: 2 });
  });

  it('keeps what happened at an earlier rate when another one is asked for', async () => {
    const first = await start({ liveChangesPerMinute: 30 });
    first.advance(600);
    const before = [...first.latest()];
    await stop(first);
    const second = await start({ liveChangesPerMinute: 0, frozen: firstStart + 600 });
    expect([...second.latest()]).toEqual(before);
    second.advance(600);
    expect(second.status().changes).toBe(first.status().changes);
  });

  it('does not go back behind a command when its clock does', async () => {
    const first = await start();
    first.advance(1000);
    first.change(3, { priority: 'urgent' });
    await stop(first);
    const second = await start({ frozen: firstStart });
    expect(second.status().now).toBe(firstStart + 1000);
    expect(JSON.parse(second.ticket(3) ?? '').priority).toBe('urgent');
    second.advance(10);
    expect(second.status().now).toBe(firstStart + 1010);
  });

  it('drops a command that a kill cut off before it was answered', async () => {
    const first = await start();
    first.change(3, { subject: 'kept' });
    first.change(4, { subject: 'cut off' });
    await stop(first);
    const journal = join(dataDir, 'journal.jsonl');
    truncateSync(journal, statSync(journal).size - 5);
    const second = await start();
    expect(JSON.parse(second.ticket(3) ?? '').subject).toBe('kept');
    expect(JSON.parse(second.ticket(4) ?? '').subject).not.toBe('cut off');
    second.change(4, { subject: 'again' });
    await stop(second);
    expect(JSON.parse((await start()).ticket(4) ?? '').subject).toBe('again');
  });

  it('refuses another history than the one that is there, naming both', async () => {
    await stop(await start({ seed: 7 }));
    await expect(start({ seed: 8, tickets: 99 })).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(
        /seed=8 asked for, seed=7 there; tickets=99 asked for, tickets=120 there/,
      ),
    });
  });

  it('refuses a folder that another simulator has', async () => {
    await start();
    await expect(start()).rejects.toMatchObject({ code: 'store.locked' });
  });
});

describe('commands over HTTP', () => {
  const post = async (url: string, body: unknown, headers: Record<string, string> = {}) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(url, { method: 'POST', body: text, headers });
    const answer: { digest?: string; description?: string } = JSON.parse(await response.text());
    return { status: response.status, body: answer };
  };

  it('change, create, delete and scrub tickets', async () => {
    const simulator = await start();
    const url = `${simulator.url}/simulator/tickets`;
    const changed = await post(`${url}/5`, { status: 'open', priority: 'urgent' });
    expect(changed).toMatchObject({ status: 200, body: { id: 5, generatedTimestamp: firstStart } });
    const shown = (await ask(`${url}/5`, {})).body.toString();
    expect(digest(shown)).toBe(changed.body.digest);
    expect(JSON.parse(shown)).toMatchObject({ status: 'open', priority: 'urgent' });
    expect(await post(url, { subject: 'hello' })).toMatchObject({ status: 201, body: { id: 121 } });
    expect((await post(`${url}/5/scrub`, '')).status).toBe(422);
    await post(`${url}/5`, { status: 'deleted' });
    await post(`${url}/5/scrub`, '');
    expect(JSON.parse(simulator.ticket(5) ?? '')).toMatchObject({ status: 'deleted', subject: 'SCRUBBED' });
  });

  it('keep the digits of a 64-bit number, over a restart too', async () => {
    const simulator = await start();
    await post(
      `${simulator.url}/simulator/tickets/5`,
      '{"custom_fields":[{"id":12,"value":9223372036854775807}]}',
    );
    expect(simulator.ticket(5)).toContain('{"id":12,"value":9223372036854775807}');
    await stop(simulator);
    expect((await start()).ticket(5)).toContain('{"id":12,"value":9223372036854775807}');
  });

  it('leave updated_at where it is as system updates', async () => {
    const simulator = await start();
    const before = JSON.parse(simulator.ticket(5) ?? '');
    await post(`${simulator.url}/simulator/tickets/5?system=true`, { tags: ['sla_breach'] });
    const after = JSON.parse(simulator.ticket(5) ?? '');
    expect(after.updated_at).toBe(before.updated_at);
    expect(after).toMatchObject({ generated_timestamp: firstStart, tags: ['sla_breach'] });
  });

  it.each([
    ['5', { status: 'gone' }, /status must be one of/],
    ['5', '{', /not JSON/],
    ['5', [], /not an object/],
    ['9999', { status: 'open' }, /there is no ticket 9999/],
    ['0', { status: 'open' }, /there is no ticket 0/],
  ])('are refused with their reason: %s %j', async (id, body, reason) => {
    const simulator = await start();
    const answer = await post(`${simulator.url}/simulator/tickets/${id}`, body);
    expect(answer.status).toBe(422);
    expect(answer.body.description).toMatch(reason);
    expect(simulator.status().commands).toBe(0);
  });

  it('are refused under a foreign name of this machine', async () => {
    const simulator = await start();
    for (const host of [
      'evil.example',
      'evil.example:80',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
    ]) {
      expect((await ask(`${simulator.url}/simulator/status`, { host })).status).toBe(403);
    }
    expect((await ask(`${simulator.url}/simulator/status`, { host: 'localhost:1' })).status).toBe(200);
  });

  it('show the state, the latest versions and move a clock that stands still', async () => {
    const simulator = await start({ liveChangesPerMinute: 60 });
    const { body } = await post(`${simulator.url}/simulator/clock`, { advanceSeconds: 120 });
    expect(body).toMatchObject({ now: firstStart + 120, frozen: true, source: simulator.source });
    const lines = (await ask(`${simulator.url}/simulator/latest`, {})).body.toString().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual([...simulator.latest()]);
    expect((await post(`${simulator.url}/simulator/clock`, { advanceSeconds: -1 })).status).toBe(422);
  });
});

describe('options', () => {
  it('are refused all at once', async () => {
    const wrong = {
      seed: -1,
      tickets: 0,
      delaySeconds: 1.5,
      credentials: { email: 'a@b.c' },
      linkOrigin: 'acme',
    };
    await expect(start(wrong)).rejects.toMatchObject({
      code: 'config.invalid',
      message: expect.stringMatching(
        /seed=-1.*tickets=0.*delaySeconds=1.5.*credentials need.*linkOrigin=acme/,
      ),
    });
  });

  it('name the port that is taken', async () => {
    const simulator = await start();
    const other = mkdtempSync(join(tmpdir(), 'simulator-'));
    const port = Number(new URL(simulator.url).port);
    await expect(start({ dataDir: other, port })).rejects.toMatchObject({ code: 'config.port_taken' });
    rmSync(other, { recursive: true, force: true });
  });
});

describe('a large page', () => {
  const headers = { authorization: defaultAuthorization };
  const query = 'start_time=0&per_page=45000';

  it('waits for a reader that stands still', async () => {
    const simulator = await start({ tickets: 45_000, perPageMax: 45_000 });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(exportUrl(simulator, query), { headers, agent: false }, resolve).on('error', reject);
    });
    // Until nothing is written any more: buffers of the system on both sides are full.
    let written = -1;
    await vi.waitFor(
      () => {
        const before = written;
        written = statSync(join(dataDir, 'ledger')).size / 32;
        expect(written).toBeGreaterThan(0);
        expect(written).toBe(before);
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(written).toBeLessThan(15_000);
    let bytes = 0;
    for await (const chunk of response as AsyncIterable<Buffer>) bytes += chunk.length;
    expect(bytes).toBeGreaterThan(150e6);
    expect(simulator.status().requests).toMatchObject({ pages: 1, tickets: 45_000 });
  }, 60_000);

  it.each(['identity', 'gzip'])('is cut when the simulator stops (%s)', async (coding) => {
    const simulator = await start({ tickets: 45_000, perPageMax: 45_000 });
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { headers: { ...headers, 'accept-encoding': coding }, agent: false as const };
      get(exportUrl(simulator, query), options, resolve).on('error', reject);
    });
    const cut = new Promise<Error>((resolve) => {
      response.once('error', resolve);
    });
    response.once('data', () => response.pause());
    await stop(simulator);
    response.resume();
    expect((await cut).message).toMatch(/aborted/);
    expect((await ledgerOf(dataDir)).some((version) => version.whole)).toBe(false);
  });

  it('takes no more memory than a small one', async () => {
    const simulator = await start({ tickets: 45_000, perPageMax: 45_000 });
    const read = async (perPage: number) => {
      let bytes = 0;
      let peakRss = 0;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const url = exportUrl(simulator, `start_time=0&per_page=${perPage}`);
        get(url, { headers, agent: false }, resolve).on('error', reject);
      });
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        peakRss = Math.max(peakRss, process.memoryUsage.rss());
      }
      return { bytes, peakRss };
    };
    // The first page fills the young generation, compiled code and the ledger's marks.
    await read(3000);
    const small = await read(3000);
    const large = await read(45_000);
    expect(large.bytes).toBeGreaterThan(150e6);
    // Garbage that is not yet collected takes up to 80 MB, whatever the page; the page alone would take 160.
    expect(large.peakRss - small.peakRss).toBeLessThan(110e6);
  }, 60_000);
});
