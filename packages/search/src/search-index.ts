import type { VersionStore } from '@ticket-stream/subscriber';
import type { TicketChange, TicketVersion } from '@ticket-stream/ticket';
import type { Query } from './query-language/query.ts';

/**
 * Port: the searchable copy of every ticket, and what it was made from.
 *
 * Promises an adapter keeps, and its contract suites check (search-index.contract.ts, search-queries.contract.ts):
 * - Effects once (promise 3): documents, versions, positions and books of one `record` become visible and durable
 *   together or not at all. A reader never sees half a batch, and a position is never ahead of its documents.
 * - Never backwards (promise 4) is the loop's decision; the index stores what it is given, as it is given.
 * - The ticket's bytes come back as they went in, every digit of them.
 * - Nothing wrong by silence: a query is answered exactly or refused with `search.bad_query`; `total` is exact; every
 *   hit can be reached by following `next`.
 * - A deleted ticket stays as a document, so that a late older copy is still seen as older; "deleted" is the kind of
 *   the event (status `deleted`), never guessed from the text. It is found only when asked for.
 */
export interface SearchIndex extends VersionStore, TicketReader {
  /** Made with the index and never changed: names its consumer group, so a new index reads the log from its start. */
  readonly id: string;

  /**
   * Puts the tickets into the index. Valid only inside the effect of `record`, whose step names a version for each
   * of these tickets. A ticket given twice ends as the last one. An implementer does not compare versions.
   * @throws sink.cannot_apply  one of the tickets can never be indexed
   */
  apply(changes: readonly TicketChange[]): void | Promise<void>;
}

/** The reading side: what a query API needs, on the last recorded state. */
export interface TicketReader {
  /**
   * @throws search.bad_query  a query this index cannot answer, or a cursor that is not of this query
   * @throws sink.unavailable  the store cannot be read now
   */
  search(query: Query, options: SearchOptions): Promise<SearchAnswer>;

  /** The stored document, deleted ones too; undefined for an id never indexed. */
  get(ticketId: string): Promise<StoredTicket | undefined>;

  /** All documents, deleted and scrubbed ones included. */
  count(): Promise<number>;

  close(): Promise<void> | void;
}

export interface SearchOptions {
  /** Hits in one answer at most, 1 to 1,000; heavy tickets end an answer earlier, with a `next`. */
  readonly limit: number;
  /** `next` of the answer before, for the same query and the same `deleted`. */
  readonly cursor?: string | undefined;
  /** Whether deleted and scrubbed tickets are found too. */
  readonly deleted: boolean;
  /** Relative times (`created>4hours`) count back from here, epoch seconds; a cursor keeps that of its first page. */
  readonly nowSecond: number;
}

export interface SearchAnswer {
  /** How many tickets match now, over all pages. */
  readonly total: number;
  readonly hits: readonly SearchHit[];
  /** The cursor of the next page; undefined with the last hit. */
  readonly next: string | undefined;
}

export interface SearchHit extends StoredTicket {
  /** Higher is better; undefined where the order is a date. Comparable within one answer only. */
  readonly score: number | undefined;
}

export interface StoredTicket {
  /** Decimal digits. */
  readonly ticketId: string;
  /** The ticket's JSON, byte for byte as Zendesk sent it. */
  readonly value: Buffer;
  readonly version: TicketVersion;
  readonly deleted: boolean;
  /** The trace the record was sent in, 32 hex digits. */
  readonly traceId: string | undefined;
}

export const searchLimitMax = 1000;
