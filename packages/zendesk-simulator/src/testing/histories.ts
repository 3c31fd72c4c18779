import type { CursorPage, ExportPage, TimePage } from '../history/export-pages.ts';
import { TicketHistory } from '../history/ticket-history.ts';
import { firstStart } from './simulator-fixture.ts';

/** No filter, and the usual way with a second that is too full. */
export const everything = {
  beforeSecond: Number.POSITIVE_INFINITY,
  excludeDeleted: false,
  supportScope: 'agent',
  stuckSecond: 'whole',
} as const;

export function historyOf(
  options: { seed?: number; tickets?: number; burst?: number; aiAgentShare?: number } = {},
): TicketHistory {
  return new TicketHistory({ seed: 1, tickets: 500, burst: 0, aiAgentShare: 0, firstStart, ...options });
}

export function pageOf(
  history: TicketHistory,
  startSecond: number,
  perPage: number,
  beforeSecond = Number.POSITIVE_INFINITY,
): TimePage {
  return history.timePage({ ...everything, startSecond, perPage, beforeSecond });
}

export function shown(page: ExportPage): { id: number; second: number }[] {
  return page.ids.map((id) => ({ id, second: page.states(id).generatedSecond }));
}

/** Follows the export to its end; what a ticket showed last is what stays. */
export function walk(
  history: TicketHistory,
  perPage: number,
): { latest: Map<number, number>; pages: TimePage[] } {
  const latest = new Map<number, number>();
  const pages: TimePage[] = [];
  for (let startSecond = 0; ; ) {
    const page = pageOf(history, startSecond, perPage);
    pages.push(page);
    for (const { id, second } of shown(page)) latest.set(id, second);
    if (page.endOfStream) return { latest, pages };
    startSecond = page.endSecond;
  }
}

/** The same by cursor. */
export function cursorWalk(history: TicketHistory, perPage: number): CursorPage[] {
  const pages: CursorPage[] = [];
  for (let after = { second: 0, id: 0 }; ; ) {
    const page = history.cursorPage({ ...everything, after, perPage });
    pages.push(page);
    if (page.endOfStream) return pages;
    after = page.after;
  }
}
