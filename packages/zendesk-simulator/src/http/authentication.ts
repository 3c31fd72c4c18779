import { timingSafeEqual } from 'node:crypto';
import type { AccessTokens } from './access-tokens.ts';
import { invalidToken, type Refusal, unauthorized } from './answers.ts';

export interface SimulatorCredentials {
  readonly email: string;
  readonly token?: string | undefined;
  readonly password?: string | undefined;
  /** A bearer token that is good for ever. */
  readonly oauthToken?: string | undefined;
  /** May ask for access tokens of its own (`POST /oauth/tokens`, client credentials). */
  readonly oauthClient?: { readonly id: string; readonly secret: string } | undefined;
  /** Only administrators may export; an agent's request is understood and refused (403). Default: admin. */
  readonly role?: 'admin' | 'agent' | undefined;
}

/** What the simulator accepts when nothing else is given: it holds nothing but invented tickets. */
export const DEFAULT_EMAIL = 'agent@example.com';
export const DEFAULT_TOKEN = 'simulator-token';
export const DEFAULT_CLIENT_ID = 'simulator-client';
export const DEFAULT_CLIENT_SECRET = 'simulator-client-secret';

/** One of these lets a token read tickets. */
const READING_SCOPES = ['read', 'tickets:read'];

/** Basic `email/token:TOKEN` and `email:password`; Bearer with the fixed token or one that was given out. */
export function authenticate(
  header: string | undefined,
  credentials: SimulatorCredentials,
  tokens: AccessTokens,
): { readonly role: 'admin' | 'agent' } | { readonly refusal: Refusal } {
  const bearer = /^Bearer +([^\s]+)$/i.exec(header ?? '')?.[1];
  const role = credentials.role ?? 'admin';
  if (bearer !== undefined) {
    if (credentials.oauthToken !== undefined && isSame(bearer, credentials.oauthToken)) return { role };
    const scope = tokens.find(bearer)?.scope.split(' ');
    if (scope === undefined) return { refusal: invalidToken };
    return { role: READING_SCOPES.some((reading) => scope.includes(reading)) ? role : 'agent' };
  }
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return { refusal: unauthorized };
  const given = Buffer.from(encoded, 'base64').toString('utf8');
  const { email, token, password } = credentials;
  const accepted =
    (token !== undefined && isSame(given, `${email}/token:${token}`)) ||
    (password !== undefined && isSame(given, `${email}:${password}`));
  return accepted ? { role } : { refusal: unauthorized };
}

/** In a time that does not tell how much of a secret was right. */
export function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
