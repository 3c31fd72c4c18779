/**
 * What the simulator has beside Zendesk's API, under `/simulator/`: its state, its ledger, and commands. Only from
 * this machine, and only under a name of this machine: a page in a browser that points its own name here (DNS
 * rebinding) is refused.
 */
import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { parseExactJson } from '../exact-json.ts';
import { readLedger } from '../ledger.ts';
import { unknownEndpoint } from './answers.ts';
import { accountHeaders, type Exchange, refuse } from './exchange.ts';
import { readText } from './request-body.ts';

const BODY_BYTES_MAX = 16 * 1024 * 1024;
const LINES_A_CHUNK = 500;

export async function answerControl(exchange: Exchange): Promise<void> {
  const { request, response, url, account, options } = exchange;
  if (!fromThisMachine(request)) {
    request.resume();
    const body = { error: 'Forbidden', description: 'Only from this machine, by a loopback name' };
    return refuse(response, { status: 403, body }, account.presentSecond());
  }
  const route = `${request.method} ${url.pathname}`;
  if (route === 'GET /simulator/status') {
    return answerJson(exchange, 200, account.status(exchange.ownOrigin, exchange.counts.figures()));
  }
  if (route === 'GET /simulator/ledger') return answerLines(exchange, readLedger(options.dataDir));
  if (route === 'GET /simulator/latest') return answerLines(exchange, account.latest());
  const ticket = /^(GET|POST) \/simulator\/tickets(?:\/(\d{1,15}))?(\/scrub)?$/.exec(route);
  try {
    if (route === 'POST /simulator/clock') {
      const body = (await readBody(request)) as
        | { advanceSeconds?: unknown; jumpSeconds?: unknown }
        | undefined;
      if (body?.jumpSeconds !== undefined) account.jump(Number(body.jumpSeconds));
      else account.advance(Number(body?.advanceSeconds));
      return answerJson(exchange, 200, account.status(exchange.ownOrigin, exchange.counts.figures()));
    }
    if (route === 'POST /simulator/faults') account.faults.replace(await readBody(request));
    if (route === 'POST /simulator/faults' || route === 'GET /simulator/faults') {
      return answerJson(exchange, 200, { plan: account.faults.plan, played: account.faults.played });
    }
    if (route === 'POST /simulator/oauth/revoke') {
      request.resume();
      return answerJson(exchange, 200, { revoked: account.tokens.revokeAll() });
    }
    if (ticket?.[1] === 'GET' && ticket[2] !== undefined && ticket[3] === undefined) {
      const json = account.ticket(Number(ticket[2]));
      if (json !== undefined) return answerText(exchange, 200, 'application/json; charset=utf-8', json);
    }
    if (ticket?.[1] === 'POST') {
      const body = ((await readBody(request)) ?? {}) as object;
      const system = url.searchParams.get('system') === 'true';
      const id = Number(ticket[2]);
      if (ticket[3] !== undefined && ticket[2] !== undefined)
        return answerJson(exchange, 200, account.scrub(id));
      if (ticket[3] === undefined && ticket[2] !== undefined) {
        return answerJson(exchange, 200, account.change(id, body, { system }));
      }
      if (ticket[3] === undefined) return answerJson(exchange, 201, account.create(body));
    }
  } catch (error) {
    if (
      !isTicketStreamError(error, 'simulator.change_refused') &&
      !isTicketStreamError(error, 'config.invalid')
    )
      throw error;
    return answerJson(exchange, 422, { error: error.code, description: error.message });
  }
  request.resume();
  refuse(response, unknownEndpoint, account.presentSecond());
}

function fromThisMachine(request: IncomingMessage): boolean {
  const address = request.socket.remoteAddress ?? '';
  const name = (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  return (
    /^(::ffff:)?127\.|^::1$/.test(address) &&
    (name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name))
  );
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const text = await readText(request, BODY_BYTES_MAX);
  if (text === undefined) throw new TicketStreamError('simulator.change_refused', 'the body is too large');
  if (text.trim() === '') return undefined;
  try {
    return parseExactJson(text);
  } catch (cause) {
    throw new TicketStreamError('simulator.change_refused', 'the body is not JSON', { cause });
  }
}

function answerJson(exchange: Exchange, status: number, body: object): void {
  answerText(exchange, status, 'application/json; charset=utf-8', JSON.stringify(body));
}

function answerText(exchange: Exchange, status: number, type: string, text: string): void {
  exchange.response.writeHead(status, {
    ...accountHeaders(exchange.account.presentSecond()),
    'content-type': type,
    'content-length': String(Buffer.byteLength(text)),
  });
  exchange.response.end(text);
}

async function answerLines(
  exchange: Exchange,
  rows: Iterable<object> | AsyncIterable<object>,
): Promise<void> {
  exchange.response.writeHead(200, {
    ...accountHeaders(exchange.account.presentSecond()),
    'content-type': 'application/x-ndjson; charset=utf-8',
  });
  await pipeline(Readable.from(lines(rows)), exchange.response);
}

async function* lines(rows: Iterable<object> | AsyncIterable<object>): AsyncGenerator<string> {
  let text = '';
  let count = 0;
  for await (const row of rows) {
    text += `${JSON.stringify(row)}\n`;
    count += 1;
    if (count % LINES_A_CHUNK !== 0) continue;
    yield text;
    text = '';
    // Pages go out between two chunks, however many tickets are summed up here.
    await new Promise((resolve) => setImmediate(resolve));
  }
  yield text;
}
