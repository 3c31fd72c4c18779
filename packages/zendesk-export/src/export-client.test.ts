import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { inspect } from 'node:util';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import { afterEach, describe, expect, it } from 'vitest';
import { createExportClient, type ExportClient, type OpenPage } from './export-client.ts';
import type { ExportView } from './export-request.ts';
import type { NextRequest } from './export-state.ts';

const TOKEN = 'tok3n-that-nobody-may-see';
const PAGE = Buffer.from(
  `{"tickets":[{"id":1,"subject":"${'Grüße '.repeat(2_000)}"}],"count":1,"end_of_stream":true,"next_page":null,"end_time":1700000000}`,
);
const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  const url = await listen(server);
  return { url, requests, server };
}

async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function clientOf(
  url: string,
  options: { headersTimeoutMs?: number; bodyTimeoutMs?: number; view?: ExportView } = {},
): ExportClient {
  const client = createExportClient({
    url,
    credentials: { email: 'ana@example.org', apiToken: TOKEN },
    headersTimeoutMs: 400,
    bodyTimeoutMs: 400,
    ...options,
  });
  closing.push(() => client.close());
  return client;
}

const asked = { next: { mode: 'time', startTime: 1_700_000_000 }, perPage: 1_000 } as const;

async function readAll(page: OpenPage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of page.body) parts.push(chunk);
  return Buffer.concat(parts);
}

async function refusalOf(promise: Promise<unknown>): Promise<TicketStreamError> {
  const error: unknown = await promise.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (!isTicketStreamError(error)) throw error;
  // Whatever is logged of it, nothing in it lets anybody in.
  const shown = inspect(error, { depth: 9, showHidden: true });
  expect(shown).not.toContain(TOKEN);
  expect(shown).not.toContain(Buffer.from(`ana@example.org/token:${TOKEN}`).toString('base64'));
  return error;
}

