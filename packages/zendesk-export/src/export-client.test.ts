import { createServer as createTcpServer } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createExportClient } from './export-client.ts';
import type { NextRequest } from './export-state.ts';
import {
  asked,
  clientOf,
  closing,
  JSON_TYPE,
  listen,
  PAGE,
  readAll,
  refusalOf,
  serve,
  TOKEN,
} from './testing/export-server.ts';

describe('the request', () => {
  it('asks the export for a page, with the token of an API user', async () => {
    const { url, requests } = await serve((_request, response) => {
      response.writeHead(200, { ...JSON_TYPE, date: 'Tue, 19 Sep 2023 00:46:52 GMT' }).end(PAGE);
    });
    const page = await clientOf(url, { nowMs: () => 0 }).openPage({
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

  it.each([
    [50, 1_695_084_412],
    [400, 1_695_084_411],
    [90_000, 1_695_084_322],
  ])('is of the second in which it was made, where the head takes %i ms', async (headMs, date) => {
    let nowMs = 7;
    const { url } = await serve((_request, response) => {
      nowMs += headMs;
      response.writeHead(200, { ...JSON_TYPE, date: 'Tue, 19 Sep 2023 00:46:52 GMT' }).end(PAGE);
    });
    const page = await clientOf(url, { nowMs: () => nowMs }).openPage(asked);
    page.discard();
    expect(page.date).toBe(date);
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
