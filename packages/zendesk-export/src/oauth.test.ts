import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { isTicketStreamError } from '@ticket-stream/errors';
import { Agent } from 'undici';
import { afterEach, describe, expect, it } from 'vitest';
import { createExportClient } from './export-client.ts';
import { clientCredentialsAuthorization } from './oauth.ts';

const SECRET = 's3cret-that-nobody-may-see';
const PAGE = '{"tickets":[],"end_of_stream":true,"end_time":1700000000}';
const asked = { next: { mode: 'time', startTime: 1_700_000_000 }, perPage: 1_000 } as const;

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface TokenRequest {
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface TokenAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Record<string, string>;
}

/** An account that hands out tokens and lets in whom it is told to. */
async function account(options: {
  readonly token?: (request: number) => TokenAnswer;
  readonly lets?: (authorization: string) => boolean;
}) {
  const tokenRequests: TokenRequest[] = [];
  const exportRequests: string[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === '/oauth/tokens') {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      tokenRequests.push({ body, headers: request.headers });
      const made = tokenRequests.length;
      const answer: TokenAnswer = options.token?.(made) ?? token(`t${made}`);
      response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers });
      response.end(answer.body);
      return;
    }
    const authorization = request.headers.authorization ?? '';
    exportRequests.push(authorization);
    const letIn = options.lets?.(authorization) ?? true;
    response.writeHead(letIn ? 200 : 401, { 'content-type': 'application/json' });
    response.end(letIn ? PAGE : `{"error":"Couldn't authenticate you"}`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, tokenRequests, exportRequests };
}

function token(text: string, expiresIn?: number) {
  const body = { access_token: text, token_type: 'bearer', scope: 'read', expires_in: expiresIn };
  return { status: 200, body: JSON.stringify(body) };
}

function clientOf(url: string) {
  const client = createExportClient({
    url,
    credentials: { clientId: 'ticket_stream', clientSecret: SECRET, scope: 'read' },
  });
  closing.push(() => client.close());
  return client;
}

async function refusalOf(promise: Promise<unknown>) {
  const error: unknown = await promise.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (!isTicketStreamError(error)) throw error;
  expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(SECRET);
  return error;
}

async function getPage(client: ReturnType<typeof clientOf>): Promise<void> {
  (await client.openPage(asked)).discard();
}

describe('a token', () => {
  it('is fetched by client credentials, from the configured origin, and used for page after page', async () => {
    const { url, tokenRequests, exportRequests } = await account({});
    const client = clientOf(url);
    await getPage(client);
    await getPage(client);
    expect(tokenRequests).toHaveLength(1);
    expect(JSON.parse(tokenRequests[0]?.body ?? '')).toEqual({
      grant_type: 'client_credentials',
      client_id: 'ticket_stream',
      client_secret: SECRET,
      scope: 'read',
    });
    expect(tokenRequests[0]?.headers['authorization']).toBeUndefined();
    expect(exportRequests).toEqual(['Bearer t1', 'Bearer t1']);
  });

  it('is there before the request where it was asked for first', async () => {
    const { url, tokenRequests, exportRequests } = await account({});
    const client = clientOf(url);
    await client.authorize();
    expect([tokenRequests.length, exportRequests.length]).toEqual([1, 0]);
    (await client.openPage(asked)).discard();
    expect([tokenRequests.length, exportRequests.length]).toEqual([1, 1]);
  });

  it('refused in the middle of a run is fetched anew, and the page can be asked for again', async () => {
    let revoked = '';
    const { url, exportRequests } = await account({ lets: (header) => header !== revoked });
    const client = clientOf(url);
    await getPage(client);
    revoked = 'Bearer t1';
    expect(await refusalOf(client.openPage(asked))).toMatchObject({
      code: 'zendesk.token_refused',
      disposition: 'retry',
    });
    await getPage(client);
    expect(exportRequests).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2']);
    // And so again, half an hour later.
    revoked = 'Bearer t2';
    expect((await refusalOf(client.openPage(asked))).code).toBe('zendesk.token_refused');
    await getPage(client);
    expect(exportRequests.at(-1)).toBe('Bearer t3');
  });

  it('refused to two requests at once is fetched anew for both', async () => {
    let revoked = '';
    const { url, exportRequests } = await account({ lets: (header) => header !== revoked });
    const client = clientOf(url);
    await getPage(client);
    revoked = 'Bearer t1';
    const both = await Promise.all([1, 2].map(() => refusalOf(client.openPage(asked))));
    expect(both.map(({ code }) => code)).toEqual(['zendesk.token_refused', 'zendesk.token_refused']);
    await getPage(client);
    expect(exportRequests.at(-1)).toBe('Bearer t2');
  });

  it('refused when it is fresh means that the credentials are: no third request', async () => {
    const { url, exportRequests, tokenRequests } = await account({ lets: () => false });
    const client = clientOf(url);
    expect((await refusalOf(client.openPage(asked))).code).toBe('zendesk.token_refused');
    expect((await refusalOf(client.openPage(asked))).code).toBe('zendesk.credentials_refused');
    expect([exportRequests.length, tokenRequests.length]).toEqual([2, 2]);
  });

  it('is fetched anew before its end', async () => {
    const { url, exportRequests } = await account({ token: (request) => token(`t${request}`, 1_800) });
    const agent = new Agent();
    closing.push(() => agent.destroy());
    let nowMs = 0;
    const authorization = clientCredentialsAuthorization({
      clientId: 'x',
      clientSecret: SECRET,
      scope: 'read',
      origin: url,
      dispatcher: agent,
      nowMs: () => nowMs,
    });
    const headers: string[] = [];
    for (nowMs of [0, 1_739_000, 1_741_000, 1_742_000]) headers.push(await authorization.header());
    expect(headers).toEqual(['Bearer t1', 'Bearer t1', 'Bearer t2', 'Bearer t2']);
    expect(exportRequests).toEqual([]);
    expect(authorization.secrets).toEqual([SECRET, 't1', 't2']);
  });

  it('is kept out of what is repeated of an answer', async () => {
    const { url } = await account({ token: () => token('the-token-itself') });
    const echo = createServer((request, response) => {
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: `bad header ${request.headers.authorization}` }));
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    closing.push(async () => {
      echo.close();
      echo.closeAllConnections();
    });
    const fixed = createExportClient({
      url: `http://127.0.0.1:${(echo.address() as AddressInfo).port}`,
      credentials: { oauthToken: 'the-token-itself' },
    });
    closing.push(() => fixed.close());
    const error = await refusalOf(fixed.openPage(asked));
    expect(inspect(error, { depth: 9 })).not.toContain('the-token-itself');
    expect(url).toBeTruthy();
  });
});

