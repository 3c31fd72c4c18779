import type { PageLimits } from './page-reader.ts';

/** From the first byte of a page's body to its end; below a transaction's timeout of 6 minutes. */
export const PAGE_BUDGET_MS = 5 * 60 * 1000;

const PAGE_BYTES_MAX = 4 * 1024 * 1024 * 1024;
const DEPTH_MAX = 512;

/** @param ticketBytesMax  what the log takes */
export function pageLimits(ticketBytesMax: number): PageLimits {
  return { ticketBytesMax, pageBytesMax: PAGE_BYTES_MAX, depthMax: DEPTH_MAX };
}
