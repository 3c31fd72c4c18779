/**
 * The keys a query may use, as Zendesk names them. A key answered later gets its line in `queryKeys` and loses the
 * one in `unansweredKeys`: a key is answered rightly or refused with the reason, never answered with a wrong list.
 */

/** In the order in which `status<solved` compares. */
const statuses = ['new', 'open', 'pending', 'hold', 'solved', 'closed'] as const;
/** A deleted ticket's status stands outside the order: no comparison reaches it. */
export const deletedStatus = 'deleted';
const priorities = ['low', 'normal', 'high', 'urgent'] as const;

export type QueryKey =
  | {
      readonly kind: 'choice';
      readonly names: readonly string[];
      readonly unordered?: readonly string[];
      readonly ordered: boolean;
    }
  /** `none` says whether `key:none` has a meaning; `names` what Zendesk also takes and the export cannot tell. */
  | { readonly kind: 'id'; readonly none: boolean; readonly what: string }
  | { readonly kind: 'tags' }
  | { readonly kind: 'moment' }
  | { readonly kind: 'text' }
  | { readonly kind: 'order'; readonly names: Readonly<Record<string, string>> };

export const queryKeys: Readonly<Record<string, QueryKey>> = {
  status: { kind: 'choice', names: statuses, unordered: [deletedStatus], ordered: true },
  priority: { kind: 'choice', names: priorities, ordered: true },
  ticket_type: { kind: 'choice', names: ['question', 'incident', 'problem', 'task'], ordered: false },
  tags: { kind: 'tags' },
  assignee: { kind: 'id', none: true, what: 'an agent' },
  group: { kind: 'id', none: true, what: 'a group' },
  organization: { kind: 'id', none: true, what: 'an organization' },
  requester: { kind: 'id', none: false, what: 'a user' },
  submitter: { kind: 'id', none: false, what: 'a user' },
  created: { kind: 'moment' },
  updated: { kind: 'moment' },
  subject: { kind: 'text' },
  description: { kind: 'text' },
  order_by: {
    kind: 'order',
    names: {
      updated_at: 'updated',
      updated: 'updated',
      created_at: 'created',
      created: 'created',
      relevance: 'relevance',
    },
  },
  sort: { kind: 'order', names: { asc: 'asc', desc: 'desc' } },
};

const notExported = 'the export carries no';
const notYet = 'this version does not answer it yet';

/** Keys that Zendesk's users type and that are not answered here, with the reason. */
export const unansweredKeys: Readonly<Record<string, string>> = {
  comment: `${notExported} comments`,
  commenter: `${notExported} comments`,
  has_attachment: `${notExported} attachments`,
  solved: `${notExported} moment of solving`,
  custom_status_id: notYet,
  cc: notYet,
  brand: notYet,
  form: notYet,
  via: notYet,
  recipient: notYet,
  fieldvalue: notYet,
  due_date: notYet,
  type: 'every document here is a ticket; the type of a ticket is ticket_type',
};

const CUSTOM_FIELD = /^custom_field_\d+$/;

/** Why a key of Zendesk's is not answered; undefined for keys that are, and for unknown ones. */
export function whyUnanswered(key: string): string | undefined {
  return CUSTOM_FIELD.test(key)
    ? notYet
    : Object.hasOwn(unansweredKeys, key)
      ? unansweredKeys[key]
      : undefined;
}

export function findQueryKey(key: string): QueryKey | undefined {
  return Object.hasOwn(queryKeys, key) ? queryKeys[key] : undefined;
}
