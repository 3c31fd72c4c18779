import { gzipSync } from 'node:zlib';
import { ticketDigest } from '@ticket-stream/ticket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { copies } from '../support/committed-log.ts';
import { until } from '../support/condition.ts';
import { byText, createScriptedProducer, START_SECOND } from '../support/scripted-producer.ts';
import {
  type Answer,
  answer,
  cut,
  type ExportRequest,
  endsEarly,
  page,
  pageText,
  ticket,
} from '../support/scripted-zendesk.ts';

/** One live producer; each test plays it a scene, and the last test reads the log that all of them made. */
let rig: Awaited<ReturnType<typeof createScriptedProducer>>;
let second = START_SECOND;
const shown: string[] = [];
/** Shown twice within one second, and its digests in the order it was shown. */
const CHANGED_ID = 9_100_000;
let changedDigests: string[] = [];

beforeAll(async () => {
  rig = await createScriptedProducer('broken-pages');
  rig.producer.start();
  await rig.producer.until('live', ({ stage }) => stage === 'live');
});
afterAll(() => rig[Symbol.asyncDispose]());

/** Three tickets, each in a second of its own, that no page had before. */
function news(): { tickets: object[]; endTime: number; body: string } {
  const tickets = [1, 2, 3].map((step) => ticket(second + step, second + step, { subject: 'Ä'.repeat(300) }));
  for (const step of [1, 2, 3]) shown.push(String(second + step));
  second += 3;
  return { tickets, endTime: second, body: pageText(tickets, { end_time: second }) };
}

interface Scene {
  readonly requests: readonly ExportRequest[];
  /** Failures that the producer counted during the scene. */
  readonly retries: Readonly<Record<string, number>>;
}

/** Right after a commit readers may still be behind it: the checkpoint that names the request made last. */
function settledCheckpoint() {
  return until('the checkpoint of the last scene', async () => {
    const checkpoint = await rig.checkpoint();
    const asked = rig.zendesk.requests.at(-1)?.startTime;
    return checkpoint?.exportState.next.startTime === asked ? checkpoint : undefined;
  });
}

/**
 * Plays what must not be taken, then a good page. When the good page is asked for, nothing may have moved: the same
 * start_time, the checkpoint as it was. After it, the export goes on behind it.
 */
async function playRefused(refused: (body: string) => Answer[]): Promise<Scene> {
  const { tickets, endTime, body } = news();
  const [before, statusBefore] = await Promise.all([settledCheckpoint(), rig.status()]);
  const requests = await rig.zendesk.play(...refused(body), async (response) => {
    const now = await rig.checkpoint();
    expect(now?.nextOffsets).toEqual(before.nextOffsets);
    expect(now?.exportState.next.startTime).toBe(before.exportState.next.startTime);
    expect(now?.exportState.boundary).toEqual(before.exportState.boundary);
    page(tickets, { end_time: endTime })(response);
  });
  const startTimes = requests.map(({ startTime }) => startTime);
  expect(new Set(startTimes.slice(0, -1))).toEqual(new Set([before.exportState.next.startTime]));
  expect(startTimes.at(-1)).toBe(endTime);
  const status = await rig.status();
  expect(status.waitingFor).toBeUndefined();
  expect(status.published - statusBefore.published).toBe(tickets.length);
  const counted = Object.entries(status.retries)
    .map(([code, times]) => [code, times - (statusBefore.retries[code] ?? 0)] as const)
    .filter(([, times]) => times > 0);
  return { requests, retries: Object.fromEntries(counted) };
}

const HTML = '<!doctype html><title>Sign in</title>';
const HALF_BOM = Buffer.from([0xef, 0xbb]);
const withoutControl = (body: string): string => `${body.slice(0, body.indexOf('],"count"'))}]}`;
const middle = (body: string): number => Math.floor(Buffer.byteLength(body) * 0.7);

