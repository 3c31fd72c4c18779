import type { RawHeaders } from '@ticket-stream/ticket';

const outcomes = ['applied', 'duplicate', 'stale', 'skipped'] as const;

/** How a dead letter stands, read from the newest record of its key; in the order in which a letter comes to them. */
export const letterStates = ['open', 'retrying', ...outcomes, 'dropped'] as const;

/** What the normal path made of a letter that was tried again. */
export type DeadLetterOutcome = (typeof outcomes)[number];

/**
 * As dead-letter.ts writes them:
 * - `open`      as it was written; a letter without a state
 * - `retrying`  on its way through the normal path again
 * - `applied`, `duplicate`, `stale`, `skipped`  what that path made of it
 * - `dropped`   a person decided that nothing is to be done
 */
export type LetterState = (typeof letterStates)[number];

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
  return last === undefined || last === null ? undefined : String(last);
}
