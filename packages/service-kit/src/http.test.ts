import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { healthRoutes, metricsRoute } from './health-routes.ts';
import { createHttpServer, listen, onlyKnownHosts, readServiceUrl } from './http.ts';
import { createLogger } from './logger.ts';

let dataDir: string;
let logLines: string[];
const closers: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'service-kit-'));
  logLines = [];
});
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
  rmSync(dataDir, { recursive: true });
});

function server(): FastifyInstance {
  const app = createHttpServer({
    logger: createLogger({ service: 'search', destination: { write: (line) => logLines.push(line) } }),
  });
  closers.push(async () => app.close());
  return app;
}

/** A port that something else listens on. */
async function takenPort(): Promise<number> {
  const other: Server = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => other.close(resolve)));
  return (other.address() as AddressInfo).port;
}

/** fetch always sends the host it connects to; a stranger's web page does not. */
function ask(url: string, host: string | undefined, path = '/healthz'): Promise<number> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const asked = request(
      { hostname, port, path, setHost: false, ...(host === undefined ? {} : { headers: { host } }) },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on('error', reject);
    asked.end();
  });
}

const search = { name: 'SEARCH_PORT', explicit: false, file: 'search' };

describe('listening', () => {
  it('gives two servers that want the same port one each, and both are found by their folders', async () => {
    const port = await takenPort();
    const otherDir = join(dataDir, 'other');
    const [one, two] = [server(), server()];
    for (const app of [one, two]) healthRoutes(app, { ready: () => ({ ok: true }) });
    const urlOne = await listen(one, { ...search, port, dataDir });
    const urlTwo = await listen(two, { ...search, port, dataDir: otherDir });

    expect(new Set([`http://127.0.0.1:${port}`, urlOne, urlTwo]).size).toBe(3);
    expect(Number(new URL(urlOne).port)).toBeGreaterThan(port);
    expect(readServiceUrl(dataDir, 'search')).toBe(urlOne);
    expect(readServiceUrl(otherDir, 'search')).toBe(urlTwo);
    expect(await (await fetch(`${urlTwo}/healthz`)).json()).toEqual({ ok: true });
  });

  it('refuses a port that was asked for by name and is taken', async () => {
    const port = await takenPort();
    const error: unknown = await listen(server(), { ...search, port, explicit: true, dataDir }).catch(
      (thrown: unknown) => thrown,
    );
    expect(isTicketStreamError(error, 'config.port_taken')).toBe(true);
    expect(error).toMatchObject({
      exitCode: 2,
      message: `SEARCH_PORT=${port}: something listens on 127.0.0.1:${port} already`,
    });
    expect(readServiceUrl(dataDir, 'search')).toBeUndefined();
  });

  it('takes any free port for 0', async () => {
    expect(Number(new URL(await listen(server(), { ...search, port: 0, dataDir })).port)).toBeGreaterThan(0);
  });

  it('refuses an address that this machine does not have', async () => {
    const error: unknown = await listen(server(), { ...search, port: 0, host: '192.0.2.1', dataDir }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'config.invalid', exitCode: 2 });
  });

  it('refuses a data folder that cannot be written, and listens no more', async () => {
    writeFileSync(join(dataDir, 'file'), '');
    const app = server();
    const error: unknown = await listen(app, { ...search, port: 0, dataDir: join(dataDir, 'file') }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code: 'config.invalid' });
    expect(app.server.listening).toBe(false);
  });

  it('takes its file away when it closes, but not one that another process has written since', async () => {
    const [first, second] = [server(), server()];
    await listen(first, { ...search, port: 0, dataDir });
    expect(readdirSync(join(dataDir, 'run'))).toEqual(['search.json']);
    await first.close();
    expect(existsSync(join(dataDir, 'run', 'search.json'))).toBe(false);

    await listen(second, { ...search, port: 0, dataDir });
    const others = JSON.stringify({ url: 'http://127.0.0.1:1', pid: process.ppid, startedAt: 'now' });
    writeFileSync(join(dataDir, 'run', 'search.json'), others);
    await second.close();
    expect(readFileSync(join(dataDir, 'run', 'search.json'), 'utf8')).toBe(others);
  });

  it('does not find a service whose process is dead or whose file is damaged', () => {
    mkdirSync(join(dataDir, 'run'));
    const file = join(dataDir, 'run', 'search.json');
    // Above what Linux gives out (4,194,304).
    writeFileSync(file, JSON.stringify({ url: 'http://127.0.0.1:1', pid: 2 ** 22 + 1, startedAt: 'then' }));
    expect(readServiceUrl(dataDir, 'search')).toBeUndefined();
    writeFileSync(file, '{"url":');
    expect(readServiceUrl(dataDir, 'search')).toBeUndefined();
    writeFileSync(file, '[1]');
    expect(readServiceUrl(dataDir, 'search')).toBeUndefined();
  });
});