describe('a page that is not whole is asked for again and moves nothing:', () => {
  it.each<[string, (body: string) => Answer, string]>([
    ['cut after two tickets', (body) => cut(body, middle(body)), 'zendesk.page_truncated'],
    ['ended in the middle', (body) => endsEarly(body, middle(body)), 'zendesk.page_truncated'],
    [
      'cut before its last brace',
      (body) => endsEarly(body, Buffer.byteLength(body) - 1),
      'zendesk.page_truncated',
    ],
    [
      'cut inside its gzip',
      (body) => answer(200, gzipSync(body).subarray(0, 100), { 'content-encoding': 'gzip' }),
      'zendesk.page_truncated',
    ],
    ["a proxy's HTML", () => answer(200, HTML, { 'content-type': 'text/html' }), 'zendesk.page_malformed'],
    ['HTML that calls itself JSON', () => answer(200, HTML), 'zendesk.page_malformed'],
    ['empty', () => answer(200), 'zendesk.page_truncated'],
    ['without control fields', (body) => answer(200, withoutControl(body)), 'zendesk.page_malformed'],
    ['with a comma too many', (body) => answer(200, body.replace('},{', '},,{')), 'zendesk.page_malformed'],
    ['something after its end', (body) => answer(200, `${body}{}`), 'zendesk.page_malformed'],
    ['204', () => answer(204), 'zendesk.page_malformed'],
    ['an array', (body) => answer(200, `[${body}]`), 'zendesk.page_malformed'],
    [
      'two tickets keys',
      (body) => answer(200, body.replace('{', '{"tickets":[],')),
      'zendesk.page_malformed',
    ],
    ['a raw NUL byte in a subject', (body) => answer(200, body.replace('Ä', '\0')), 'zendesk.page_malformed'],
    [
      'half a byte order mark',
      (body) => answer(200, Buffer.concat([HALF_BOM, Buffer.from(body)])),
      'zendesk.page_malformed',
    ],
    [
      '10,000 levels of nesting around its tickets',
      (body) => answer(200, body.replace('{', `{"users":${'['.repeat(10_000)}${']'.repeat(10_000)},`)),
      'zendesk.page_malformed',
    ],
    [
      'an end_time that is text',
      (body) => answer(200, body.replace(/"end_time":(\d+)/, '"end_time":"$1"')),
      'zendesk.page_malformed',
    ],
  ])('%s', async (_, broken, code) => {
    const { retries } = await playRefused((body) => [broken(body)]);
    expect(retries).toEqual({ [code]: 1 });
  });
});

describe('an account that refuses for a while', () => {
  it('is asked again after a 500, a 502 and a dropped connection', async () => {
    const { retries } = await playRefused(() => [
      answer(500, '{}'),
      answer(502, HTML, { 'content-type': 'text/html' }),
      (response) => {
        response.destroy();
      },
    ]);
    expect(retries).toEqual({ 'zendesk.unavailable': 3 });
  });

  it.each([429, 503])(
    'gets no request before the two seconds that its %i asked for are over',
    async (status) => {
      const { requests } = await playRefused(() => [answer(status, '{}', { 'retry-after': '2' })]);
      const [refused, next] = requests;
      expect((next?.atMs ?? 0) - (refused?.atMs ?? 0)).toBeGreaterThanOrEqual(1_990);
    },
  );

  it('gets smaller pages after a 504', async () => {
    const tooSlow = answer(504, 'upstream request timeout', { 'content-type': 'text/plain' });
    const { requests, retries } = await playRefused(() => [tooSlow, tooSlow]);
    expect(requests.map(({ perPage }) => perPage)).toEqual([1000, 500, 250, 250]);
    expect(retries).toEqual({ 'zendesk.page_too_slow': 2 });
  });

  it('that redirects for a while gets the next request itself', async () => {
    const { retries } = await playRefused(() => [answer(302, '', { location: '/maintenance' })]);
    expect(retries).toEqual({ 'zendesk.unavailable': 1 });
  });

  it.each([
    ['400', answer(400, '{"error":{"title":"StartTimeTooRecent","message":"Too recent"}}')],
    ['422', answer(422, '{"error":"InvalidValue","description":"Too recent start_time. Use an older one."}')],
  ])('because the start is too recent (%s) is live, and waits for nothing', async (_, tooRecent) => {
    const { retries } = await playRefused(() => [answer(503, '{}'), tooRecent]);
    expect(retries).toEqual({ 'zendesk.unavailable': 1 });
    expect((await rig.status()).stage).toBe('live');
  });
});

