/** Tickets as changes, and an index of them to ask; what the contract suites of the port have in common. */
import { emptyBooks } from '@ticket-stream/subscriber';
import { type Ticket, type TicketChange, ticketChange, ticketDigest } from '@ticket-stream/ticket';
import { expect, onTestFinished } from 'vitest';
import { parseQuery } from '../query-language/parse-query.ts';
import type { SearchAnswer, SearchIndex, SearchOptions } from '../search-index.ts';

export const logId = '7b1f1d3e-3c1a-4f0e-9a52-0d6f4f6a1c11';
export const otherLogId = '00000000-3c1a-4f0e-9a52-0d6f4f6a1c11';
export const nowSecond = Date.UTC(2026, 2, 31, 12) / 1000;

/** A change as the loop would hand it over; `json` wins over `fields` where the bytes matter. */
export function change(
  id: string,
  fields: Record<string, unknown>,
  place: { stamp?: number; offset?: bigint; json?: string; traceId?: string } = {},
): TicketChange {
  const value = Buffer.from(place.json ?? `{"id":${id},${JSON.stringify(fields).slice(1)}`);
  const ticket = JSON.parse(value.toString('utf8')) as Ticket;
  return ticketChange({
    ticketId: id,
    kind: ticket.status === 'deleted' ? 'deleted' : 'changed',
    ticket,
    value,
    previous: undefined,
    version: {
      stamp: place.stamp ?? 1_772_000_000,
      digest: ticketDigest(value),
      place: { logId, partition: 3, offset: place.offset ?? 1n },
    },
    source: 'https://acme.zendesk.com',
    publishedAtMs: 1_772_000_000_000,
    traceId: place.traceId,
  });
}

export function stepOf(changes: readonly TicketChange[], nextOffset = 1n) {
  return {
    versions: new Map(changes.map(({ ticketId, version }) => [ticketId, version])),
    positions: [{ partition: 3, logId, nextOffset }],
    books: { ...emptyBooks, consumed: changes.length, applied: changes.length },
  };
}

export async function put(
  index: SearchIndex,
  changes: readonly TicketChange[],
  nextOffset = 1n,
): Promise<void> {
  await index.record(stepOf(changes, nextOffset), () => index.apply(changes));
}

export function ids(answer: SearchAnswer): string[] {
  return answer.hits.map((hit) => hit.ticketId);
}

export interface TestIndex {
  /** Empty but for those changes, closed after the test. */
  opened(...changes: TicketChange[]): Promise<SearchIndex>;
  find(index: SearchIndex, text: string, options?: Partial<SearchOptions>): Promise<SearchAnswer>;
  /** Ids, in order; all of them on one page. */
  found(index: SearchIndex, text: string, options?: Partial<SearchOptions>): Promise<string[]>;
}

export function testIndex(open: () => Promise<SearchIndex> | SearchIndex): TestIndex {
  async function opened(...changes: TicketChange[]): Promise<SearchIndex> {
    const index = await open();
    onTestFinished(() => index.close());
    if (changes.length > 0) await put(index, changes);
    return index;
  }

  async function find(index: SearchIndex, text: string, options: Partial<SearchOptions> = {}) {
    return index.search(parseQuery(text), { limit: 100, deleted: false, nowSecond, ...options });
  }

  async function found(index: SearchIndex, text: string, options: Partial<SearchOptions> = {}) {
    const answer = await find(index, text, options);
    expect(answer.total).toBe(answer.hits.length);
    return ids(answer).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  }

  return { opened, find, found };
}