describe('no token', () => {
  it.each([
    [
      'a client that is not known',
      401,
      '{"error":"invalid_client","error_description":"no"}',
      'zendesk.credentials_refused',
    ],
    ['a grant that is not allowed', 400, '{"error":"unauthorized_client"}', 'zendesk.credentials_refused'],
    ['a refusal without words', 403, '<html></html>', 'zendesk.credentials_refused'],
    ['too many requests', 429, '{}', 'zendesk.rate_limited'],
    ['a server that is ill', 503, 'x', 'zendesk.unavailable'],
    ['an answer without a token', 200, '{"token_type":"bearer"}', 'zendesk.unavailable'],
    ['an answer that is no JSON', 200, '<html>login</html>', 'zendesk.unavailable'],
    ['a token that is no header', 200, '{"access_token":"a\\r\\nb: c"}', 'zendesk.unavailable'],
  ])('because of %s: the page is not asked for', async (_name, status, body, code) => {
    const { url, exportRequests } = await account({
      token: () => ({ status, body, headers: { 'retry-after': '7' } }),
    });
    const error = await refusalOf(clientOf(url).openPage(asked));
    expect(error.code).toBe(code);
    if (code === 'zendesk.credentials_refused') expect(error.remedy).toContain('ZENDESK_OAUTH_CLIENT_ID');
    if (status === 429) expect(error.context['retryAfterMs']).toBe(7_000);
    expect(exportRequests).toEqual([]);
  });

  it('before a moment by the clock of Zendesk', async () => {
    const headers = {
      date: 'Tue, 19 Sep 2023 00:46:52 GMT',
      'retry-after': 'Tue, 19 Sep 2023 00:48:25 GMT',
    };
    const { url } = await account({ token: () => ({ status: 429, body: '{}', headers }) });
    const error = await refusalOf(clientOf(url).openPage(asked));
    expect(error.context['retryAfterMs']).toBe(93_000);
  });

  it('repeats nothing of what an answer echoes', async () => {
    const { url } = await account({
      token: () => ({ status: 401, body: JSON.stringify({ error: SECRET, error_description: SECRET }) }),
    });
    await refusalOf(clientOf(url).openPage(asked));
  });

  it('because the server is away: to be asked for again', async () => {
    const gone = createServer();
    gone.listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const { port } = gone.address() as AddressInfo;
    gone.close();
    const error = await refusalOf(clientOf(`http://127.0.0.1:${port}`).openPage(asked));
    expect(error).toMatchObject({ code: 'zendesk.unavailable', disposition: 'retry' });
  });
});
