/** What an export request asks for, by its path and parameters; or why it is refused. */
import type { CursorPosition, SupportScope } from '../history/export-pages.ts';
import { supportTypes } from '../history/ticket-state.ts';
import { type Includes, readIncludes } from '../sideloads/includes.ts';
import {
  invalidCursor,
  invalidInclude,
  invalidPerPage,
  invalidScope,
  missingStartTime,
  type Refusal,
} from './answers.ts';
import { decodeCursor } from './export-cursor.ts';

export type ExportMode = 'time' | 'cursor';

export interface ExportRequest {
  readonly mode: ExportMode;
  /** A walk's first request; later ones by cursor have `after`. */
  readonly startSecond: number | undefined;
  readonly after: CursorPosition | undefined;
  readonly perPage: number;
  readonly excludeDeleted: boolean;
  readonly supportScope: SupportScope;
  readonly includes: Includes;
}

const PATH = /^\/api\/v2\/incremental\/tickets(\/cursor)?(\.json)?$/;

/** @returns undefined for a path that is none of the export's */
export function exportMode(path: string): ExportMode | undefined {
  const match = PATH.exec(path);
  if (match === null) return undefined;
  return match[1] === undefined ? 'time' : 'cursor';
}

export function readExportRequest(
  mode: ExportMode,
  parameters: URLSearchParams,
  perPageMax: number,
): { readonly asked: ExportRequest } | { readonly refusal: Refusal } {
  const cursor = mode === 'cursor' ? parameters.get('cursor') : null;
  const after = cursor === null ? undefined : decodeCursor(cursor);
  if (cursor !== null && after === undefined) return { refusal: invalidCursor };
  // A cursor says where it goes on; a start time beside it has nothing left to say.
  const startSecond = after === undefined ? wholeNumber(parameters.get('start_time')) : undefined;
  if (after === undefined && startSecond === undefined) return { refusal: missingStartTime };

  const perPageText = parameters.get('per_page');
  const perPage = perPageText === null ? Math.min(1000, perPageMax) : wholeNumber(perPageText);
  if (perPage === undefined || perPage < 1 || perPage > perPageMax) {
    return { refusal: invalidPerPage(perPageMax) };
  }
  const scope = parameters.get('support_type_scope') ?? 'agent';
  const supportScope = (['all', ...supportTypes] as const).find((known) => known === scope);
  if (supportScope === undefined) return { refusal: invalidScope };
  const includes = readIncludes(parameters.get('include'));
  if (includes === undefined) return { refusal: invalidInclude };
  const excludeDeleted = parameters.get('exclude_deleted') === 'true';
  return { asked: { mode, startSecond, after, perPage, excludeDeleted, supportScope, includes } };
}

/** Zendesk keeps the parameters of the request, in the order of their names. */
export function timeLink(origin: string, parameters: URLSearchParams, startSecond: number): string {
  const next = new URLSearchParams(parameters);
  next.set('start_time', String(startSecond));
  next.sort();
  return `${origin}/api/v2/incremental/tickets.json?${next}`;
}

export function cursorLink(origin: string, parameters: URLSearchParams, cursor: string): string {
  const next = new URLSearchParams(parameters);
  next.delete('start_time');
  next.set('cursor', cursor);
  next.sort();
  return `${origin}/api/v2/incremental/tickets/cursor.json?${next}`;
}

export function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}
