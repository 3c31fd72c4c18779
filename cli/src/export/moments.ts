import { durationText } from '@ticket-stream/service-kit';
import { formatRfc3339Second } from '@ticket-stream/ticket';
import type { UnseenWhat } from '@ticket-stream/zendesk-export';

/** "2026-03-01T10:00:00Z (3 h 20 min ago)". @param second  epoch seconds */
export function momentText(second: number, nowMs: number): string {
  const ago = nowMs / 1000 - second;
  const age = ago >= 0 ? `${durationText(ago)} ago` : `${durationText(-ago)} ahead`;
  return `${formatRfc3339Second(second)} (${age})`;
}

/** Both ends belong to it. */
export function stretchText({ from, until }: { readonly from: number; readonly until: number }): string {
  if (from === until) return formatRfc3339Second(from);
  return `${formatRfc3339Second(from)} to ${formatRfc3339Second(until)}`;
}

/** What a scope leaves out, in words. */
export const unseenWords: Readonly<Record<UnseenWhat, string>> = {
  deleted: 'deleted and scrubbed tickets',
  agent: "agents' tickets",
  ai_agent: "AI agents' tickets",
};
