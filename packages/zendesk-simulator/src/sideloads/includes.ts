/**
 * `include=…`: what a request wants beside the tickets. Most are further arrays of the page, each related object once;
 * some are fields of the ticket itself. As with Zendesk, a name that it does not know asks for nothing.
 */
const ARRAYS = [
  'users',
  'groups',
  'organizations',
  'ticket_forms',
  'sharing_agreements',
  'metric_sets',
] as const;
const FIELDS = ['comment_count', 'incident_counts', 'dates', 'slas'] as const;

export type SideloadArray = (typeof ARRAYS)[number];
export type SideloadField = (typeof FIELDS)[number];

export interface Includes {
  /** In the order in which they stand on the page. */
  readonly arrays: readonly SideloadArray[];
  /** In the order in which they stand in the ticket. */
  readonly fields: readonly SideloadField[];
}

/** @returns undefined for `last_audits`, which the export does not support (Zendesk's documentation) */
export function readIncludes(include: string | null): Includes | undefined {
  const names = new Set((include ?? '').split(',').map((name) => name.trim()));
  if (names.has('last_audits')) return undefined;
  return {
    arrays: ARRAYS.filter((name) => names.has(name)),
    fields: FIELDS.filter((name) => names.has(name)),
  };
}
