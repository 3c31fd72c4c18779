import { timingSafeEqual } from 'node:crypto';

export interface SimulatorCredentials {
  readonly email: string;
  readonly token?: string | undefined;
  readonly password?: string | undefined;
  /** Only administrators may export; an agent's request is understood and refused (403). Default: admin. */
  readonly role?: 'admin' | 'agent' | undefined;
}

/** What the simulator accepts when nothing else is given: it holds nothing but invented tickets. */
export const DEFAULT_EMAIL = 'agent@example.com';
export const DEFAULT_TOKEN = 'simulator-token';

/** Basic `email/token:TOKEN` and `email:password`. */
export function authenticate(
  header: string | undefined,
  credentials: SimulatorCredentials,
): 'admin' | 'agent' | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const given = Buffer.from(encoded, 'base64').toString('utf8');
  const { email, token, password } = credentials;
  const accepted =
    (token !== undefined && same(given, `${email}/token:${token}`)) ||
    (password !== undefined && same(given, `${email}:${password}`));
  return accepted ? (credentials.role ?? 'admin') : undefined;
}

function same(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