describe('a page that is odd but whole', () => {
  it('with a wrong count is asked for twice more, a second apart, and then taken, loudly', async () => {
    const { tickets, endTime } = news();
    const odd = page(tickets, { end_time: endTime, count: 2 });
    const requests = await rig.zendesk.play(odd, odd, odd);
    const [first, again, third, after] = requests;
    expect(requests.map(({ startTime }) => startTime)).toEqual([
      endTime - 3,
      endTime - 3,
      endTime - 3,
      endTime,
    ]);
    expect((again?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
    expect((third?.atMs ?? 0) - (again?.atMs ?? 0)).toBeGreaterThanOrEqual(990);
    expect((after?.atMs ?? 0) - (third?.atMs ?? 0)).toBeLessThan(900);
    const warnings = rig.log().filter(({ level, msg }) => level === 'warn' && msg.includes('count'));
    expect(warnings.map(({ msg }) => msg)).toEqual([
      "the page's count is not the number of its tickets; asking again",
      "the page's count is not the number of its tickets; asking again",
      'a page was accepted although its count differs',
    ]);
  });

  it('empty, without saying that it is the end, is asked for again at the pace', async () => {
    const nothing = page([], { end_time: second, end_of_stream: false });
    const requests = await rig.zendesk.play(nothing, nothing, nothing);
    expect(new Set(requests.map(({ startTime }) => startTime))).toEqual(new Set([second]));
    const [first, , , last] = requests;
    // 1200 requests a minute: 50 ms apart as they are sent; the first may come late on a busy machine.
    expect((last?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(110);
    expect(rig.producer.running).toBe(true);
  });

  it('with null where the next start should be is taken, and the same start asked for again', async () => {
    const startTime = second;
    const { tickets, endTime } = news();
    const requests = await rig.zendesk.play(
      page(tickets, { end_time: null, next_page: null, end_of_stream: false }),
      page(tickets.toReversed(), { end_time: endTime }),
    );
    expect(requests.map((request) => request.startTime)).toEqual([startTime, startTime, endTime]);
  });

  it('with its control fields first and a byte order mark is a page like any other', async () => {
    const { tickets, endTime } = news();
    const [, next] = await rig.zendesk.play(
      answer(
        200,
        `\uFEFF{"end_of_stream":true,"end_time":${endTime},"count":3,"tickets":${JSON.stringify(tickets)}}`,
      ),
    );
    expect(next?.startTime).toBe(endTime);
  });

  it('with a next_page on another host is followed on the configured one', async () => {
    const { tickets, endTime } = news();
    const [, next] = await rig.zendesk.play(
      page(tickets, {
        end_time: undefined,
        next_page: `https://elsewhere.invalid/api/v2/incremental/tickets?start_time=${endTime}`,
      }),
    );
    expect(next?.startTime).toBe(endTime);
  });
});

describe('the boundary second', () => {
  it('shown again in another order, with one more ticket, adds that ticket alone', async () => {
    second += 1;
    const same = [1, 2, 3].map((n) => ticket(9_000_000 + n, second));
    const more = ticket(9_000_004, second);
    shown.push('9000001', '9000002', '9000003', '9000004');
    const published = (await rig.status()).published;
    await rig.zendesk.play(
      page(same, { end_time: second }),
      page([more, ...same.toReversed()], { end_time: second }),
      page([...same, more], { end_time: second }),
    );
    const status = await rig.status();
    expect(status.published - published).toBe(4);
  });

  it('with a ticket changed within that second publishes both versions, in order', async () => {
    second += 1;
    const [first, then] = ['first', 'then'].map((subject) =>
      JSON.stringify(ticket(CHANGED_ID, second, { subject })),
    );
    shown.push(String(CHANGED_ID), String(CHANGED_ID));
    changedDigests = [first, then].map((text = '') => ticketDigest(Buffer.from(text)));
    await rig.zendesk.play(
      page([first ?? ''], { end_time: second }),
      page([then ?? ''], { end_time: second }),
      page([then ?? ''], { end_time: second }),
    );
  });
});

it('a count that is wrong on three pages in a row is no criterion any more, which is said once', async () => {
  const odd = () => {
    const { tickets, endTime } = news();
    return page(tickets, { end_time: endTime, count: 2 });
  };
  const threeTimes = [1, 2, 3].map(odd).flatMap((each) => [each, each, each]);
  const requests = await rig.zendesk.play(...threeTimes, odd());
  expect(requests.slice(-2).map(({ startTime }) => startTime)).toEqual([second - 3, second]);
  expect(rig.log().filter(({ msg }) => msg.includes('counts are not looked at any more'))).toHaveLength(1);
});

it('all these scenes left every ticket in the log, once', async () => {
  const versions = await rig.versions();
  expect(copies(versions)).toEqual([]);
  expect(versions.map(({ ticketId }) => ticketId).toSorted(byText)).toEqual(shown.toSorted(byText));
  const twice = versions.filter(({ ticketId }) => ticketId === String(CHANGED_ID));
  expect(new Set(twice.map(({ stamp }) => stamp)).size).toBe(1);
  expect(new Set(twice.map(({ partition }) => partition)).size).toBe(1);
  expect(twice.map(({ digest }) => digest)).toEqual(changedDigests);
  expect(await rig.deadLetters()).toEqual([]);
});
