import { once } from 'node:events';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { isTicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { asked, clientOf, JSON_TYPE, PAGE, readAll, refusalOf, serve } from './testing/export-server.ts';

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
