/** Sideloads that are fields of the ticket, and its metric set: functions of the ticket's state alone. */
import type { TicketState } from '../history/ticket-state.ts';
import { isoSecond } from '../iso-second.ts';
import { mix, purpose, Random } from '../random.ts';
import type { SideloadField } from './includes.ts';

const HOUR = 3600;
/** Hours until the first reply is due, by priority. */
const REPLY_HOURS = { urgent: 1, high: 4, normal: 8, low: 24 } as const;

/** @returns members that stand in the ticket's object before its `generated_timestamp`, each with a comma before it */
export function ticketFields(seed: number, state: TicketState, fields: readonly SideloadField[]): string {
  if (fields.length === 0) return '';
  return fields.map((field) => `,${fieldJson(seed, state, field)}`).join('');
}

function fieldJson(seed: number, state: TicketState, field: SideloadField): string {
  switch (field) {
    case 'comment_count':
      return `"comment_count":${1 + state.replies}`;
    case 'incident_counts':
      return `"incident_count":${state.type === 'problem' ? state.replies : 0}`;
    case 'dates':
      return `"dates":${JSON.stringify(dates(seed, state))}`;
    case 'slas':
      return `"slas":${JSON.stringify({ policy_metrics: policyMetrics(state) })}`;
  }
}

function isOver(state: TicketState): boolean {
  return ['solved', 'closed', 'deleted'].includes(state.status);
}

function policyMetrics(state: TicketState): object[] {
  if (state.priority === null || isOver(state)) return [];
  const hours = REPLY_HOURS[state.priority];
  const replied = state.replies > 0;
  return [
    {
      breach_at: isoSecond(state.createdSecond + hours * HOUR),
      stage: replied ? 'achieved' : 'active',
      metric: 'first_reply_time',
      hours,
    },
    {
      breach_at: isoSecond(state.updatedSecond + hours * 4 * HOUR),
      stage: state.status === 'pending' || state.status === 'hold' ? 'paused' : 'active',
      metric: 'requester_wait_time',
      hours: hours * 4,
    },
  ];
}

function dates(seed: number, state: TicketState): Record<string, string | null> {
  const random = new Random(mix(seed, purpose.metrics, state.id));
  const assignedSecond = Math.min(state.updatedSecond, state.createdSecond + random.between(240, 7 * HOUR));
  const assigned = state.agent === null ? null : isoSecond(assignedSecond);
  const updated = isoSecond(state.updatedSecond);
  return {
    assignee_updated_at: assigned,
    requester_updated_at: isoSecond(state.createdSecond),
    status_updated_at: updated,
    initially_assigned_at: assigned,
    assigned_at: assigned,
    solved_at: isOver(state) ? updated : null,
    latest_comment_added_at: state.replies > 0 ? updated : isoSecond(state.createdSecond),
  };
}

export function metricSetJson(seed: number, state: TicketState, origin: string): string {
  const random = new Random(mix(seed, purpose.metrics, state.id, 1));
  const id = 18_200_000_000_000 + state.id;
  const ageMinutes = Math.floor((state.updatedSecond - state.createdSecond) / 60);
  const within = (known: boolean) => {
    const calendar = known ? random.below(ageMinutes + 1) : null;
    return { calendar, business: calendar === null ? null : Math.floor(calendar / 3) };
  };
  return JSON.stringify({
    url: `${origin}/api/v2/ticket_metrics/${id}.json`,
    id,
    ticket_id: state.id,
    created_at: isoSecond(state.createdSecond),
    updated_at: isoSecond(state.updatedSecond),
    group_stations: state.escalated ? 2 : 1,
    assignee_stations: state.agent === null ? 0 : 1,
    reopens: state.reopened,
    replies: state.replies,
    ...dates(seed, state),
    reply_time_in_minutes: within(state.replies > 0),
    first_resolution_time_in_minutes: within(isOver(state)),
    full_resolution_time_in_minutes: within(isOver(state)),
    agent_wait_time_in_minutes: within(isOver(state)),
    requester_wait_time_in_minutes: within(isOver(state)),
    on_hold_time_in_minutes: { calendar: 0, business: 0 },
  });
}
