export { afterFailure } from './after-failure.ts';
export { type Backoff, createBackoff } from './backoff.ts';
export { BOUNDARY_ENTRIES_MAX, type Boundary, BoundaryFilter } from './boundary-filter.ts';
export { COUNT_RETRY_WAIT_MS, CountRule, type CountVerdict } from './count-rule.ts';
export {
  createExportClient,
  type ExportClient,
  type ExportClientOptions,
  type OpenPage,
} from './export-client.ts';
export {
  askingByTime,
  readingSecond,
  resume,
  steppingOver,
  type WantedExport,
  withoutCursor,
} from './export-detours.ts';
export type { ExportView } from './export-request.ts';
export type { ExportScope, Unseen, UnseenWhat } from './export-scope.ts';
export {
  DEFAULT_SCOPE,
  type ExportState,
  type Gap,
  type NextRequest,
  parseExportState,
  resetTo,
  startState,
} from './export-state.ts';
export { type PageSeen, type PageVerdict, type Step, stateAfter, stepAfter } from './export-walk.ts';
export { createPacer, type Pacer } from './pacing.ts';
export { PAGE_BUDGET_MS, pageLimits } from './page-bounds.ts';
export type { ExportMode, PageTail } from './page-fields.ts';
export { createPageSize, type PageSize } from './page-size.ts';
export { type PageLimits, type ReadTicket, streamPage, type TicketSlice } from './page-stream.ts';
export { askedToWaitMs } from './retry-after.ts';
export { readShownTicket } from './shown-ticket.ts';
export { KNOWN_SIDELOADS } from './sideloads/sideload-relations.ts';
export { streamPageWithSideloads } from './sideloads/sideload-stream.ts';
export { unbearablePage } from './unbearable-page.ts';
export type { UnreadTicket } from './unread-ticket.ts';
export { realWaiting, type Waiting } from './waiting.ts';
