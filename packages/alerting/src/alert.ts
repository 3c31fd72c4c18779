import { hash } from 'node:crypto';
import { eventId, formatRfc3339Second, type Ticket, type TicketChange } from '@ticket-stream/ticket';
import type { Rule } from './rules/rule.ts';

/**
 * One alert has one delivery id for ever: it is made of the rule's name and the version's event id, nothing else,
 * so the same change read again, by whatever process, has the same id, and a receiver can tell a repeat by it.
 */
export function alertId(ruleName: string, change: TicketChange): string {
  return `alert_${hash('sha256', `${ruleName}\0${versionId(change)}`, 'hex').slice(0, 40)}`;
}

/** The `ce_id` of the record: ticket, stamp and digest. */
export function versionId({ ticketId, version }: TicketChange): string {
  return eventId({ ticketId, stamp: version.stamp, digest: version.digest });
}

const FIELDS_MAX = 50;
/** Of one value as JSON. A receiver that wants a whole description reads the ticket. */
const VALUE_CHARS_MAX = 1000;
const TEXT_CHARS_MAX = 500;

/**
 * The body of a delivery, the same at every attempt. Small by design: the ticket's long texts are not in it, and
 * nothing else of it is long.
 * `timestamp` is the version's moment, not the attempt's.
 */
export function alertBody(
  rule: Rule,
  change: TicketChange,
  changed: readonly string[],
): Record<string, unknown> {
  const { ticket, previous } = change;
  return {
    type: 'ticket.alert',
    timestamp: formatRfc3339Second(change.version.stamp),
    data: {
      rule: rule.name,
      severity: rule.severity,
      summary: rule.summary ?? null,
      ticket: {
        id: change.ticketId,
        subject: typeof ticket.subject === 'string' ? shortened(ticket.subject) : null,
        status: bounded(ticket.status),
        priority: bounded(ticket.priority),
        type: bounded(ticket.type),
        assignee_id: bounded(ticket.assignee_id),
        group_id: bounded(ticket.group_id),
        organization_id: bounded(ticket.organization_id),
        requester_id: bounded(ticket.requester_id),
        created_at: bounded(ticket.created_at),
        updated_at: bounded(ticket.updated_at),
        url: agentUrl(change) ?? null,
      },
      changed: changed.slice(0, FIELDS_MAX).map(shortened),
      previous: previous === undefined ? null : previousValues(previous, changed),
      version: {
        id: versionId(change),
        updated_stamp: formatRfc3339Second(change.version.stamp),
        partition: change.version.place.partition,
        offset: String(change.version.place.offset),
        log_id: change.version.place.logId,
      },
      trace_id: change.traceId ?? null,
    },
  };
}

function previousValues(previous: Ticket, changed: readonly string[]): Record<string, unknown> {
  const values: [string, unknown][] = [];
  for (const field of changed.slice(0, FIELDS_MAX)) {
    const value = previous[field] ?? null;
    if (jsonChars(value) <= VALUE_CHARS_MAX) values.push([shortened(field), value]);
  }
  return Object.fromEntries(values);
}

function jsonChars(value: unknown): number {
  try {
    return JSON.stringify(value).length;
  } catch {
    // Nested deeper than the stack.
    return Number.POSITIVE_INFINITY;
  }
}

/** A value that is short in every account: whatever stands there instead is shortened, or left out. */
function bounded(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value);
  return jsonChars(value ?? null) <= VALUE_CHARS_MAX ? (value ?? null) : null;
}

function shortened(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX - 1)}…`;
}

/** Where an agent opens the ticket; the ticket's own `url` is the API's. */
function agentUrl({ source, ticketId }: TicketChange): string | undefined {
  const origin = URL.parse(source);
  if (origin === null || (origin.protocol !== 'https:' && origin.protocol !== 'http:')) return undefined;
  return `${origin.origin}/agent/tickets/${ticketId}`;
}
