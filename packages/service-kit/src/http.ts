/**
 * What every HTTP server of ours has: small limits, answers without inner details, a refusal of foreign `Host`
 * headers, and a port that is found by the commands through a file under DATA_DIR.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asTicketStreamError, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from 'fastify';
import { cannotBeWritten } from './data-folder.ts';
import type { Logger } from './logger.ts';
import { isLoopbackHost } from './loopback.ts';

const BODY_BYTES_MAX = 256 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** How long a close waits for answers under way. */
const ANSWER_LIMIT_MS = 1_000;
const URL_PARAM_CHARACTERS_MAX = 512;
/** How many ports after the wanted one are tried before any free one is taken. */
const PORTS_TRIED = 50;

const codeOfStatus: Readonly<Record<number, string>> = {
  400: 'bad_request',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'body_too_large',
  414: 'url_too_long',
  415: 'unsupported_media_type',
  503: 'unavailable',
};

/**
 * A server whose errors are `{ error: { code, message } }`: what the caller did wrong is said, what we did wrong is
 * logged and called an internal error.
 */
export function createHttpServer(settings: {
  readonly logger: Logger;
  readonly bodyBytesMax?: number;
}): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = settings.logger;
  const app = fastify({
    loggerInstance,
    // A line a request is the access log of a proxy, not ours; errors are logged below.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: settings.bodyBytesMax ?? BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    routerOptions: { maxParamLength: URL_PARAM_CHARACTERS_MAX },
    // Closed once the answers under way are out (below), whatever they wait for. Node would wait for ever for one that
    // never asked anything, and cut one whose answer is still being sent, which it calls idle.
    forceCloseConnections: true,
    frameworkErrors: (error, _request, anyReply) => {
      // Generic over every kind of route, where `code` takes no plain number.
      const reply: Pick<FastifyReply, 'code'> = anyReply as unknown as FastifyReply;
      reply.code(400).send({ error: { code: 'bad_request', message: error.message } });
    },
  });

  waitForAnswers(app);

  app.setErrorHandler(async (error, request, reply) => {
    const status = statusOf(error);
    if (status >= 500) {
      request.log.error(
        { err: error, method: request.method, route: request.routeOptions.url },
        'request failed',
      );
      const code = status === 503 ? 'unavailable' : 'internal';
      await reply
        .code(status)
        .send({ error: { code, message: status === 503 ? messageOf(error) : 'internal error' } });
      return;
    }
    const code = isTicketStreamError(error) ? error.code : (codeOfStatus[status] ?? 'bad_request');
    await reply.code(status).send({ error: { code, message: messageOf(error) } });
  });
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.split('?', 1)[0] ?? '';
    await reply
      .code(404)
      .send({ error: { code: 'not_found', message: `there is no ${request.method} ${path}` } });
  });
  return app;
}

/** A close begins by letting what is being answered reach its reader, for a second: one may read slowly, or never. */
function waitForAnswers(app: FastifyInstance): void {
  const underWay = new Set<Promise<void>>();
  app.addHook('onRequest', async (_request, { raw }) => {
    const sent = new Promise<void>((resolve) => raw.once('close', resolve));
    underWay.add(sent);
    void sent.then(() => underWay.delete(sent));
  });
  app.addHook('preClose', async () => {
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, ANSWER_LIMIT_MS);
    await Promise.race([Promise.all(underWay), limit.promise]);
    clearTimeout(timer);
  });
}

function statusOf(error: unknown): number {
  if (isTicketStreamError(error)) {
    if (error.code === 'search.bad_query') return 400;
    return error.disposition === 'retry' ? 503 : 500;
  }
  const status: unknown = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof status === 'number' && status >= 400 && status < 600 ? status : 500;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'request refused';
}

interface ListenSettings {
  /** The option that sets the port, for messages. */
  readonly name: string;
  /** 0: any free one. */
  readonly port: number;
  /** true: this port or none. false: the next free one is as good. */
  readonly explicit: boolean;
  /** 127.0.0.1 when not given. */
  readonly host?: string;
  readonly dataDir: string;
  /** The address is written to `<dataDir>/run/<file>.json` and taken away when the server closes. */
  readonly file: string;
}

/**
 * @returns the server's address, e.g. http://127.0.0.1:7700
 * @throws config.port_taken  the port was asked for by name and something listens there
 * @throws config.invalid     the address can't be listened on, or the file can't be written
 */
export async function listen(app: FastifyInstance, settings: ListenSettings): Promise<string> {
  const { dataDir, file } = settings;
  const host = settings.host ?? '127.0.0.1';
  for (const port of portsToTry(settings)) {
    try {
      await app.listen({ port, host });
    } catch (error) {
      if (!isPortTaken(error)) throw cannotListen(settings, host, error);
      if (settings.explicit) throw portTaken(settings, host, error);
      continue;
    }
    const address = app.server.address();
    const bound = typeof address === 'object' && address !== null ? address.port : port;
    const url = `http://${hostInUrl(host)}:${bound}`;
    try {
      writeServiceUrl(dataDir, file, url);
    } catch (error) {
      await app.close();
      throw cannotBeWritten(dataDir, error);
    }
    app.server.once('close', () => removeServiceUrl(dataDir, file));
    return url;
  }
  throw portTaken(settings, host, undefined);
}

