import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Account } from '../account.ts';
import type { CheckedOptions } from '../simulator-options.ts';
import type { Refusal } from './answers.ts';
import type { RequestCounts } from './request-counts.ts';

/** Everything an endpoint needs to answer one request. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  readonly account: Account;
  readonly options: CheckedOptions;
  readonly counts: RequestCounts;
  readonly ownOrigin: string;
}

/** What every answer of the account carries; `Date` is the simulator's clock, which clients reckon with. */
export function accountHeaders(presentSecond: number): Record<string, string> {
  return {
    date: new Date(presentSecond * 1000).toUTCString(),
    'cache-control': 'max-age=0, private, must-revalidate',
    'strict-transport-security': 'max-age=31536000; includeSubDomains',
    'x-frame-options': 'SAMEORIGIN',
    'x-zendesk-api-version': 'v2',
    'x-request-id': randomBytes(8).toString('hex'),
  };
}

export function refuse(response: ServerResponse, refusal: Refusal, presentSecond: number): void {
  const body = JSON.stringify(refusal.body);
  response.writeHead(refusal.status, {
    ...accountHeaders(presentSecond),
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    ...refusal.headers,
  });
  response.end(body);
}
