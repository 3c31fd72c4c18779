/** Reads a simulator as a plain client would: node:http, nothing decoded, nothing followed by itself. */
import { get, type IncomingHttpHeaders } from 'node:http';
import { DEFAULT_EMAIL, DEFAULT_TOKEN } from '../http/authentication.ts';

export const defaultAuthorization = basic(`${DEFAULT_EMAIL}/token:${DEFAULT_TOKEN}`);

export function basic(userAndSecret: string): string {
  return `Basic ${Buffer.from(userAndSecret).toString('base64')}`;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export function ask(
  url: string,
  headers: Readonly<Record<string, string>> = { authorization: defaultAuthorization },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
      response.on('error', reject);
    }).on('error', reject);
  });
}

/** As `ask`, for a body that may not come to its end: what came of it, and whether that was all. */
export function askAnyway(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer & { readonly complete: boolean }> {
  return new Promise((resolve, reject) => {
    const withUser = { authorization: defaultAuthorization, ...headers };
    get(url, { headers: withUser, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => {});
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          complete: response.complete,
        }),
      );
    }).on('error', reject);
  });
}

export interface ExportedTicket {
  readonly id: number;
  readonly generated_timestamp: number;
  readonly [field: string]: unknown;
}

export interface PageBody {
  readonly tickets: readonly ExportedTicket[];
  readonly count: number;
  readonly end_of_stream: boolean;
  readonly next_page: string;
  readonly end_time: number;
}

export async function getPage(url: string, query: string): Promise<PageBody> {
  const answer = await ask(`${url}/api/v2/incremental/tickets?${query}`);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.toString()}`);
  return JSON.parse(answer.body.toString('utf8'));
}

export interface CursorBody {
  readonly tickets: readonly ExportedTicket[];
  readonly after_url: string;
  readonly before_url: null;
  readonly after_cursor: string;
  readonly before_cursor: null;
  readonly end_of_stream: boolean;
}

export async function getCursorPage(url: string, query: string): Promise<CursorBody> {
  const answer = await ask(`${url}/api/v2/incremental/tickets/cursor?${query}`);
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.body.toString()}`);
  return JSON.parse(answer.body.toString('utf8'));
}

/** Reads to the end of the stream. */
export async function followCursor(
  url: string,
  query: string,
): Promise<{ readonly tickets: readonly ExportedTicket[]; readonly cursor: string }> {
  const tickets: ExportedTicket[] = [];
  const rest = new URLSearchParams(query);
  for (;;) {
    const page = await getCursorPage(url, rest.toString());
    tickets.push(...page.tickets);
    if (page.end_of_stream) return { tickets, cursor: page.after_cursor };
    rest.delete('start_time');
    rest.set('cursor', page.after_cursor);
  }
}
