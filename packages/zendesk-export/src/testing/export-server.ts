/** A server that answers as a test says, and a client of it; both end with the test. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, createServer as createTcpServer } from 'node:net';
import { inspect } from 'node:util';
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import { afterEach, expect } from 'vitest';
import {
  createExportClient,
  type ExportClient,
  type ExportClientOptions,
  type OpenPage,
} from '../export-client.ts';

export const TOKEN = 'tok3n-that-nobody-may-see';
export const PAGE = Buffer.from(
  `{"tickets":[{"id":1,"subject":"${'Grüße '.repeat(2_000)}"}],"count":1,"end_of_stream":true,"next_page":null,"end_time":1700000000}`,
);
export const JSON_TYPE = { 'content-type': 'application/json; charset=utf-8' };

export const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

export async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  const url = await listen(server);
  return { url, requests, server };
}

export async function listen(server: Server | ReturnType<typeof createTcpServer>): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ('closeAllConnections' in server) server.closeAllConnections();
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

export function clientOf(
  url: string,
  options: Pick<ExportClientOptions, 'headersTimeoutMs' | 'bodyTimeoutMs' | 'view' | 'nowMs'> = {},
): ExportClient {
  const client = createExportClient({
    url,
    credentials: { email: 'ana@example.org', apiToken: TOKEN },
    headersTimeoutMs: 400,
    bodyTimeoutMs: 400,
    ...options,
  });
  closing.push(() => client.close());
  return client;
}

export const asked = { next: { mode: 'time', startTime: 1_700_000_000 }, perPage: 1_000 } as const;

export async function readAll(page: OpenPage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of page.body) parts.push(chunk);
  return Buffer.concat(parts);
}

export async function refusalOf(promise: Promise<unknown>): Promise<TicketStreamError> {
  const error: unknown = await promise.then(
    () => new Error('nothing was refused'),
    (reason: unknown) => reason,
  );
  if (!isTicketStreamError(error)) throw error;
  // Whatever is logged of it, nothing in it lets anybody in.
  const shown = inspect(error, { depth: 9, showHidden: true });
  expect(shown).not.toContain(TOKEN);
  expect(shown).not.toContain(Buffer.from(`ana@example.org/token:${TOKEN}`).toString('base64'));
  return error;
}
