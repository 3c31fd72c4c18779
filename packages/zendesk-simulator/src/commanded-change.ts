/** What a command may set, and how it is checked: a wrong field is refused by name before anything is written. */
import { TicketStreamError } from '@ticket-stream/errors';
import { type GivenFields, supportTypes } from './history/ticket-state.ts';
import { ticketStatuses } from './history/ticket-status.ts';

type Kind =
  | 'text'
  | 'id'
  | 'ids'
  | 'boolean'
  | 'moment'
  | 'tags'
  | 'rating'
  | 'custom_fields'
  | readonly string[];

/** `null` is allowed where Zendesk has it. */
const FIELDS: Readonly<Record<string, { readonly kind: Kind; readonly orNull?: true }>> = {
  status: { kind: ticketStatuses },
  priority: { kind: ['low', 'normal', 'high', 'urgent'], orNull: true },
  type: { kind: ['question', 'incident', 'problem', 'task'], orNull: true },
  subject: { kind: 'text' },
  raw_subject: { kind: 'text' },
  description: { kind: 'text' },
  external_id: { kind: 'text', orNull: true },
  recipient: { kind: 'text', orNull: true },
  requester_id: { kind: 'id' },
  submitter_id: { kind: 'id' },
  assignee_id: { kind: 'id', orNull: true },
  organization_id: { kind: 'id', orNull: true },
  group_id: { kind: 'id', orNull: true },
  problem_id: { kind: 'id', orNull: true },
  brand_id: { kind: 'id' },
  ticket_form_id: { kind: 'id' },
  custom_status_id: { kind: 'id' },
  collaborator_ids: { kind: 'ids' },
  follower_ids: { kind: 'ids' },
  email_cc_ids: { kind: 'ids' },
  has_incidents: { kind: 'boolean' },
  is_public: { kind: 'boolean' },
  due_at: { kind: 'moment', orNull: true },
  tags: { kind: 'tags' },
  satisfaction_rating: { kind: 'rating', orNull: true },
  custom_fields: { kind: 'custom_fields' },
  support_type: { kind: supportTypes },
};

const TEXT_LENGTH_MAX = 8 * 1024 * 1024;

/** @throws simulator.change_refused  naming every field that is wrong, and what it may be */
export function checkFields(fields: unknown): GivenFields {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    throw refused(['the change is not an object of fields']);
  }
  const problems: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (field === undefined) {
      problems.push(`${name} cannot be set (may be: ${Object.keys(FIELDS).join(', ')})`);
    } else if (!(value === null && field.orNull === true) && !fits(field.kind, value)) {
      problems.push(`${name} must be ${describe(field.kind)}${field.orNull === true ? ' or null' : ''}`);
    }
  }
  if (problems.length > 0) throw refused(problems);
  return fields as GivenFields;
}

/** `name=value` of a command line: text stays text, the rest is JSON where it can be; tags by commas. */
export function fieldFromText(assignment: string): readonly [name: string, value: unknown] {
  const at = assignment.indexOf('=');
  if (at < 1) throw refused([`"${assignment}" is not name=value`]);
  const name = assignment.slice(0, at);
  const text = assignment.slice(at + 1);
  const kind = Object.hasOwn(FIELDS, name) ? FIELDS[name]?.kind : undefined;
  if (text === 'null') return [name, null];
  if (kind === 'text' || kind === 'moment' || Array.isArray(kind)) return [name, text];
  if (kind === 'tags' && !text.startsWith('[')) return [name, text.split(',').filter((tag) => tag !== '')];
  if (kind === 'rating' && !text.startsWith('{')) return [name, { score: text }];
  try {
    return [name, JSON.parse(text)];
  } catch {
    return [name, text];
  }
}

function fits(kind: Kind, value: unknown): boolean {
  switch (kind) {
    case 'text':
      return typeof value === 'string' && value.length <= TEXT_LENGTH_MAX;
    case 'id':
      return Number.isSafeInteger(value) && (value as number) > 0;
    case 'ids':
      return Array.isArray(value) && value.every((id) => fits('id', id));
    case 'boolean':
      return typeof value === 'boolean';
    case 'moment':
      return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(value);
    case 'tags':
      return Array.isArray(value) && value.every((tag) => typeof tag === 'string' && /^\S+$/.test(tag));
    case 'rating':
      return (
        typeof value === 'object' &&
        value !== null &&
        'score' in value &&
        ['unoffered', 'offered', 'good', 'bad'].includes(value.score as string)
      );
    case 'custom_fields':
      return (
        Array.isArray(value) &&
        value.every(
          (field: unknown) =>
            typeof field === 'object' &&
            field !== null &&
            'id' in field &&
            fits('id', field.id) &&
            'value' in field,
        )
      );
    default:
      return typeof value === 'string' && kind.includes(value);
  }
}

function describe(kind: Kind): string {
  if (typeof kind !== 'string') return `one of ${kind.join(', ')}`;
  return {
    text: 'text',
    id: 'a positive integer',
    ids: 'a list of positive integers',
    boolean: 'true or false',
    moment: 'a moment such as 2026-01-31T12:00:00Z',
    tags: 'a list of words without spaces',
    rating: 'an object whose score is unoffered, offered, good or bad',
    custom_fields: 'a list of {id, value}',
  }[kind];
}

function refused(problems: readonly string[]): TicketStreamError {
  return new TicketStreamError('simulator.change_refused', problems.join('; '));
}
