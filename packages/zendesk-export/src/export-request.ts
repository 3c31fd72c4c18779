import type { ExportScope } from './export-scope.ts';
import type { NextRequest } from './export-state.ts';

/**
 * The next request as Zendesk is asked it. Always built from its parameters, never from a link of a page: links name
 * the account's canonical host, which may be another than the one that is configured, and credentials go to that
 * one alone.
 */
export interface ExportView {
  readonly scope: ExportScope;
  /** Sideloads, as `include` takes them. */
  readonly include: readonly string[];
}

const TIME_PATH = '/api/v2/incremental/tickets';
const CURSOR_PATH = '/api/v2/incremental/tickets/cursor';

export function requestPath(next: NextRequest): string {
  return next.mode === 'time' ? TIME_PATH : CURSOR_PATH;
}

/** Path and query of the request; `perPage` from 1 to 1000. */
export function requestTarget(next: NextRequest, perPage: number, view: ExportView): string {
  const query = new URLSearchParams();
  if (next.mode !== 'time' && next.cursor !== undefined) query.set('cursor', next.cursor);
  else query.set('start_time', String(next.startTime));
  query.set('per_page', String(perPage));
  if (view.include.length > 0) query.set('include', view.include.join(','));
  if (view.scope.excludeDeleted) query.set('exclude_deleted', 'true');
  // Zendesk's own default is left unsaid: accounts of before the parameter are asked as they always were.
  if (view.scope.supportTypes !== 'agent') query.set('support_type_scope', view.scope.supportTypes);
  return `${requestPath(next)}?${query}`;
}

/** @param id  decimal digits: it becomes part of the path */
export function ticketPath(id: string): string {
  if (!/^\d{1,19}$/.test(id)) throw new Error('a ticket is asked for by digits alone');
  return `/api/v2/tickets/${id}.json`;
}