describe('the request', () => {
  it('asks the export for a page, with the token of an API user', async () => {
    const { url, requests } = await serve((_request, response) => {
      response.writeHead(200, { ...JSON_TYPE, date: 'Tue, 19 Sep 2023 00:46:52 GMT' }).end(PAGE);
    });
    const page = await clientOf(url).openPage({
      next: { mode: 'time', startTime: 1_695_062_724 },
      perPage: 77,
    });
    expect(page).toMatchObject({ status: 200, date: 1_695_084_412 });
    expect(await readAll(page)).toEqual(PAGE);
    const [request] = requests;
    expect(request?.url).toBe('/api/v2/incremental/tickets?start_time=1695062724&per_page=77');
    expect(request?.headers.authorization).toBe(
      `Basic ${Buffer.from(`ana@example.org/token:${TOKEN}`).toString('base64')}`,
    );
    expect(request?.headers['user-agent']).toMatch(/^ticket-stream\//);
  });

  it.each<[string, NextRequest, string]>([
    ['by time', { mode: 'time', startTime: 7 }, '/api/v2/incremental/tickets?start_time=7&per_page=9'],
    [
      'by cursor, from a start',
      { mode: 'cursor', startTime: 7 },
      '/api/v2/incremental/tickets/cursor?start_time=7&per_page=9',
    ],
    [
      'by cursor, opaque as it is',
      { mode: 'cursor', startTime: 7, cursor: 'MTY5NTA1MjY2My4wfHwyOHw=&x+/' },
      '/api/v2/incremental/tickets/cursor?cursor=MTY5NTA1MjY2My4wfHwyOHw%3D%26x%2B%2F&per_page=9',
    ],
    [
      'for one second, by the cursor endpoint',
      { mode: 'second', startTime: 7 },
      '/api/v2/incremental/tickets/cursor?start_time=7&per_page=9',
    ],
  ])('asks %s', async (_name, next, target) => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(200, JSON_TYPE).end(PAGE),
    );
    (await clientOf(url).openPage({ next, perPage: 9 })).discard();
    expect(requests[0]?.url).toBe(target);
  });

  it('keeps sideloads and scope on every request', async () => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(200, JSON_TYPE).end(PAGE),
    );
    const scope = { excludeDeleted: true, supportTypes: 'all' } as const;
    const client = clientOf(url, { view: { scope, include: ['users', 'groups'] } });
    (await client.openPage({ next: { mode: 'cursor', startTime: 7, cursor: 'abc' }, perPage: 9 })).discard();
    expect(requests[0]?.url).toBe(
      '/api/v2/incremental/tickets/cursor?cursor=abc&per_page=9&include=users%2Cgroups&exclude_deleted=true&support_type_scope=all',
    );
  });

  it('sends a password without /token, in UTF-8', async () => {
    const { url, requests } = await serve((_request, response) =>
      response.writeHead(200, JSON_TYPE).end(PAGE),
    );
    const client = createExportClient({
      url,
      credentials: { email: 'ana@example.org', password: 'pässwörd' },
    });
    closing.push(() => client.close());
    (await client.openPage(asked)).discard();
    expect(requests[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('ana@example.org:pässwörd', 'utf8').toString('base64')}`,
    );
  });

  it.each(['http://acme.zendesk.com', 'ftp://127.0.0.1', 'acme', 'https://ana:x@acme.zendesk.com'])(
    'is not made to %s',
    (url) => {
      expect(() => createExportClient({ url, credentials: { email: 'a', apiToken: TOKEN } })).toThrow(
        expect.objectContaining({ code: 'config.invalid' }),
      );
    },
  );

  it.each(['https://acme.zendesk.com/', 'http://localhost:1', 'http://[::1]:1', 'http://127.0.0.1:1'])(
    'may be made to %s',
    async (url) => {
      await createExportClient({ url, credentials: { email: 'a', apiToken: TOKEN } }).close();
    },
  );

  it('uses its connections again for page after page', async () => {
    let connections = 0;
    const { url, server } = await serve((_request, response) => response.writeHead(200, JSON_TYPE).end(PAGE));
    server.on('connection', () => connections++);
    const client = clientOf(url);
    for (let page = 0; page < 20; page++) await readAll(await client.openPage(asked));
    expect(connections).toBeLessThanOrEqual(2);
  });
});

describe('an encoded body', () => {
  it.each([
    ['gzip', gzipSync(PAGE)],
    ['deflate', deflateSync(PAGE)],
    ['br', brotliCompressSync(PAGE)],
    ['GZIP', gzipSync(PAGE)],
    ['identity', PAGE],
  ])('in %s is decoded', async (encoding, bytes) => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding }).end(bytes),
    );
    expect(await readAll(await clientOf(url).openPage(asked))).toEqual(PAGE);
  });

  it.each([
    ['gzip', gzipSync(PAGE)],
    ['deflate', deflateSync(PAGE)],
    ['br', brotliCompressSync(PAGE)],
  ])('in %s that ends early, in a well framed answer, is truncated', async (encoding, bytes) => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding }).end(bytes.subarray(0, -9)),
    );
    const page = await clientOf(url).openPage(asked);
    expect((await refusalOf(readAll(page))).code).toBe('zendesk.page_truncated');
  });

  it.each(['gzip', 'deflate', 'br'])('in %s that is none is malformed', async (encoding) => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding }).end(Buffer.alloc(500, 0xfd)),
    );
    const page = await clientOf(url).openPage(asked);
    expect((await refusalOf(readAll(page))).code).toBe('zendesk.page_malformed');
  });

  it('in an encoding nobody asked for is malformed', async () => {
    const { url } = await serve((_request, response) =>
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': 'compress' }).end('x'),
    );
    const page = await clientOf(url).openPage(asked);
    expect(await refusalOf(readAll(page))).toMatchObject({
      code: 'zendesk.page_malformed',
      context: { contentEncoding: 'compress' },
    });
  });
});

describe('a body that does not come whole', () => {
  it('cut in its chunked framing is truncated', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, JSON_TYPE).write(PAGE.subarray(0, 500), () => response.destroy());
    });
    const page = await clientOf(url).openPage(asked);
    expect((await refusalOf(readAll(page))).code).toBe('zendesk.page_truncated');
  });

  it('cut before its Content-Length is truncated', async () => {
    const { url } = await serve((_request, response) => {
      response
        .writeHead(200, { ...JSON_TYPE, 'content-length': PAGE.length })
        .write(PAGE.subarray(0, 500), () => response.destroy());
    });
    const page = await clientOf(url).openPage(asked);
    expect((await refusalOf(readAll(page))).code).toBe('zendesk.page_truncated');
  });

  it('cut inside its compression is truncated', async () => {
    const { url } = await serve((_request, response) => {
      response
        .writeHead(200, { ...JSON_TYPE, 'content-encoding': 'gzip' })
        .write(gzipSync(PAGE).subarray(0, 60), () => response.destroy());
    });
    const page = await clientOf(url).openPage(asked);
    expect((await refusalOf(readAll(page))).code).toBe('zendesk.page_truncated');
  });

  it.each(['identity', 'gzip'])('standing still (%s) is unavailable', async (encoding) => {
    const bytes = encoding === 'gzip' ? gzipSync(PAGE) : PAGE;
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding }).write(bytes.subarray(0, 40));
    });
    const page = await clientOf(url).openPage(asked);
    expect(await refusalOf(readAll(page))).toMatchObject({
      code: 'zendesk.unavailable',
      context: { reason: 'UND_ERR_BODY_TIMEOUT' },
    });
  });

  it('coming slowly, but coming, is read to its end', async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, JSON_TYPE);
      let sent = 0;
      const timer = setInterval(() => {
        response.write(PAGE.subarray(sent, sent + 3_000));
        sent += 3_000;
        if (sent < PAGE.length) return;
        clearInterval(timer);
        response.end();
      }, 60);
    });
    expect(await readAll(await clientOf(url).openPage(asked))).toEqual(PAGE);
  });

  it('is not said to stand still when it is we who are slow', async () => {
    const large = Buffer.alloc(4_000_000, 0x20);
    const { url } = await serve((_request, response) => response.writeHead(200, JSON_TYPE).end(large));
    const page = await clientOf(url, { bodyTimeoutMs: 150 }).openPage(asked);
    let bytes = 0;
    let waited = false;
    for await (const chunk of page.body) {
      bytes += chunk.length;
      if (!waited) {
        waited = true;
        await new Promise((resolve) => setTimeout(resolve, 1_300));
      }
    }
    expect(bytes).toBe(large.length);
  });
});

describe('no answer', () => {
  it('from a port where nobody listens is unavailable', async () => {
    const { url, server } = await serve(() => {});
    await new Promise((resolve) => server.close(resolve));
    expect(await refusalOf(clientOf(url).openPage(asked))).toMatchObject({
      code: 'zendesk.unavailable',
      context: { reason: 'ECONNREFUSED' },
    });
  });

  it('in time is unavailable', async () => {
    const { url } = await serve(() => {});
    expect(await refusalOf(clientOf(url).openPage(asked))).toMatchObject({
      code: 'zendesk.unavailable',
      context: { reason: 'UND_ERR_HEADERS_TIMEOUT' },
    });
  });

  it('but a closed or a babbling connection is unavailable', async () => {
    const closed = await serve((request) => request.socket.destroy());
    expect((await refusalOf(clientOf(closed.url).openPage(asked))).code).toBe('zendesk.unavailable');
    const babbling = await listen(
      createTcpServer((socket) =>
        socket
          .on('error', () => {})
          .resume()
          .end('SSH-2.0-x\r\n'),
      ),
    );
    expect((await refusalOf(clientOf(babbling).openPage(asked))).code).toBe('zendesk.unavailable');
  });
});

describe('a failure', () => {
  it('of the framing tells nothing of the bytes around it', async () => {
    const url = await listen(
      createTcpServer((socket) => {
        const head =
          'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n';
        socket
          .on('error', () => {})
          .resume()
          .end(`${head}5\r\nabcde\r\n{"subject":"my password is hunter2"}`);
      }),
    );
    const error = await refusalOf(
      clientOf(url)
        .openPage(asked)
        .then((page) => readAll(page)),
    );
    expect(error.disposition).toBe('retry');
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
  });
});

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

describe('a page that is given up', () => {
  it('before its head came ends with the reason', async () => {
    const { url } = await serve(() => {});
    const stop = new AbortController();
    const opening = clientOf(url, { headersTimeoutMs: 60_000 }).openPage({ ...asked, signal: stop.signal });
    stop.abort(new Error('stopping'));
    await expect(opening).rejects.toThrow('stopping');
    await expect(clientOf(url).openPage({ ...asked, signal: stop.signal })).rejects.toThrow('stopping');
  });

  it.each(['identity', 'gzip'])(
    'while it is read (%s) ends with the reason, and the connection with it',
    async (encoding) => {
      let closed: Promise<unknown> | undefined;
      const bytes = encoding === 'gzip' ? gzipSync(PAGE, { level: 0 }) : PAGE;
      const { url } = await serve((_request, response) => {
        closed = once(response, 'close');
        response
          .writeHead(200, { ...JSON_TYPE, 'content-encoding': encoding })
          .write(bytes.subarray(0, 9_000));
      });
      const stop = new AbortController();
      const page = await clientOf(url, { bodyTimeoutMs: 60_000 }).openPage({ ...asked, signal: stop.signal });
      const reading = readAll(page);
      setTimeout(() => stop.abort(new Error('over the budget')), 20);
      await expect(reading).rejects.toThrow('over the budget');
      await closed;
    },
  );

  it('between its head and its first byte read ends with the reason', async () => {
    let closed: Promise<unknown> | undefined;
    const { url } = await serve((_request, response) => {
      closed = once(response, 'close');
      response.writeHead(200, JSON_TYPE).write(PAGE.subarray(0, 9_000));
    });
    const stop = new AbortController();
    const page = await clientOf(url).openPage({ ...asked, signal: stop.signal });
    stop.abort(new Error('stopping'));
    await closed;
    await expect(readAll(page)).rejects.toThrow('stopping');
  });

  it.each(['stops reading', 'discards it'])('by a caller who %s, closes its connection', async (how) => {
    let closed: Promise<unknown> | undefined;
    const { url } = await serve((_request, response) => {
      closed = once(response, 'close');
      response.writeHead(200, JSON_TYPE).write(PAGE);
    });
    const page = await clientOf(url, { bodyTimeoutMs: 60_000 }).openPage(asked);
    if (how === 'discards it') page.discard();
    else for await (const _ of page.body) break;
    await closed;
  });

  it('leaves no connection behind, whatever became of it', async () => {
    let turn = 0;
    const open = new Set<unknown>();
    const { url, server } = await serve((_request, response) => {
      turn++;
      if (turn % 4 === 0) response.writeHead(500, JSON_TYPE).end('{}');
      else if (turn % 4 === 1)
        response.writeHead(200, JSON_TYPE).write(PAGE.subarray(0, 50), () => response.destroy());
      else response.writeHead(200, JSON_TYPE).end(PAGE);
    });
    server.on('connection', (socket) => {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    const client = clientOf(url);
    for (let page = 0; page < 40; page++) {
      try {
        const opened = await client.openPage(asked);
        if (page % 3 === 0) opened.discard();
        else await readAll(opened);
      } catch (error) {
        if (!isTicketStreamError(error)) throw error;
      }
    }
    expect(open.size).toBeLessThanOrEqual(2);
    await client.close();
    await expect.poll(() => open.size).toBe(0);
  });
});
