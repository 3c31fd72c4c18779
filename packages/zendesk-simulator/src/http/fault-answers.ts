/** What is sent in place of a page, where a fault says so. */
import type { ServerResponse } from 'node:http';
import type { AnswerFault, FaultStatus } from '../faults/fault-plan.ts';
import { forbidden, tooManyRequests, unauthorized } from './answers.ts';
import { accountHeaders, type Exchange } from './exchange.ts';

export const LOGIN_PATH = '/auth/v3/signin';

const JSON_TYPE = 'application/json; charset=utf-8';
const HTML_TYPE = 'text/html; charset=utf-8';
const PLAIN_TYPE = 'text/plain';

const PROXY_PAGE =
  '<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><h1>Checking your browser</h1>' +
  '<p>This page is shown in place of the one that was asked for.</p></body></html>';
const LOGIN_PAGE =
  '<!DOCTYPE html><html><head><title>Sign in</title></head><body><form method="post"><input name="user[email]">' +
  '<input name="user[password]" type="password"></form></body></html>';

const BODIES: { readonly [Status in FaultStatus]: readonly [type: string, body: string | object] } = {
  401: [JSON_TYPE, unauthorized.body],
  403: [JSON_TYPE, forbidden.body],
  404: [
    JSON_TYPE,
    {
      error: {
        title: 'No help desk at helpdesk.example.com',
        message: 'There is no help desk configured at this address.',
      },
    },
  ],
  422: [JSON_TYPE, { error: 'RecordInvalid', description: 'Record validation errors', details: {} }],
  429: [JSON_TYPE, tooManyRequests(0).body],
  500: [JSON_TYPE, { error: 'InternalError', description: 'Something went wrong on our side' }],
  502: [HTML_TYPE, '<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>'],
  503: [JSON_TYPE, { error: 'ServiceUnavailable', description: 'Try again later' }],
  // As users report it from heavy pages (estuary/connectors#2331, airbytehq/airbyte#52059).
  504: [PLAIN_TYPE, 'upstream request timeout'],
};

export function answerFault({ response, account, counts, ownOrigin }: Exchange, fault: AnswerFault): void {
  account.faults.count(fault);
  counts.faulted += 1;
  if (fault.kind === 'status' && fault.status === 429) counts.rateLimitedByFault += 1;
  const presentSecond = account.presentSecond();
  switch (fault.kind) {
    case 'html':
      send(response, 200, presentSecond, HTML_TYPE, PROXY_PAGE);
      break;
    case 'empty_body':
      send(response, 200, presentSecond, JSON_TYPE, '');
      break;
    case 'login_redirect': {
      const location = fault.location ?? `${ownOrigin}${LOGIN_PATH}?return_to=%2F`;
      send(response, 302, presentSecond, HTML_TYPE, '', { location });
      break;
    }
    case 'status': {
      const [type, body] = BODIES[fault.status];
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      send(response, fault.status, presentSecond, type, text, retryAfter(fault, presentSecond));
      break;
    }
  }
}

/** What a client sees that follows the redirect. */
export function answerLogin(response: ServerResponse, presentSecond: number): void {
  send(response, 200, presentSecond, HTML_TYPE, LOGIN_PAGE);
}

function retryAfter(
  { retryAfter: value, retryAfterDateSeconds }: Extract<AnswerFault, { kind: 'status' }>,
  presentSecond: number,
): Record<string, string> {
  if (value !== undefined) return { 'retry-after': String(value) };
  if (retryAfterDateSeconds === undefined) return {};
  return { 'retry-after': new Date((presentSecond + retryAfterDateSeconds) * 1000).toUTCString() };
}

function send(
  response: ServerResponse,
  status: number,
  presentSecond: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, {
    ...accountHeaders(presentSecond),
    'content-type': type,
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  });
  response.end(body);
}
