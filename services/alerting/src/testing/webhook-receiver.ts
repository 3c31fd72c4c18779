import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export const SECRET = `whsec_${Buffer.alloc(32, 42).toString('base64')}`;

interface ReceivedAlert {
  readonly id: string;
  readonly data: { readonly rule: string; readonly ticket: { readonly id: string } };
  readonly atMs: number;
}

export interface WebhookReceiver extends AsyncDisposable {
  readonly url: string;
  readonly alerts: readonly ReceivedAlert[];
  received(count: number): Promise<readonly ReceivedAlert[]>;
}

/** Takes only what the `standardwebhooks` library verifies. */
export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const alerts: ReceivedAlert[] = [];
  const arrived = new EventTarget();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        const headers = request.headers as Record<string, string>;
        const { data } = new Webhook(SECRET).verify(Buffer.concat(chunks).toString('utf8'), headers) as Pick<
          ReceivedAlert,
          'data'
        >;
        alerts.push({ id: String(headers['webhook-id']), data, atMs: performance.now() });
        response.writeHead(204).end();
      } catch {
        response.writeHead(400).end();
      }
      arrived.dispatchEvent(new Event('alert'));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/alerts`,
    alerts,
    async received(count) {
      while (alerts.length < count) await once(arrived, 'alert');
      return alerts;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
