export { type Backoff, createBackoff } from './backoff.ts';
export { BOUNDARY_ENTRIES_MAX, type Boundary, BoundaryFilter } from './boundary-filter.ts';
export { COUNT_RETRY_WAIT_MS, CountRule, type CountVerdict } from './count-rule.ts';
export {
  createExportClient,
  type ExportClient,
  type ExportClientOptions,
  type ExportCredentials,
  type OpenPage,
} from './export-client.ts';
export {
  type ExportState,
  nextStartTime,
  nextState,
  type PageSeen,
  type PageVerdict,
  parseExportState,
  type Step,
  startState,
} from './export-walk.ts';
export { createPacer, type Pacer } from './pacing.ts';
export type { PageTail } from './page-fields.ts';
export { createPageSize, type PageSize } from './page-size.ts';
export { type PageLimits, type ReadTicket, streamPage, type TicketSlice } from './page-stream.ts';
export { RATE_LIMIT_DEFAULT_MS } from './retry-after.ts';
export type { UnreadTicket } from './unread-ticket.ts';
export { realWaiting, type Waiting } from './waiting.ts';
