import { once } from 'node:events';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  asked,
  clientOf,
  JSON_TYPE,
  PAGE,
  readAll,
  refusalOf,
  serve,
  TOKEN,
} from './testing/export-server.ts';

describe('an answer that is no page', () => {
  async function refusedWith(
    status: number,
    body: string | Buffer,
    headers: Record<string, string> = JSON_TYPE,
  ) {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(status, headers).end(body),
    );
    const error = await refusalOf(clientOf(url).openPage(asked));
    expect(requests).toHaveLength(1);
    return error;
  }
  const TEXT = { 'content-type': 'text/plain' };
  const HTML = { 'content-type': 'text/html; charset=utf-8' };

  it.each([
    [
      401,
      '{"error":"Couldn\'t authenticate you"}',
      'zendesk.credentials_refused',
      "Couldn't authenticate you",
    ],
    [
      403,
      '{"error":{"title":"Forbidden","message":"You do not have access to this page."}}',
      'zendesk.credentials_refused',
      'Forbidden: You do not have access to this page.',
    ],
    [
      404,
      '{"error":{"title":"No help desk at acme.zendesk.com","message":"x"}}',
      'zendesk.not_found',
      'No help desk at acme.zendesk.com: x',
    ],
    [
      404,
      '{"error":"InvalidEndpoint","description":"Not found"}',
      'zendesk.not_found',
      'InvalidEndpoint: Not found',
    ],
    [
      400,
      '{"error":"StartTimeTooRecent","description":"start_time must be older"}',
      'zendesk.too_recent',
      'StartTimeTooRecent: start_time must be older',
    ],
    [
      422,
      '{"error":"InvalidValue","description":"Too recent start_time. Use a start_time older than 5 minutes"}',
      'zendesk.too_recent',
      'InvalidValue: Too recent start_time. Use a start_time older than 5 minutes',
    ],
    [400, '{"error":"BadRequest"}', 'zendesk.request_refused', 'BadRequest'],
    [
      422,
      '{"error":"RecordInvalid","description":"Record validation errors","details":{"a":[{"error":"x"}]}}',
      'zendesk.request_refused',
      'RecordInvalid: Record validation errors: {"a":[{"error":"x"}]}',
    ],
    [410, '{"error":"Gone"}', 'zendesk.request_refused', 'Gone'],
    [408, '{}', 'zendesk.unavailable', undefined],
    [500, '{"status":500,"error":"Internal Server Error"}', 'zendesk.unavailable', 'Internal Server Error'],
    [502, '', 'zendesk.unavailable', undefined],
    [503, '[1]', 'zendesk.unavailable', undefined],
    [206, '{"tickets":[]}', 'zendesk.page_malformed', undefined],
    [204, '', 'zendesk.page_malformed', undefined],
  ])('%i %s', async (status, body, code, said) => {
    const error = await refusedWith(status, body);
    expect(error.code).toBe(code);
    expect(error.context).toMatchObject({ status, startTime: asked.next.startTime });
    expect(error.context['zendeskError']).toBe(said);
  });

  it('504 in plain text asks for a smaller page', async () => {
    const error = await refusedWith(504, 'upstream request timeout', TEXT);
    expect(error).toMatchObject({
      code: 'zendesk.page_too_slow',
      context: { zendeskError: 'upstream request timeout' },
    });
  });

  it('403 and 404 with an HTML page or an empty body are what their status says, and repeat no HTML', async () => {
    const forbidden = await refusedWith(403, '<html>Attention required</html>', HTML);
    expect(forbidden.code).toBe('zendesk.credentials_refused');
    expect(forbidden.context['zendeskError']).toBeUndefined();
    expect((await refusedWith(404, '', HTML)).code).toBe('zendesk.not_found');
  });

  it('200 with HTML is malformed, and of the body only its type and length are told', async () => {
    const error = await refusedWith(200, '<html>my secret ticket</html>', HTML);
    expect(error).toMatchObject({
      code: 'zendesk.page_malformed',
      context: { contentType: 'text/html; charset=utf-8', bodyBytes: 29 },
    });
    expect(inspect(error)).not.toContain('secret ticket');
  });

  it('200 with text that would be JSON, but is said to be text, is malformed and not repeated', async () => {
    const error = await refusedWith(200, '{"error":"x","description":"a ticket\'s words"}', TEXT);
    expect(error.code).toBe('zendesk.page_malformed');
    expect(inspect(error)).not.toContain("ticket's words");
  });

  it('200 without a content type is left to the JSON to decide', async () => {
    const { url } = await serve((_request, response) => response.writeHead(200).end(PAGE));
    expect(await readAll(await clientOf(url).openPage(asked))).toEqual(PAGE);
  });

  it.each([
    ['93', 93_000, false],
    ['0', 0, false],
    ['Tue, 19 Sep 2023 00:48:25 GMT', 93_000, false],
    ['31536000', 3_600_000, true],
  ])('429 with Retry-After %s tells how long', async (retryAfter, retryAfterMs, retryAfterCapped) => {
    const error = await refusedWith(
      429,
      '{"error":"APIRateLimitExceeded","description":"Number of allowed incremental export API requests per minute exceeded"}',
      {
        ...JSON_TYPE,
        'retry-after': retryAfter,
        date: 'Tue, 19 Sep 2023 00:46:52 GMT',
      },
    );
    expect(error).toMatchObject({
      code: 'zendesk.rate_limited',
      context: { retryAfterMs, retryAfterCapped },
    });
  });

  it('429 without Retry-After leaves it to the caller', async () => {
    const error = await refusedWith(429, '{}');
    expect(error.code).toBe('zendesk.rate_limited');
    expect(error.context['retryAfterMs']).toBeUndefined();
  });

  it('503 with Retry-After tells how long', async () => {
    const error = await refusedWith(503, '{}', { ...JSON_TYPE, 'retry-after': '30' });
    expect(error).toMatchObject({ code: 'zendesk.unavailable', context: { retryAfterMs: 30_000 } });
  });

  it('that echoes the credentials or writes control characters is told without them', async () => {
    const echo = Buffer.from(`ana@example.org/token:${TOKEN}`).toString('base64');
    const error = await refusedWith(
      401,
      JSON.stringify({ error: `no ${TOKEN} \u001b[31m\n${echo}`, description: 'y'.repeat(5_000) }),
    );
    expect(error.context['zendeskError']).toMatch(/^no … {2}\[31m …: y+…$/);
    expect(String(error.context['zendeskError']).length).toBeLessThan(310);
  });

  it('in gzip is read as well, and one that is broken counts by its status', async () => {
    const gzip = { ...JSON_TYPE, 'content-encoding': 'gzip' };
    expect((await refusedWith(401, gzipSync('{"error":"no"}'), gzip)).context['zendeskError']).toBe('no');
    expect((await refusedWith(401, Buffer.from('not gzip'), gzip)).code).toBe('zendesk.credentials_refused');
  });

  it('with an endless body is not read to its end', async () => {
    let closed: Promise<unknown> | undefined;
    const { url } = await serve((_request, response) => {
      response.writeHead(500, TEXT);
      closed = once(response, 'close');
      const write = () => {
        while (!response.destroyed && response.write('x'.repeat(60_000)));
        if (!response.destroyed) response.once('drain', write);
      };
      write();
    });
    expect((await refusalOf(clientOf(url).openPage(asked))).code).toBe('zendesk.unavailable');
    await closed;
  });
});

describe('a redirect', () => {
  it.each([
    [301, 'zendesk.request_refused'],
    [308, 'zendesk.request_refused'],
    [302, 'zendesk.unavailable'],
    [303, 'zendesk.unavailable'],
    [307, 'zendesk.unavailable'],
  ])('%i is not followed, and nothing is sent where it points', async (status, code) => {
    const elsewhere = await serve((_request, response) => response.writeHead(200, JSON_TYPE).end(PAGE));
    const { url } = await serve((_request, response) => {
      response.writeHead(status, { location: `${elsewhere.url}/login?return_to=x` }).end();
    });
    const error = await refusalOf(clientOf(url).openPage(asked));
    expect(error.code).toBe(code);
    expect(error.context).toMatchObject({ status, redirectOrigin: elsewhere.url });
    expect(elsewhere.requests).toHaveLength(0);
  });
});
