import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

interface Delivery {
  readonly id: string;
  readonly body: {
    readonly data: {
      readonly rule: string;
      readonly ticket: { readonly id: number | string };
      readonly version: { readonly id: string };
    };
  };
  readonly atMs: number;
}

/**
 * A team's own endpoint: verifies every call by the reference library, and remembers it.
 * @param dropsFirst  the first call of each delivery id is cut without an answer; `dropped` has it
 */
export async function startWebhookReceiver(secret: string, { dropsFirst = false } = {}) {
  const verifier = new Webhook(secret);
  const deliveries: Delivery[] = [];
  const dropped: Delivery[] = [];
  const refused: string[] = [];
  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString('utf8');
    const headers = request.headers as Readonly<Record<'webhook-id', string>>;
    try {
      const verified = verifier.verify(body, headers) as Delivery['body'];
      const delivery = { id: headers['webhook-id'], body: verified, atMs: performance.now() };
      if (dropsFirst && !dropped.some(({ id }) => id === delivery.id)) {
        dropped.push(delivery);
        request.socket.destroy();
        return;
      }
      deliveries.push(delivery);
      response.writeHead(204).end();
    } catch (error) {
      refused.push(String(error));
      response.writeHead(400).end();
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/alerts`,
    deliveries,
    dropped,
    refused,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
