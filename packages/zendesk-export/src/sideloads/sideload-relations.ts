/**
 * Which records of a page's sideloads belong to a ticket.
 *
 * Source: Zendesk's "Side-loading related records" and the ticket object's reference. Sideloads that Zendesk puts on
 * the ticket itself (`slas`, `comment_count`, `dates`, `incident_counts`, `metric_events`) need nothing: they are part of its
 * bytes. `metric_sets` comes either way: as a field `metric_set` of each ticket, or as an array of records.
 */
export interface SideloadRelation {
  /** Name in `include` and key of the top-level array. */
  readonly array: string;
  /** Field of a record that holds what a ticket refers to it by. */
  readonly recordKey: string;
  /** Fields of a ticket that hold one such id, or an array of them; records come in this order. */
  readonly ticketFields: readonly string[];
}

/** In the order in which they are embedded. */
export const sideloadRelations: readonly SideloadRelation[] = [
  {
    array: 'users',
    recordKey: 'id',
    ticketFields: [
      'requester_id',
      'submitter_id',
      'assignee_id',
      'collaborator_ids',
      'follower_ids',
      'email_cc_ids',
    ],
  },
  { array: 'groups', recordKey: 'id', ticketFields: ['group_id'] },
  { array: 'organizations', recordKey: 'id', ticketFields: ['organization_id'] },
  { array: 'metric_sets', recordKey: 'ticket_id', ticketFields: ['id'] },
  { array: 'sharing_agreements', recordKey: 'id', ticketFields: ['sharing_agreement_ids'] },
  { array: 'ticket_forms', recordKey: 'id', ticketFields: ['ticket_form_id'] },
];

/** Names that `include` takes: those with records of their own, and those that Zendesk puts on the ticket. */
export const KNOWN_SIDELOADS: readonly string[] = [
  ...sideloadRelations.map(({ array }) => array),
  'slas',
  'comment_count',
  'dates',
  'incident_counts',
  'metric_events',
];

const ID = /^[1-9]\d{0,18}$/;

/**
 * The ids that some fields of an element hold, each once, in the fields' order; nothing where it is no object.
 * @param bytes   the element's JSON
 * @param parsed  `JSON.parse` of it
 * @returns       decimal digits, exact also beyond 2^53
 */
export function idsIn(bytes: Uint8Array, parsed: unknown, fields: readonly string[]): ReadonlySet<string> {
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return new Set();
  const values = valuesOf(parsed, fields);
  if (!values.some(isRounded)) return idsAmong(values);
  return idsAmong(valuesOf(withDigits(bytes) as object, fields));
}

function valuesOf(element: object, fields: readonly string[]): unknown[] {
  const own = element as Readonly<Record<string, unknown>>;
  return fields.flatMap((field) => (Object.hasOwn(own, field) ? own[field] : []));
}

function idsAmong(values: readonly unknown[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const value of values) {
    const id = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
    if (typeof id === 'string' && ID.test(id)) ids.add(id);
  }
  return ids;
}

function isRounded(value: unknown): boolean {
  return typeof value === 'number' && value > Number.MAX_SAFE_INTEGER;
}

/** Parsed again, slowly, with the digits of large whole numbers in their place: a double holds 2^53 at most. */
function withDigits(bytes: Uint8Array): unknown {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return JSON.parse(text, ((_name: string, value: unknown, context?: { source?: string }) =>
    isRounded(value) && context?.source !== undefined ? context.source : value) as (
    this: unknown,
    name: string,
    value: unknown,
  ) => unknown);
}
