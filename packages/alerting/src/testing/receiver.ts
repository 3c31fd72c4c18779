import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

export const SECRET = `whsec_${Buffer.from('a secret of thirty-two characters').toString('base64')}`;

interface ReceivedCall {
  readonly id: string;
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  /** What `standardwebhooks` gave back for it: the call's signature is right. */
  readonly verified: { readonly data: { readonly ticket: { readonly id: string } } };
  readonly raw: string;
}

export interface Receiver {
  readonly url: string;
  readonly calls: readonly ReceivedCall[];
  /** How the next calls are answered, by their number from 0; default 204. */
  answer: (call: ReceivedCall, number: number, response: ServerResponse) => void;
  /** @returns when so many calls came in all */
  received(count: number): Promise<readonly ReceivedCall[]>;
  close(): Promise<void>;
}

/** A webhook receiver on the loopback that takes only what the `standardwebhooks` library verifies. */
export async function startReceiver(): Promise<Receiver> {
  const calls: ReceivedCall[] = [];
  const waiting = new Set<{ readonly count: number; readonly resolve: () => void }>();
  const verifier = new Webhook(SECRET);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8');
      let verified: ReceivedCall['verified'];
      try {
        verified = verifier.verify(
          raw,
          request.headers as Record<string, string>,
        ) as ReceivedCall['verified'];
      } catch {
        response.writeHead(401).end();
        return;
      }
      const { headers, method } = request;
      const call = { id: String(headers['webhook-id']), method, headers, verified, raw };
      calls.push(call);
      receiver.answer(call, calls.length - 1, response);
      for (const waiter of waiting) {
        if (calls.length >= waiter.count) {
          waiting.delete(waiter);
          waiter.resolve();
        }
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    calls,
    answer: (_call, _number, response) => response.writeHead(204).end(),
    async received(count) {
      if (calls.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add({ count, resolve });
        await promise;
      }
      return calls;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
  return receiver;
}
