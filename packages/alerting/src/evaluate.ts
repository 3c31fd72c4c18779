import { ConditionFailure, type ConditionVariables, celFromJson, noTicket } from '@ticket-stream/condition';
import { changedFields, parseRfc3339Second, type TicketChange } from '@ticket-stream/ticket';
import type { Rule } from './rules/rule.ts';

/**
 * Which rules fire for a change. Pure: the same rules, change and context give the same decisions, so a replay
 * decides as the first run did.
 *
 * **Backfill and replay page nobody.** What matches is recorded all the same, as suppressed, where
 * - `too_old`: the version was older than the maximum when its record was *published*. Compared with the record's
 *   own time and never with the clock on the wall: a consumer that was off for a day still alerts, a backfill that
 *   runs today does not.
 * - `history`: the record was published before this store was first started, and the store has not yet caught up
 *   with the log for the first time. A store that is built anew by replay repeats no alert.
 * - `first_seen`: the ticket is older than this store and was not seen before. What it was like a version ago is
 *   unknown, so no transition matches; a state may have held for years.
 * A ticket without a previous version that was created after the store's first start is new to Zendesk, too: its
 * previous version is empty, and everything may fire.
 *
 * Not asked at all: a version in which nothing changed (`generated_timestamp` does not count, `updated_at` does), and a
 * scrub, the emptying of a ticket 30 days after its deletion.
 */
export type SuppressionReason = 'too_old' | 'history' | 'first_seen';

export type Decision =
  | { readonly rule: Rule; readonly outcome: 'fired' }
  | { readonly rule: Rule; readonly outcome: 'suppressed'; readonly reason: SuppressionReason };

/** A rule that could not be asked. It decides nothing for this change; the stream goes on. */
interface RuleFailure {
  readonly rule: Rule;
  /** Without any of the ticket's words. */
  readonly message: string;
  /** Place in the condition; undefined where it is not known. */
  readonly offset: number | undefined;
}

export interface EvaluationContext {
  /** When this store was started for the first time, epoch milliseconds. */
  readonly firstStartedAtMs: number;
  /** Whether the store has ever caught up with the log. */
  readonly hasCaughtUp: boolean;
  readonly eventAgeMaxSeconds: number;
}

export interface Evaluation {
  /** What changed against the previous version; every field where there is none. */
  readonly changed: readonly string[];
  readonly decisions: readonly Decision[];
  readonly failures: readonly RuleFailure[];
}

export function evaluate(
  rules: readonly Rule[],
  change: TicketChange,
  context: EvaluationContext,
): Evaluation {
  const { ticket, previous } = change;
  if (isScrub(change)) return { changed: [], decisions: [], failures: [] };
  const changed = changedFields(previous, ticket);
  if (changed.length === 0) return { changed, decisions: [], failures: [] };

  const firstSeen = previous === undefined && !isCreatedAfter(change, context.firstStartedAtMs);
  const reason = suppressionReason(change, context, firstSeen);
  const asked = firstSeen ? rules.filter(({ condition }) => condition.kind === 'state') : rules;
  const decisions: Decision[] = [];
  const failures: RuleFailure[] = [];
  if (asked.length === 0) return { changed, decisions, failures };

  const now: ConditionVariables = {
    ticket: celFromJson(ticket),
    previous: previous === undefined ? noTicket : celFromJson(previous),
    changed,
  };
  const before: ConditionVariables = { ticket: now.previous, previous: noTicket, changed: [] };
  for (const rule of asked) {
    try {
      if (!rule.condition.holds(now)) continue;
      // A state counts when it begins.
      if (rule.condition.kind === 'state' && previous !== undefined && didHold(rule, before)) continue;
      decisions.push(
        reason === undefined ? { rule, outcome: 'fired' } : { rule, outcome: 'suppressed', reason },
      );
    } catch (error) {
      failures.push({
        rule,
        message: error instanceof ConditionFailure ? error.message : 'the condition failed',
        offset: error instanceof ConditionFailure ? error.offset : undefined,
      });
    }
  }
  return { changed, decisions, failures };
}

/** A version before that the rule cannot be asked about must not hide that the state holds now. */
function didHold({ condition }: Rule, before: ConditionVariables): boolean {
  try {
    return condition.holds(before);
  } catch (error) {
    if (error instanceof ConditionFailure) return false;
    throw error;
  }
}

function suppressionReason(
  change: TicketChange,
  context: EvaluationContext,
  firstSeen: boolean,
): SuppressionReason | undefined {
  if (change.publishedAtMs / 1000 - change.version.stamp > context.eventAgeMaxSeconds) return 'too_old';
  if (!context.hasCaughtUp && change.publishedAtMs < context.firstStartedAtMs) return 'history';
  return firstSeen ? 'first_seen' : undefined;
}

function isCreatedAfter(change: TicketChange, momentMs: number): boolean {
  const createdSecond = parseRfc3339Second(change.ticket.created_at);
  return createdSecond !== undefined && createdSecond > Math.floor(momentMs / 1000);
}

/** Seen in an account: subject "SCRUBBED", everything else emptied, `updated_at` where the deletion had left it. */
function isScrub({ kind, ticket, previous }: TicketChange): boolean {
  return kind === 'deleted' && previous?.status === 'deleted' && previous.updated_at === ticket.updated_at;
}
