/**
 * The ticket as Zendesk's incremental export sends it, which is the value of a record of the tickets topic. The JSON
 * Schemas under `packages/ticket/schema/` are made from it (`npm run schema`), one file a version, never changed after.
 *
 * Nothing but the id is required: Zendesk leaves fields out by plan, endpoint and age of a ticket, and a scrubbed
 * ticket keeps little. Sources: Zendesk's reference of the ticket object and of side-loading, recorded exports, and
 * what other extractors were sent.
 */
import { z } from 'zod';
import {
  anything,
  decimal,
  flag,
  ids,
  integer,
  listOf,
  moment,
  object,
  openEnum,
  text,
} from './field-kinds.ts';
import { embeddedSchema, sideloadedFields } from './sideload-schema.ts';

const ticketIdSchema = z
  .union([
    z.number().gt(0).meta({ type: 'integer', format: 'int64' }),
    z.string().regex(/^[1-9][0-9]{0,18}$/),
  ])
  .meta({
    description:
      "The ticket's id, also the record's key. A number of up to 19 digits: where a JSON parser rounds numbers beyond 2^53, take the id from the key. Digits in a string are possible, Zendesk sends a number.",
    examples: [35_436],
  });

const party = (whose: string) =>
  object(
    {
      name: text({ description: 'Name of the person or address.' }),
      address: text({ description: 'E-mail address.' }),
      ticket_id: integer({ description: 'The ticket that this one follows up or was split from.' }),
      subject: text({ description: 'Subject of that ticket.' }),
    },
    { description: `${whose}; which fields are there depends on the channel.` },
  );

const viaSchema = object(
  {
    channel: openEnum(
      ['web', 'email', 'api', 'chat', 'mobile_sdk', 'native_messaging', 'voice', 'side_conversation'],
      'The channel the ticket came by.',
    ),
    source: object(
      {
        from: party('Who or what it came from'),
        to: party('Whom it was addressed to'),
        rel: text({ description: 'Relation to another object.', examples: ['follow_up', 'mobile'] }),
      },
      { description: 'More about the channel.' },
    ),
  },
  { description: 'How the ticket came into Zendesk.' },
);

const customField = z.looseObject({
  id: integer({ description: 'Id of the ticket field.' }),
  value: anything({
    description:
      'Text, a tag of a drop-down, true or false of a checkbox, a number of up to 64 bits, a decimal as text, a date `YYYY-MM-DD`, an array of tags of a multi-select, an id of a lookup field; null where it is empty. Other kinds may come.',
    examples: ['hilfe', true, 7, '19.90', '2026-11-24', ['red', 'blue'], null],
  }),
});

const satisfactionRating = z
  .union([
    z.looseObject({
      score: openEnum(['offered', 'unoffered', 'good', 'bad'], 'State of the rating, or the rating itself.'),
      id: integer({ description: 'Id of the rating, once there is one.' }),
      comment: text({ description: 'What the requester wrote.' }),
      reason: text({ description: 'Reason that was chosen for a bad rating.' }),
      reason_id: integer({ description: 'Id of that reason.' }),
    }),
    z.string(),
    z.null(),
  ])
  .exactOptional()
  .meta({
    description:
      "The customer's rating, or its state; null where the plan has none. Some accounts were sent the bare state as a string.",
  });

export const ticketSchema = z.looseObject({
  url: text({ description: 'Address of the ticket in the API.' }),
  id: ticketIdSchema,
  external_id: text({ description: 'Id in another system, as set by an integration.' }),
  via: viaSchema,
  created_at: moment({ description: 'When the ticket was made.', examples: ['2026-11-24T13:44:00Z'] }),
  updated_at: moment({
    description:
      'When a ticket event last happened. It stands still on system updates (automations, SLA, bulk jobs, the scrub of a deleted ticket): never compare versions by it, but by `ce_updatedstamp`.',
  }),
  type: openEnum(['problem', 'incident', 'question', 'task'], 'Kind of ticket; null where it has none.'),
  subject: text({ description: 'Subject; `SCRUBBED` of a scrubbed ticket.' }),
  raw_subject: text({ description: 'Subject with its dynamic content unresolved.' }),
  description: text({ description: 'The first comment; `X` of a scrubbed ticket.' }),
  priority: openEnum(['urgent', 'high', 'normal', 'low'], 'Priority; null where none was set.'),
  status: openEnum(
    ['new', 'open', 'pending', 'hold', 'solved', 'closed', 'deleted'],
    'Category of the status; `deleted` of a ticket in the bin, also after its scrub (`ce_type` says the same).',
  ),
  recipient: text({ description: 'The address that the customer wrote to.' }),
  requester_id: integer({ description: 'The user who asks.' }),
  submitter_id: integer({ description: 'The user who made the ticket.' }),
  assignee_id: integer({ description: 'The agent in charge; null where none is.' }),
  organization_id: integer({ description: 'Organization of the requester.' }),
  group_id: integer({ description: 'Group in charge.' }),
  collaborator_ids: ids({ description: 'Users in copy.' }),
  follower_ids: ids({ description: 'Agents who follow.' }),
  email_cc_ids: ids({ description: 'Users in copy by e-mail.' }),
  forum_topic_id: integer({ description: 'The topic of the old web portal that it came from.' }),
  problem_id: integer({ description: 'Of an incident: the ticket of its problem.' }),
  has_incidents: flag({ description: 'Of a problem: whether incidents are linked to it.' }),
  is_public: flag({ description: 'Whether it has a public comment.' }),
  due_at: moment({ description: 'Of a task: when it is due.' }),
  tags: listOf(z.string(), { description: 'Tags; emptied by the scrub.' }),
  custom_fields: listOf(customField, {
    description: "Values of the account's own fields; emptied by the scrub.",
  }),
  satisfaction_rating: satisfactionRating,
  satisfaction_probability: decimal({
    description: 'Predicted satisfaction, 0 to 1, where the plan has it.',
  }),
  sharing_agreement_ids: ids({ description: 'Sharing agreements of the ticket.' }),
  custom_status_id: integer({ description: 'The status within its category.' }),
  encoded_id: text({ description: 'The id as it stands in e-mails.' }),
  fields: listOf(customField, { description: 'The same as `custom_fields`.' }),
  followup_ids: ids({ description: 'Tickets that follow up this one.' }),
  ticket_form_id: integer({ description: 'Form of the ticket.' }),
  deleted_ticket_form_id: integer({ description: 'Its form, where that was deleted.' }),
  brand_id: integer({ description: 'Brand of the ticket.' }),
  allow_channelback: flag({ description: 'Whether an answer can go back by its channel.' }),
  allow_attachments: flag({ description: 'Whether agents may attach files.' }),
  from_messaging_channel: flag({ description: 'Whether it came by messaging.' }),
  support_type: openEnum(['agent', 'ai_agent'], 'Who handles it.'),
  attribute_value_ids: listOf(z.union([z.string(), z.number()]), {
    description: 'Values of routing attributes.',
  }),
  result_type: text({ description: 'Kind of object, where an endpoint adds it.', examples: ['ticket'] }),
  updated_stamp: moment({
    description: 'Write-only in the API; counts as a time of the version should it come.',
  }),
  generated_timestamp: integer({
    description:
      'Epoch seconds of the latest change of any kind, system updates too; the export is ordered by it, and it is normally what `ce_updatedstamp` says.',
    examples: [1_790_000_000],
  }),
  ...sideloadedFields,
  _embedded: embeddedSchema,
});
