import { isDeepStrictEqual } from 'node:util';
import type { Ticket } from './ticket.ts';
import type { TicketVersion } from './ticket-version.ts';

/** What a subscriber is told: this ticket moved to this version. */
export interface TicketChange {
  readonly ticketId: string;
  readonly kind: 'changed' | 'deleted';
  /** The ticket now; numbers beyond 2^53 are rounded here and exact in `value`. */
  readonly ticket: Ticket;
  /** The ticket's JSON, byte for byte as Zendesk sent it; sideloads, where asked for, as a last member `_embedded`. */
  readonly value: Buffer;
  /** The ticket as this subscriber last stored it; undefined on first sight or where its store keeps none. */
  readonly previous: Ticket | undefined;
  /** The fields that differ from `previous`, as `changedFields` names them; compared when first asked for. */
  readonly changed: readonly string[];
  readonly version: TicketVersion;
  readonly source: string;
  /** When the record was published, epoch milliseconds. */
  readonly publishedAtMs: number;
  /** The trace the record was sent in (32 hex digits); undefined where the producer sent none. */
  readonly traceId: string | undefined;
}

/** A change of these facts; what it changed is compared only where somebody asks. */
export function ticketChange(facts: Omit<TicketChange, 'changed'>): TicketChange {
  let changed: readonly string[] | undefined;
  return {
    ...facts,
    get changed() {
      changed ??= changedFields(facts.previous, facts.ticket);
      return changed;
    },
  };
}

/**
 * Names of the top-level fields that differ, in the ticket's own order; every field of a ticket seen for the first
 * time. `generated_timestamp` is left out, which moves with every version and says nothing of the content, and
 * `_embedded`, which is no part of the version.
 */
export function changedFields(previous: Ticket | undefined, ticket: Ticket): string[] {
  const names = Object.keys(ticket).filter(isContent);
  if (previous === undefined) return names;
  const changed = names.filter((name) => differ(previous[name], ticket[name]));
  for (const name of Object.keys(previous)) {
    if (isContent(name) && !(name in ticket)) changed.push(name);
  }
  return changed;
}

function isContent(name: string): boolean {
  return name !== 'generated_timestamp' && name !== '_embedded';
}

/** Comparing recurses: what is nested deeper than the stack is taken for changed, so that nobody misses a change. */
function differ(before: unknown, now: unknown): boolean {
  try {
    return !isDeepStrictEqual(before, now);
  } catch {
    return true;
  }
}
