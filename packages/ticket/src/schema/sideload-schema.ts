/**
 * What comes beside a ticket's own fields when the export is asked for sideloads (EXPORT_INCLUDE): fields that Zendesk
 * puts on the ticket, and `_embedded`, the records that the producer puts there (embedded-sideloads.ts).
 */
import { z } from 'zod';
import { decimal, integer, listOf, moment, object, openEnum, text } from './field-kinds.ts';

const dateFields = {
  assignee_updated_at: moment({ description: 'When the assignee last wrote.' }),
  requester_updated_at: moment({ description: 'When the requester last wrote.' }),
  status_updated_at: moment({ description: 'When the status last changed.' }),
  initially_assigned_at: moment({ description: 'When it was first assigned.' }),
  assigned_at: moment({ description: 'When it was last assigned.' }),
  solved_at: moment({ description: 'When it was solved.' }),
  latest_comment_added_at: moment({ description: 'When the last comment was added.' }),
};

const minutes = (what: string) =>
  object(
    {
      calendar: decimal({ description: 'Minutes by the calendar.' }),
      business: decimal({ description: 'Minutes within business hours.' }),
    },
    { description: `${what}, in minutes.` },
  );

const metricFields = {
  url: text({ description: 'Address in the API.' }),
  id: integer({ description: 'Id of the metric set.' }),
  ticket_id: integer({ description: 'The ticket it belongs to.' }),
  created_at: moment({ description: 'When it was made.' }),
  updated_at: moment({ description: 'When it last changed.' }),
  group_stations: integer({ description: 'Groups that had the ticket.' }),
  assignee_stations: integer({ description: 'Agents who had the ticket.' }),
  reopens: integer({ description: 'How often it was opened again.' }),
  replies: integer({ description: 'Public replies of agents.' }),
  ...dateFields,
  reply_time_in_minutes: minutes('Until the first reply'),
  first_resolution_time_in_minutes: minutes('Until first solved'),
  full_resolution_time_in_minutes: minutes('Until last solved'),
  agent_wait_time_in_minutes: minutes('Agents waited'),
  requester_wait_time_in_minutes: minutes('The requester waited'),
  on_hold_time_in_minutes: minutes('On hold'),
};

/** On the ticket itself, as Zendesk sends them: part of the bytes that the digest is made of. */
export const sideloadedFields = {
  comment_count: integer({ description: 'Sideload `comment_count`: comments of the ticket.' }),
  incident_count: integer({ description: 'Sideload `incident_counts`: incidents of a problem.' }),
  dates: object(dateFields, { description: "Sideload `dates`: times of the ticket's life." }),
  slas: object(
    {
      policy_metrics: listOf(
        z.looseObject({
          metric: openEnum(
            ['first_reply_time', 'next_reply_time', 'requester_wait_time', 'agent_work_time'],
            'What is measured.',
          ),
          stage: openEnum(['active', 'paused', 'achieved', 'breached'], 'Where it stands.'),
          breach_at: moment({ description: 'When it is, or was, breached.' }),
          days: integer({ description: 'Time left or gone by, in days, where it is shown in days.' }),
          hours: integer({ description: 'The same in hours.' }),
          minutes: integer({ description: 'The same in minutes.' }),
        }),
        { description: 'One entry a target.' },
      ),
    },
    { description: "Sideload `slas`: the ticket's SLA targets." },
  ),
  metric_set: object(metricFields, {
    description: 'Sideload `metric_sets`, where Zendesk puts it on the ticket.',
  }),
  metric_events: object({}, { description: 'Sideload `metric_events`: lists of events by metric.' }),
};

const records = (array: string, what: string) =>
  listOf(z.looseObject({ id: integer({ description: 'Its id.' }) }), {
    description: `Sideload \`${array}\`: ${what}, as Zendesk sends them.`,
  });

export const embeddedSchema = z
  .looseObject({
    users: records('users', 'requester, submitter, assignee, those in copy and followers'),
    groups: records('groups', 'the group in charge'),
    organizations: records('organizations', 'the organization'),
    metric_sets: listOf(z.looseObject(metricFields), {
      description: "Sideload `metric_sets`: the ticket's metric set.",
    }),
    sharing_agreements: records('sharing_agreements', 'sharing agreements of the ticket'),
    ticket_forms: records('ticket_forms', 'the form'),
  })
  .exactOptional()
  .meta({
    description:
      'Sideloaded records that belong to this ticket, where the producer was told to ask for some (EXPORT_INCLUDE) and they fit. Always the last member of the value, and no part of the version: `ce_digest` is of the bytes without it.',
  });
