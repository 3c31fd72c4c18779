import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Delivery } from '../alert-record.ts';
import { SECRET, startReceiver } from '../testing/receiver.ts';
import { selfSigned } from '../testing/self-signed.ts';
import type { ChannelAnswer } from './channel.ts';
import { retryAfterMs, webhookChannel, webhookSecretProblem } from './webhook.ts';

const delivery: Delivery = {
  seq: 1,
  channel: 'webhook',
  alertId: 'alert_0123456789abcdef0123456789abcdef01234567',
  rule: 'raised',
  severity: 'critical',
  ticketId: '7',
  body: JSON.stringify({ type: 'ticket.alert', data: { ticket: { id: '7', subject: 'é😀' } } }),
  attempts: 0,
  traceId: undefined,
  traceparent: undefined,
};

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listening(server: TcpServer | Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function deliverTo(url: string, timeoutMs = 2_000): Promise<ChannelAnswer> {
  const channel = webhookChannel({ url, secret: SECRET, timeoutMs });
  try {
    return await channel.deliver(delivery, new AbortController().signal);
  } finally {
    await channel.close();
  }
}

async function deliverAnswered(answer: (response: ServerResponse) => void): Promise<ChannelAnswer> {
  const receiver = await startReceiver();
  closing.push(() => receiver.close());
  receiver.answer = (_call, _number, response) => answer(response);
  return deliverTo(receiver.url);
}

describe('the webhook channel', () => {
  it('posts the body with a signature that the standardwebhooks library verifies', async () => {
    const receiver = await startReceiver();
    closing.push(() => receiver.close());
    expect(await deliverTo(receiver.url)).toEqual({ kind: 'accepted', status: 204 });
    const [call] = receiver.calls;
    expect(call).toMatchObject({ method: 'POST', id: delivery.alertId, raw: delivery.body });
    expect(call?.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': delivery.alertId,
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
      'webhook-signature': expect.stringMatching(/^v1,/),
    });
  });

  it.each([200, 201, 202, 204, 299])('takes %i for acceptance', async (status) => {
    expect(await deliverAnswered((response) => response.writeHead(status).end())).toEqual({
      kind: 'accepted',
      status,
    });
  });

  it.each([400, 401, 404, 429, 500, 503])('takes %i for a refusal', async (status) => {
    expect(await deliverAnswered((response) => response.writeHead(status).end('no'))).toEqual({
      kind: 'refused',
      status,
      cause: `the receiver answered ${status}`,
      retryAfterMs: undefined,
    });
  });

  it('takes 410 for good-bye', async () => {
    expect(await deliverAnswered((response) => response.writeHead(410).end())).toMatchObject({
      kind: 'gone',
    });
  });

  it('passes on what Retry-After asks for', async () => {
    const answer = await deliverAnswered((response) =>
      response.writeHead(503, { 'retry-after': '120' }).end(),
    );
    expect(answer).toMatchObject({ kind: 'refused', retryAfterMs: 120_000 });
  });

  it('follows no redirect', async () => {
    const elsewhere = await startReceiver();
    closing.push(() => elsewhere.close());
    const answer = await deliverAnswered((response) =>
      response.writeHead(307, { location: elsewhere.url }).end(),
    );
    expect(answer).toMatchObject({
      kind: 'refused',
      status: 307,
      cause: expect.stringContaining('redirects'),
    });
    expect(elsewhere.calls).toEqual([]);
  });

  it('is judged by the head: an endless body delays nothing', async () => {
    const answer = await deliverAnswered((response) => {
      response.writeHead(200);
      const write = () => {
        while (response.write(Buffer.alloc(64 * 1024)));
      };
      response.on('drain', write);
      write();
    });
    expect(answer).toEqual({ kind: 'accepted', status: 200 });
  });

  it('is judged by the head: a body that is cut changes nothing', async () => {
    const answer = await deliverAnswered((response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('only so much', () => response.destroy());
    });
    expect(answer).toEqual({ kind: 'accepted', status: 200 });
  });

  it('gives up on a receiver that does not answer in time', async () => {
    const port = await listening(createServer(() => {}));
    expect(await deliverTo(`http://127.0.0.1:${port}/`, 100)).toEqual({
      kind: 'refused',
      status: undefined,
      cause: 'no answer within 100 ms',
      retryAfterMs: undefined,
    });
  });

  it('is refused by a receiver that is not there, that hangs up, or that speaks no HTTP', async () => {
    const hangsUp = await listening(createTcpServer((socket) => socket.destroy()));
    const babbles = await listening(createTcpServer((socket) => socket.end('hello\r\n\r\n')));
    const nobody = createTcpServer();
    nobody.listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port: closed } = nobody.address() as AddressInfo;
    nobody.close();
    await once(nobody, 'close');
    for (const port of [hangsUp, babbles, closed]) {
      expect(await deliverTo(`http://127.0.0.1:${port}/`)).toMatchObject({
        kind: 'refused',
        status: undefined,
        cause: expect.stringMatching(/^the request failed: \w+$/),
      });
    }
  });

  it('verifies certificates, also where the environment says not to', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    try {
      let calls = 0;
      const port = await listening(
        createTlsServer(selfSigned, (_request, response) => {
          calls++;
          response.end();
        }),
      );
      expect(await deliverTo(`https://127.0.0.1:${port}/`)).toMatchObject({
        kind: 'refused',
        cause: 'the request failed: DEPTH_ZERO_SELF_SIGNED_CERT',
      });
      expect(calls).toBe(0);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('rejects where it is cut off: nobody knows what the receiver got', async () => {
    const port = await listening(createServer(() => {}));
    const channel = webhookChannel({ url: `http://127.0.0.1:${port}/`, secret: SECRET });
    const cut = new AbortController();
    const delivered = channel.deliver(delivery, cut.signal);
    cut.abort(new Error('stopped'));
    await expect(delivered).rejects.toThrow('stopped');
    await channel.close();
  });

  it.each([
    ['whsec_', 'must be whsec_ followed by base64'],
    [Buffer.alloc(32).toString('base64'), 'must be whsec_ followed by base64'],
    ['whsec_not base64!', 'must be whsec_ followed by base64'],
    ['whsec_A', 'must be whsec_ followed by base64'],
    [`whsec_${Buffer.alloc(23).toString('base64')}`, 'must hold 24 to 64 bytes; it holds 23'],
    [`whsec_${Buffer.alloc(65).toString('base64')}`, 'must hold 24 to 64 bytes; it holds 65'],
    [`whsec_${Buffer.alloc(24).toString('base64')}`, undefined],
    [SECRET, undefined],
  ])('judges the secret %s', (secret, problem) => {
    expect(webhookSecretProblem(secret)).toBe(problem);
  });

  it('does not start with a secret that is none', () => {
    expect(() => webhookChannel({ url: 'https://example.com', secret: 'whsec_x' })).toThrow(
      expect.objectContaining({ code: 'config.invalid' }),
    );
  });
});

describe('Retry-After', () => {
  const nowMs = Date.UTC(2026, 10, 1, 12);
  it.each([
    ['0', 0],
    ['93', 93_000],
    ['Sun, 01 Nov 2026 12:01:00 GMT', 60_000],
    ['Sun, 01 Nov 2026 11:00:00 GMT', 0],
    ['soon', undefined],
    ['-5', undefined],
    ['99999999999999', undefined],
  ])('%j asks for %j ms', (header, expected) => {
    expect(retryAfterMs(header, nowMs)).toBe(expected);
  });
});
