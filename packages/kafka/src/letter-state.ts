import type { RawHeaders } from '@ticket-stream/ticket';

/**
 * What became of a dead letter after it was written. A letter is never changed and never deleted: a retry, its
 * outcome and a drop are further records under the same key, and the newest record of a key says how it stands.
 */
export const letterStates = ['open', 'retrying', 'applied', 'duplicate', 'stale', 'dropped'] as const;

/**
 * - `open`      as it was written; a letter without a state
 * - `retrying`  on its way through the normal path again
 * - `applied`, `duplicate`, `stale`  what that path made of it
 * - `dropped`   a person decided that nothing is to be done
 */
export type LetterState = (typeof letterStates)[number];

export interface LetterStateChange {
  /** The letter's key. */
  readonly key: string;
  readonly state: Exclude<LetterState, 'open'>;
  /** Who decided it, user@host; undefined where it is the outcome of a retry. */
  readonly by?: string;
  readonly reason?: string;
  /** The letter's own facts, so that they outlive it where the topic forgets it first. */
  readonly facts?: Readonly<Record<string, string>>;
}

const REASON_CHARS_MAX = 500;

/** The value is empty, not null: the letter's bytes stay where they are, and a compacted topic drops neither. */
export function encodeLetterState({ key, state, by, reason, facts }: LetterStateChange): {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
} {
  return {
    key,
    value: Buffer.alloc(0),
    headers: {
      ...facts,
      'dlq-state': state,
      ...(by === undefined ? {} : { 'dlq-by': by }),
      ...(reason === undefined ? {} : { 'dlq-reason': reason.slice(0, REASON_CHARS_MAX) }),
    },
  };
}

/** A state that this version does not know leaves the letter open: better seen once too often. */
export function letterStateOf(headers: RawHeaders | undefined): LetterState {
  const said = letterHeader(headers, 'dlq-state');
  return letterStates.find((state) => state === said) ?? 'open';
}

/** A copy: the header's own bytes are a view of the whole fetch, which would stay in memory with it. */
export function letterHeader(headers: RawHeaders | undefined, name: string): string | undefined {
  const value = headers?.[name];
  // A record may bring such a header of its own; what its letter says was written after it.
  const last = Array.isArray(value) ? value.at(-1) : value;
  return last === undefined ? undefined : String(last);
}
