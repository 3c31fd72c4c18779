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

/** A team's own endpoint: verifies every call by the reference library, and remembers it. */
export async function startWebhookReceiver(secret: string) {
  const verifier = new Webhook(secret);
  const deliveries: Delivery[] = [];
  const refused: string[] = [];
  const server = createServer(async (request, response) => {
    const body = (await buffer(request)).toString('utf8');
    const headers = request.headers as Readonly<Record<'webhook-id', string>>;
    try {
      const verified = verifier.verify(body, headers) as Delivery['body'];
      deliveries.push({ id: headers['webhook-id'], body: verified, atMs: performance.now() });
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
    refused,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