describe('only known hosts', () => {
  it('answers loopback and configured names, and 403 to everybody else, on every path', async () => {
    const app = server();
    onlyKnownHosts(app, ['Search.Internal']);
    healthRoutes(app, { ready: () => ({ ok: true }) });
    const url = await listen(app, { ...search, port: 0, dataDir });
    for (const host of ['localhost', 'localhost:7700', '127.0.0.1:1', '[::1]:7700', 'search.internal:80'])
      expect([host, await ask(url, host)]).toEqual([host, 200]);
    for (const host of [
      'evil.example',
      'evil.example:7700',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evil.example@localhost',
      '',
      '[::1',
      '192.168.0.1',
    ])
      expect([host, await ask(url, host)]).toEqual([host, 403]);
    expect(await ask(url, 'evil.example', '/nothing-here')).toBe(403);
  });
});

/** An address of this machine that is not loopback, as another machine or container calls it. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

it.skipIf(outside === undefined)(
  'probes and metrics answer other machines under any name, everything else does not (skipped without a network)',
  async () => {
    const app = server();
    onlyKnownHosts(app);
    healthRoutes(app, { ready: () => ({ ok: true }) });
    metricsRoute(app, { scrape: async () => 'up 1\n' });
    app.get('/status', async () => ({ ok: true }));
    const { port } = new URL(await listen(app, { ...search, host: '0.0.0.0', port: 0, dataDir }));
    const [afar, here] = [`http://${outside}:${port}`, `http://127.0.0.1:${port}`];
    for (const path of ['/healthz', '/readyz', '/metrics']) {
      expect([path, await ask(afar, `producer:${port}`, path)]).toEqual([path, 200]);
      // A stranger's web page in a browser of this machine.
      expect([path, await ask(here, 'evil.example', path)]).toEqual([path, 403]);
    }
    expect(await ask(afar, `producer:${port}`, '/status')).toBe(403);
  },
);

describe('health', () => {
  it('is alive but not ready while something is missing, and says what', async () => {
    const app = server();
    let reason: string | undefined = 'catching up';
    healthRoutes(app, { ready: () => ({ ok: reason === undefined, reason }) });
    expect((await app.inject('/healthz')).statusCode).toBe(200);
    const notYet = await app.inject('/readyz');
    expect([notYet.statusCode, notYet.json()]).toEqual([503, { ok: false, reason: 'catching up' }]);
    reason = undefined;
    const ready = await app.inject('/readyz');
    expect([ready.statusCode, ready.json()]).toEqual([200, { ok: true }]);
  });
});

describe('answers to errors', () => {
  it('say what the caller did wrong, by code', async () => {
    const app = server();
    app.get('/search', async () => {
      throw new TicketStreamError('search.bad_query', 'at 3: an unclosed quote');
    });
    app.post('/body', async () => ({}));
    const badQuery = await app.inject('/search');
    expect([badQuery.statusCode, badQuery.json()]).toEqual([
      400,
      { error: { code: 'search.bad_query', message: 'at 3: an unclosed quote' } },
    ]);
    const unknown = await app.inject('/nothing?q=Dear');
    expect([unknown.statusCode, unknown.json()]).toEqual([
      404,
      { error: { code: 'not_found', message: 'there is no GET /nothing' } },
    ]);
    const large = await app.inject({ method: 'POST', url: '/body', payload: { text: 'x'.repeat(300_000) } });
    expect([large.statusCode, (large.json() as { error: { code: string } }).error.code]).toEqual([
      413,
      'body_too_large',
    ]);
    const broken = await app.inject('/%');
    expect([broken.statusCode, (broken.json() as { error: { code: string } }).error.code]).toEqual([
      400,
      'bad_request',
    ]);
    expect(logLines).toEqual([]);
  });

  it('hide what we did wrong and log it, without the query', async () => {
    const app = server();
    app.get('/search', async () => {
      throw new Error('SQLITE_CORRUPT at /data/index.db');
    });
    const answer = await app.inject('/search?q=Dear');
    expect([answer.statusCode, answer.json()]).toEqual([
      500,
      { error: { code: 'internal', message: 'internal error' } },
    ]);
    expect(logLines).toHaveLength(1);
    const line = JSON.parse(logLines[0] ?? '') as object;
    expect(line).toMatchObject({ level: 'error', err: { message: 'SQLITE_CORRUPT at /data/index.db' } });
    expect(JSON.stringify(line)).not.toContain('Dear');
  });

  it('are 503 with the cause while what passes by itself is in the way', async () => {
    const app = server();
    app.get('/search', async () => {
      throw new TicketStreamError('sink.unavailable', 'OpenSearch does not answer');
    });
    const answer = await app.inject('/search');
    expect([answer.statusCode, answer.json()]).toEqual([
      503,
      { error: { code: 'unavailable', message: 'OpenSearch does not answer' } },
    ]);
  });
});

describe('closing', () => {
  /** A connection on which the client has sent so much; `received` counts what comes back until its end. */
  async function connected(url: string, sent: string) {
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    closers.push(async () => socket.destroy());
    const chunks: Buffer[] = [];
    const end = new Promise<Buffer>((resolve) => socket.once('close', () => resolve(Buffer.concat(chunks))));
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(sent);
    return { socket, end, read: () => socket.on('data', (chunk: Buffer) => chunks.push(chunk)) };
  }

  const ASKED = 'GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n';
  /** More than the system keeps for the two ends of a connection. */
  const BODY_BYTES = 16 * 1024 * 1024;

  /** A large answer, begun, to a client that does not read yet. */
  async function answering() {
    const app = server();
    const asked = Promise.withResolvers<void>();
    app.get('/large', async (_request, reply) => {
      reply.raw.once('prefinish', asked.resolve);
      return Buffer.alloc(BODY_BYTES, 'x');
    });
    const { end, read } = await connected(await listen(app, { ...search, port: 0, dataDir }), ASKED);
    await asked.promise;
    return { app, end, read };
  }

  it.each([
    ['kept open behind its answer', 'GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n'],
    ['that has sent nothing', ''],
    ['that has sent half a request', 'GET /healthz HTTP/1.1\r\nhost: loc'],
  ])('is not held back by a connection %s', async (_what, sent) => {
    const app = server();
    healthRoutes(app, { ready: () => ({ ok: true }) });
    const accepted = new Promise((resolve) => app.server.once('connection', resolve));
    const { socket, end } = await connected(await listen(app, { ...search, port: 0, dataDir }), sent);
    await accepted;
    const answered = new Promise((resolve) => socket.once('data', resolve));
    if (sent.endsWith('\r\n\r\n')) await answered;
    socket.resume();
    await app.close();
    await end;
    expect(app.server.listening).toBe(false);
  });

  it('lets an answer that is being sent reach its reader whole', async () => {
    const { app, end, read } = await answering();
    const closed = app.close();
    read();
    expect((await end).length).toBeGreaterThan(BODY_BYTES);
    await closed;
  });

  it('waits a second, not longer, for a reader that does not read', async () => {
    const { app, end, read } = await answering();
    await app.close();
    read();
    expect((await end).length).toBeLessThan(BODY_BYTES);
  });
});
