import { TicketStreamError } from '@ticket-stream/errors';
import { type Dispatcher, request } from 'undici';
import type { Authorization } from './authorization.ts';
import { failureContext } from './failure-code.ts';
import { retryAfterOf } from './response-head.ts';

/**
 * OAuth client credentials: the form of access that lasts, since Zendesk issues no API tokens any more (none since
 * 2026-10-27, none works after 2027-04-30). A token lives about half an hour, and no longer than somebody revokes it.
 *
 * Three states:
 *   none      no token: the next request fetches one
 *   trusted   a token that was never refused; fetched anew shortly before its end
 *   doubted   a request was refused with 401. Once: the token is thrown away, and a fresh one is tried. If that is
 *             refused as well, it is not the token: the credentials are.
 * So a token that expires or is revoked in the middle of a run costs one refused request, and wrong rights end the
 * run after two, without a storm.
 */
export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
  /** Space-separated; "read" is enough for the export. */
  readonly scope: string;
}

interface Token {
  readonly header: string;
  /** By `nowMs`; undefined where the answer does not say when it ends. */
  readonly renewAtMs: number | undefined;
}

const TOKEN_PATH = '/oauth/tokens';
/** Fetched anew when less than a tenth of its life, or this, is left: a page takes its time. */
const RENEW_BEFORE_MS = 60_000;
const RENEW_SHARE = 0.1;
const ANSWER_BYTES_MAX = 65_536;
/** Older tokens' texts are kept to be hidden, should a late answer echo one. */
const SECRETS_KEPT = 8;

export function clientCredentialsAuthorization(
  options: ClientCredentials & {
    /** The configured origin: the client's secret goes nowhere else. */
    readonly origin: string;
    readonly dispatcher: Dispatcher;
    /** Milliseconds that only grow. */
    readonly nowMs?: () => number;
  },
): Authorization {
  const nowMs = options.nowMs ?? (() => performance.now());
  const tokens: string[] = [];
  let token: Token | undefined;
  let doubted = false;

  async function fetchToken(signal: AbortSignal | undefined): Promise<Token> {
    const askedMs = nowMs();
    const answer = await askForToken(options, signal);
    tokens.push(answer.accessToken);
    if (tokens.length > SECRETS_KEPT) tokens.shift();
    const lifeMs = answer.expiresInSeconds === undefined ? undefined : answer.expiresInSeconds * 1_000;
    return {
      header: `Bearer ${answer.accessToken}`,
      renewAtMs:
        lifeMs === undefined ? undefined : askedMs + lifeMs - Math.min(RENEW_BEFORE_MS, lifeMs * RENEW_SHARE),
    };
  }

  return {
    async header(signal) {
      if (token === undefined || (token.renewAtMs !== undefined && nowMs() >= token.renewAtMs)) {
        token = await fetchToken(signal);
      }
      return token.header;
    },
    refused(header) {
      // A request that was under way with an older token says nothing about this one, nor about the next.
      if (token?.header !== header) return true;
      if (doubted) return false;
      doubted = true;
      token = undefined;
      return true;
    },
    accepted() {
      doubted = false;
    },
    get secrets() {
      return [options.clientSecret, ...tokens];
    },
  };
}

interface TokenAnswer {
  readonly accessToken: string;
  readonly expiresInSeconds: number | undefined;
}

async function askForToken(
  options: ClientCredentials & { readonly origin: string; readonly dispatcher: Dispatcher },
  signal: AbortSignal | undefined,
): Promise<TokenAnswer> {
  let response: Dispatcher.ResponseData;
  let text: string;
  try {
    response = await request(`${options.origin}${TOKEN_PATH}`, {
      dispatcher: options.dispatcher,
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body: JSON.stringify({
        grant_type: 'client_credentials',
        client_id: options.clientId,
        client_secret: options.clientSecret,
        scope: options.scope,
      }),
      signal: signal ?? null,
    });
    text = await boundedText(response);
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    const context = failureContext(error);
    throw new TicketStreamError('zendesk.unavailable', `no OAuth token was to be had (${context.reason})`, {
      context,
    });
  }
  if (response.statusCode !== 200 && response.statusCode !== 201) throw tokenRefusal(response, text);
  return readToken(text);
}

/** The answer of a foreign server: not more of it than a token needs. */
async function boundedText({ body }: Dispatcher.ResponseData): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    parts.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(parts).toString('utf8');
}

/** Of what Zendesk answers only OAuth's own fixed words are repeated: a description may echo what was sent. */
const OAUTH_ERRORS = new Set([
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_grant_type',
]);

function tokenRefusal(response: Dispatcher.ResponseData, text: string): TicketStreamError {
  const { statusCode } = response;
  const said = oauthError(text);
  const message = `Zendesk gives no OAuth token: ${statusCode}${said === undefined ? '' : ` ${said}`}`;
  const retryAfter = retryAfterOf(response);
  const context = {
    status: statusCode,
    zendeskError: said,
    ...(retryAfter === undefined ? {} : { retryAfterMs: retryAfter.ms }),
  };
  if (statusCode === 429) return new TicketStreamError('zendesk.rate_limited', message, { context });
  if (statusCode >= 400 && statusCode < 500 && statusCode !== 408) {
    return new TicketStreamError('zendesk.credentials_refused', message, {
      context,
      remedy:
        'Check ZENDESK_OAUTH_CLIENT_ID, ZENDESK_OAUTH_CLIENT_SECRET and ZENDESK_OAUTH_SCOPE, and that the client is confidential and allowed the client credentials grant.',
    });
  }
  return new TicketStreamError('zendesk.unavailable', message, { context });
}

function oauthError(text: string): string | undefined {
  const { error } = objectOf(text) ?? {};
  return typeof error === 'string' && OAUTH_ERRORS.has(error) ? error : undefined;
}

function readToken(text: string): TokenAnswer {
  const answer = objectOf(text);
  const accessToken = answer?.['access_token'];
  // RFC 6750's b64token; anything else would not survive a header.
  if (typeof accessToken !== 'string' || !/^[A-Za-z0-9._~+/-]{1,4096}=*$/.test(accessToken)) {
    throw new TicketStreamError(
      'zendesk.unavailable',
      'the answer to the request for an OAuth token holds no token',
    );
  }
  const expiresIn = answer?.['expires_in'];
  return {
    accessToken,
    expiresInSeconds: typeof expiresIn === 'number' && expiresIn > 0 ? expiresIn : undefined,
  };
}

function objectOf(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