function portsToTry({ port, explicit }: ListenSettings): number[] {
  if (explicit || port === 0) return [port];
  const next = Array.from({ length: PORTS_TRIED + 1 }, (_, step) => port + step).filter(
    (each) => each <= 65_535,
  );
  return [...next, 0];
}

function isPortTaken(error: unknown): boolean {
  return systemCode(error) === 'EADDRINUSE';
}

function systemCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function cannotListen({ name, port }: ListenSettings, host: string, cause: unknown): TicketStreamError {
  const code = systemCode(cause);
  if (code !== 'EACCES' && code !== 'EADDRNOTAVAIL' && code !== 'ENOTFOUND')
    return asTicketStreamError(cause);
  return new TicketStreamError(
    'config.invalid',
    `${name}=${port}: can't listen on ${host}:${port} (${code})`,
    {
      cause,
      context: { option: name, port },
      remedy:
        code === 'EACCES'
          ? 'Choose a port above 1023.'
          : 'Listen on an address of this machine, such as 127.0.0.1.',
    },
  );
}

function portTaken({ name, port }: ListenSettings, host: string, cause: unknown): TicketStreamError {
  return new TicketStreamError(
    'config.port_taken',
    `${name}=${port}: something listens on ${host}:${port} already`,
    {
      cause,
      context: { option: name, port },
    },
  );
}

/** A wildcard is where to listen, not where to go; this machine is reached by loopback. */
function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return host.includes(':') ? `[${host}]` : host;
}

interface RunFile {
  readonly url: string;
  readonly pid: number;
  readonly startedAt: string;
}

function runFile(dataDir: string, file: string): string {
  return join(dataDir, 'run', `${file}.json`);
}

function writeServiceUrl(dataDir: string, file: string, url: string): void {
  const path = runFile(dataDir, file);
  mkdirSync(join(dataDir, 'run'), { recursive: true });
  const content: RunFile = { url, pid: process.pid, startedAt: new Date().toISOString() };
  // Renamed into place: a command that reads at this moment sees the old file or the new one, never half.
  const half = `${path}.${process.pid}`;
  writeFileSync(half, `${JSON.stringify(content)}\n`);
  renameSync(half, path);
}

function removeServiceUrl(dataDir: string, file: string): void {
  // Not another process's: one that started later on the same folder has written its own.
  if (readRunFile(dataDir, file)?.pid === process.pid) rmSync(runFile(dataDir, file), { force: true });
}

function readRunFile(dataDir: string, file: string): RunFile | undefined {
  const path = runFile(dataDir, file);
  if (!existsSync(path)) return undefined;
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof content !== 'object' || content === null) return undefined;
    const { url, pid, startedAt } = content as Partial<Record<keyof RunFile, unknown>>;
    if (typeof url !== 'string' || typeof pid !== 'number' || typeof startedAt !== 'string') return undefined;
    return { url, pid, startedAt };
  } catch {
    return undefined;
  }
}

/** @returns where the service of this data folder answers; undefined: none runs (a killed one leaves its file) */
export function readServiceUrl(dataDir: string, file: string): string | undefined {
  const content = readRunFile(dataDir, file);
  return content !== undefined && isAlive(content.pid) ? content.url : undefined;
}

/** Whether there is such a process. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but it is there.
    return systemCode(error) === 'EPERM';
  }
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Asked by orchestrators and Prometheus, under whatever name they know this container by; shows counts only. */
    forMachines?: true;
  }
}

/** From this very machine a foreign name stays refused: whoever watches from here says localhost. */
function isForMachines({ routeOptions, socket }: FastifyRequest): boolean {
  return (
    routeOptions.config.forMachines === true && !isLoopbackHost(addressWithoutMapping(socket.localAddress))
  );
}

/** A dual-stack socket calls 127.0.0.1 `::ffff:127.0.0.1`. */
function addressWithoutMapping(address: string | undefined): string {
  return (address ?? '127.0.0.1').replace(/^::ffff:/i, '');
}

/**
 * Answers 403 unless the request's `Host` is this machine or one of `allowedHosts` (names without port). A web page
 * of a stranger can point its own name at 127.0.0.1 and read what a browser inside can reach; its name gives it away.
 */
export function onlyKnownHosts(app: FastifyInstance, allowedHosts: readonly string[] = []): void {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  app.addHook('onRequest', async (request, reply) => {
    const hostname = hostnameOf(request.headers.host);
    if (hostname !== undefined && (isLoopbackHost(hostname) || allowed.has(hostname))) return;
    if (isForMachines(request)) return;
    await reply.code(403).send({ error: { code: 'forbidden', message: 'this Host is not served here' } });
  });
}

function hostnameOf(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/i.exec(host);
  return match?.[1]?.toLowerCase();
}
