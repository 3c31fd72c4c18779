import { describe, expect, it } from 'vitest';
import type { Simulator } from '../simulator.ts';
import { ask, basic } from '../testing/export-reader.ts';
import { exportUrl, simulatorFixture } from '../testing/simulator-fixture.ts';
import { AccessTokens } from './access-tokens.ts';
import { DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET } from './authentication.ts';

const fixture = simulatorFixture();

interface TokenAnswer {
  readonly access_token: string;
  readonly [field: string]: unknown;
}

const request = {
  grant_type: 'client_credentials',
  client_id: DEFAULT_CLIENT_ID,
  client_secret: DEFAULT_CLIENT_SECRET,
  scope: 'read',
};

async function askToken(
  simulator: Simulator,
  body: object | URLSearchParams = request,
): Promise<{ status: number; answer: TokenAnswer }> {
  const response = await fetch(`${simulator.url}/oauth/tokens`, {
    method: 'POST',
    ...(body instanceof URLSearchParams
      ? { body }
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { status: response.status, answer: JSON.parse(await response.text()) };
}

async function exportStatus(simulator: Simulator, token: string): Promise<number> {
  return (await ask(exportUrl(simulator), { authorization: `Bearer ${token}` })).status;
}

describe('client credentials', () => {
  it.each([
    ['JSON', request],
    ['a form', new URLSearchParams(request)],
  ])('get a token that exports, asked for as %s', async (_form, body) => {
    const simulator = await fixture.start();
    const { status, answer } = await askToken(simulator, body);
    expect(status).toBe(200);
    expect(answer).toEqual({
      access_token: expect.stringMatching(/^[0-9a-f]{64}$/),
      token_type: 'bearer',
      scope: 'read',
      expires_in: 1800,
    });
    expect(await exportStatus(simulator, answer.access_token)).toBe(200);
    expect(simulator.status().requests).toMatchObject({ total: 1, tokensIssued: 1, tokensRefused: 0 });
  });

  it('get a token whose life ends by the real clock', async () => {
    let nowMs = 0;
    const simulator = await fixture.start({ tokenLifeSeconds: 60, limitNowMs: () => nowMs });
    const { answer } = await askToken(simulator);
    nowMs = 59_999;
    expect(await exportStatus(simulator, answer.access_token)).toBe(200);
    nowMs = 60_000;
    const late = await ask(exportUrl(simulator), { authorization: `Bearer ${answer.access_token}` });
    expect(late.status).toBe(401);
    expect(JSON.parse(late.body.toString())).toMatchObject({ error: 'invalid_token' });
    const { answer: fresh } = await askToken(simulator);
    expect(await exportStatus(simulator, fresh.access_token)).toBe(200);
  });

  it('may ask for another life, within what Zendesk allows', async () => {
    const simulator = await fixture.start();
    const { answer } = await askToken(simulator, { ...request, expires_in: 3600 });
    expect(answer['expires_in']).toBe(3600);
    for (const wrong of [300, 172_800, 'long']) {
      const refused = await askToken(simulator, { ...request, expires_in: wrong });
      expect(refused).toMatchObject({ status: 400, answer: { error: 'invalid_request' } });
    }
  });

  it.each([
    [{ client_secret: 'wrong' }, 401, 'invalid_client'],
    [{ client_id: 'wrong' }, 401, 'invalid_client'],
    [{ client_secret: undefined }, 401, 'invalid_client'],
    [{ grant_type: undefined }, 400, 'invalid_request'],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
    [{ scope: 'everything' }, 400, 'invalid_scope'],
  ])('are refused: %j', async (change, status, error) => {
    const simulator = await fixture.start();
    const refused = await askToken(simulator, { ...request, ...change });
    expect(refused).toMatchObject({ status, answer: { error, error_description: expect.any(String) } });
    expect(simulator.status().requests).toMatchObject({ total: 0, tokensIssued: 0, tokensRefused: 1 });
  });

  it.each(['{', '[]', '', 'x'.repeat(70_000)])('are refused in a body that is no request', async (body) => {
    const simulator = await fixture.start();
    const response = await fetch(`${simulator.url}/oauth/tokens`, { method: 'POST', body });
    expect(response.status).toBe(400);
  });

  it('are refused in a body far too long, whose rest leaves the connection free for the next', async () => {
    const simulator = await fixture.start();
    const body = 'x'.repeat(300_000);
    for (let n = 0; n < 20; n++) {
      const response = await fetch(`${simulator.url}/oauth/tokens`, {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(10_000),
      });
      expect(response.status).toBe(400);
      await response.arrayBuffer();
    }
  });

  it('that may only write get a token that the export refuses', async () => {
    const simulator = await fixture.start();
    const { answer } = await askToken(simulator, { ...request, scope: 'tickets:write' });
    expect(await exportStatus(simulator, answer.access_token)).toBe(403);
    const { answer: reading } = await askToken(simulator, { ...request, scope: 'write tickets:read' });
    expect(await exportStatus(simulator, reading.access_token)).toBe(200);
  });

  it('are nobody where the account has no client', async () => {
    const simulator = await fixture.start({ credentials: { email: 'a@b.c', token: 't' } });
    expect((await askToken(simulator)).status).toBe(401);
  });
});

it('revokes every token at once, by call and over HTTP, and gives out new ones', async () => {
  const simulator = await fixture.start();
  const tokens = [(await askToken(simulator)).answer, (await askToken(simulator)).answer];
  expect(simulator.revokeTokens()).toBe(2);
  for (const { access_token } of tokens) expect(await exportStatus(simulator, access_token)).toBe(401);
  const { answer } = await askToken(simulator);
  expect(await exportStatus(simulator, answer.access_token)).toBe(200);
  const revoked = await fetch(`${simulator.url}/simulator/oauth/revoke`, { method: 'POST' });
  expect(await revoked.json()).toEqual({ revoked: 1 });
  expect(await exportStatus(simulator, answer.access_token)).toBe(401);
});

it('accepts a fixed token for ever, beside the other credentials', async () => {
  const simulator = await fixture.start({
    credentials: { email: 'a@b.c', token: 'basic-one', oauthToken: 'fixed-one' },
  });
  simulator.revokeTokens();
  expect(await exportStatus(simulator, 'fixed-one')).toBe(200);
  expect(await exportStatus(simulator, 'fixed-two')).toBe(401);
  expect((await ask(exportUrl(simulator), { authorization: basic('a@b.c/token:basic-one') })).status).toBe(
    200,
  );
});

it('keeps secrets out of its state and its log', async () => {
  const lines: string[] = [];
  const write = (object: object, message: string) => {
    lines.push(`${message} ${JSON.stringify(object)}`);
  };
  const secrets = ['api-secret', 'pass-secret', 'fixed-secret', 'client-secret'];
  const simulator = await fixture.start({
    logger: { info: write, warn: write },
    credentials: {
      email: 'a@b.c',
      token: 'api-secret',
      password: 'pass-secret',
      oauthToken: 'fixed-secret',
      oauthClient: { id: 'me', secret: 'client-secret' },
    },
  });
  const { answer } = await askToken(simulator, {
    ...request,
    client_id: 'me',
    client_secret: 'client-secret',
  });
  const shown = JSON.stringify(simulator.status()) + lines.join('\n');
  expect(shown).toContain('"tokensIssued":1');
  for (const secret of [...secrets, answer.access_token]) expect(shown).not.toContain(secret);
});

it('forgets the oldest tokens of a client that asks without end', () => {
  const tokens = new AccessTokens(() => 0);
  const first = tokens.issue('read', 60);
  const last = Array.from({ length: 10_000 }, () => tokens.issue('read', 60)).at(-1) ?? '';
  expect(tokens.find(first)).toBeUndefined();
  expect(tokens.find(last)).toBeDefined();
  expect(tokens.revokeAll()).toBe(10_000);
});
