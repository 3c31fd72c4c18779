/**
 * `POST /oauth/tokens`: an access token for client credentials, the form of authentication that outlives API tokens
 * (none are made since 2026-10-27, and they end on 2027-04-30). Its body is JSON or a form.
 */
import { invalidClient, oauthRefusal, type Refusal, unknownEndpoint } from './answers.ts';
import { isSame } from './authentication.ts';
import { accountHeaders, type Exchange, refuse } from './exchange.ts';
import { readText } from './request-body.ts';

export const TOKEN_PATH = '/oauth/tokens';

const BODY_BYTES_MAX = 64 * 1024;
/** A client may ask for a life of its own, between these (Zendesk's documentation). */
const LIFE_SECONDS_MIN = 300;
const LIFE_SECONDS_MAX = 172_800;

interface TokenRequest {
  readonly grant_type?: unknown;
  readonly client_id?: unknown;
  readonly client_secret?: unknown;
  readonly scope?: unknown;
  readonly expires_in?: unknown;
}

export async function answerTokens(exchange: Exchange): Promise<void> {
  const { request, response, account, counts } = exchange;
  if (request.method !== 'POST') {
    request.resume();
    return refuse(response, unknownEndpoint, account.presentSecond());
  }
  const granted = grant(exchange, await readRequest(exchange));
  if ('refusal' in granted) {
    counts.tokensRefused += 1;
    return refuse(response, granted.refusal, account.presentSecond());
  }
  const { scope, lifeSeconds } = granted;
  counts.tokensIssued += 1;
  const body = JSON.stringify({
    access_token: account.tokens.issue(scope, lifeSeconds),
    token_type: 'bearer',
    scope,
    expires_in: lifeSeconds,
  });
  response.writeHead(200, {
    ...accountHeaders(account.presentSecond()),
    'cache-control': 'no-store',
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  });
  response.end(body);
}

function grant(
  { options }: Exchange,
  asked: TokenRequest | undefined,
): { readonly scope: string; readonly lifeSeconds: number } | { readonly refusal: Refusal } {
  if (asked?.grant_type === undefined) {
    return { refusal: oauthRefusal('invalid_request', 'grant_type is missing') };
  }
  if (asked.grant_type !== 'client_credentials') {
    return { refusal: oauthRefusal('unsupported_grant_type', 'grant_type must be client_credentials') };
  }
  const client = options.credentials.oauthClient;
  const { client_id: id, client_secret: secret } = asked;
  const known =
    client !== undefined &&
    typeof id === 'string' &&
    typeof secret === 'string' &&
    isSame(id, client.id) &&
    isSame(secret, client.secret);
  if (!known) return { refusal: invalidClient };
  const scope = asked.scope ?? 'read';
  // Such as "read", "read write", "tickets:read".
  if (typeof scope !== 'string' || !/^([a-z_]+:)?(read|write)( ([a-z_]+:)?(read|write))*$/.test(scope)) {
    return {
      refusal: oauthRefusal('invalid_scope', 'The requested scope is invalid, unknown, or malformed.'),
    };
  }
  const lifeSeconds = asked.expires_in === undefined ? options.tokenLifeSeconds : Number(asked.expires_in);
  const ownLife = asked.expires_in !== undefined;
  if (ownLife && !(lifeSeconds > LIFE_SECONDS_MIN && lifeSeconds < LIFE_SECONDS_MAX)) {
    const range = `more than ${LIFE_SECONDS_MIN} and less than ${LIFE_SECONDS_MAX}`;
    return { refusal: oauthRefusal('invalid_request', `expires_in must be ${range}`) };
  }
  return { scope, lifeSeconds };
}

/** @returns undefined for a body that cannot be read as one */
async function readRequest({ request }: Exchange): Promise<TokenRequest | undefined> {
  const text = await readText(request, BODY_BYTES_MAX);
  if (text === undefined) return undefined;
  if (/^application\/x-www-form-urlencoded/i.test(request.headers['content-type'] ?? '')) {
    return Object.fromEntries(new URLSearchParams(text));
  }
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
