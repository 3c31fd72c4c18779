/**
 * OAuth access tokens that the simulator gave out, in memory only: a simulator that starts again knows none of the old
 * ones, and a client that gets a 401 asks for another.
 */
import { randomBytes } from 'node:crypto';

/** A client that never uses what it asks for does not fill the memory: the oldest tokens go first. */
const TOKENS_MAX = 10_000;

export interface AccessToken {
  readonly scope: string;
  /** By the clock that was given. */
  readonly expiresMs: number;
}

export class AccessTokens {
  private readonly nowMs: () => number;
  private readonly tokens = new Map<string, AccessToken>();

  /** @param nowMs  a clock that never goes back; real time, also where the simulator's clock stands still */
  constructor(nowMs: () => number) {
    this.nowMs = nowMs;
  }

  issue(scope: string, lifeSeconds: number): string {
    const token = randomBytes(32).toString('hex');
    for (const oldest of this.tokens.keys()) {
      if (this.tokens.size < TOKENS_MAX) break;
      this.tokens.delete(oldest);
    }
    this.tokens.set(token, { scope, expiresMs: this.nowMs() + lifeSeconds * 1000 });
    return token;
  }

  /** @returns undefined for one that is unknown, expired or revoked */
  find(token: string): AccessToken | undefined {
    const known = this.tokens.get(token);
    if (known === undefined || this.nowMs() < known.expiresMs) return known;
    this.tokens.delete(token);
    return undefined;
  }

  /** @returns how many were still good */
  revokeAll(): number {
    const good = [...this.tokens.keys()].filter((token) => this.find(token) !== undefined).length;
    this.tokens.clear();
    return good;
  }
}
