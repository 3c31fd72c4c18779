/**
 * What a log must be after everything that befell its producer. "Page" is an answer of the export with tickets;
 * *whole* if the simulator sent it to its end with nothing wrong in it; *committed* if Kafka has the checkpoint that
 * was to be committed with it (checkpoint-log.ts: the broker's word, not the producer's).
 *
 * 1. **Nothing lost of a commit.** Every version on a committed page is in the log, exactly as it was sent.
 * 2. **Nothing lost that was shown.** Every version on a whole page is in the log, or its ticket had moved on: a
 *    version that was first committed from a later page is there. (A page that was not committed is asked for again; a
 *    ticket that was changed meanwhile is then shown in its new state, and nobody can have the old one any more. So
 *    these are counted.)
 * 3. **Nothing invented.** Every version in the log stands on a committed page: not on a page that was cut, refused,
 *    or read by a life that died before its commit.
 * 4. **Nothing twice.** No event id stands in the log more than once. There is no exception: what the export repeats
 *    (the boundary second, a page asked for again, a ticket twice on a page, the change to the other mode) is dropped.
 * 5. **Order.** The versions of one ticket lie in one partition, in the order of their stamps and in that of the pages
 *    that brought them, one page each.
 * 6. **Nothing left behind.** At the end the last version of every ticket in the log is the account's.
 *
 * Digests are computed here from the bytes of the values, and by the simulator from those of its tickets.
 */
import type { ServedPage } from '@ticket-stream/zendesk-simulator';

export interface LoggedVersion {
  readonly ticketId: number;
  /** Of the value's bytes, 32 hex digits. */
  readonly digest: string;
  readonly eventId: string;
  /** `ce_updatedstamp`, RFC 3339 UTC: compares as text. */
  readonly stamp: string;
  readonly partition: number;
  readonly offset: bigint;
}

interface AccountTicket {
  readonly id: number;
  readonly digest: string;
  /** The export shows it. */
  readonly visible: boolean;
}

export interface LogEvidence {
  /** By number, with every version that each showed. */
  readonly pages: readonly ServedPage[];
  readonly committedPages: ReadonlySet<number>;
  /** In the order of each partition. */
  readonly log: AsyncIterable<LoggedVersion> | Iterable<LoggedVersion>;
  /** As the account stands at the end. */
  readonly account: Iterable<AccountTicket>;
}

export interface LogFindings {
  readonly records: number;
  readonly tickets: number;
  readonly versionsShown: number;
  /** Rule 2: shown once on a page that was not committed, and moved on before it was asked for again. */
  readonly movedOn: number;
  readonly missing: number;
  readonly invented: number;
  readonly copies: number;
  readonly outOfOrder: number;
  readonly leftBehind: number;
  /** The first of each kind, for people. */
  readonly examples: readonly string[];
}

type Violation = 'missing' | 'invented' | 'copies' | 'outOfOrder' | 'leftBehind';

const EXAMPLES_PER_KIND = 5;

/** The last record of a ticket so far. */
interface Newest {
  readonly digest: string;
  readonly stamp: string;
  readonly partition: number;
  readonly offset: bigint;
  /** The first committed page that showed it. */
  readonly page: number;
}

export async function checkLog(evidence: LogEvidence): Promise<LogFindings> {
  const found = { missing: 0, invented: 0, copies: 0, outOfOrder: 0, leftBehind: 0 };
  const examples: string[] = [];
  const report = (kind: Violation, what: string): void => {
    if (++found[kind] <= EXAMPLES_PER_KIND) examples.push(`${kind}: ${what}`);
  };

  const firstCommitted = new Map<string, number>();
  for (const { page, versions } of evidence.pages) {
    if (!evidence.committedPages.has(page)) continue;
    for (const { id, digest } of versions) {
      const version = nameOf(id, digest);
      if (!firstCommitted.has(version)) firstCommitted.set(version, page);
    }
  }

  const logged = new Set<string>();
  const eventIds = new Set<string>();
  const newest = new Map<number, Newest>();
  let records = 0;
  for await (const record of evidence.log) {
    const { ticketId, digest, eventId, stamp, partition, offset } = record;
    records++;
    const version = nameOf(ticketId, digest);
    const place = `${version} at ${partition}/${offset}`;
    logged.add(version);
    if (!eventId.startsWith(`${ticketId}-`) || !eventId.endsWith(`-${digest}`)) {
      report('invented', `${place} calls itself ${eventId}`);
    }
    const page = firstCommitted.get(version);
    if (page === undefined) report('invented', `${place} stands on no committed page`);
    if (eventIds.has(eventId)) {
      report('copies', `${place} once more`);
      continue;
    }
    eventIds.add(eventId);
    const before = newest.get(ticketId);
    if (before !== undefined && !isAfter(record, page, before)) {
      report('outOfOrder', `${place} (page ${page}) after ${before.digest} (page ${before.page})`);
    }
    newest.set(ticketId, { digest, stamp, partition, offset, page: page ?? before?.page ?? 0 });
  }

  const shown = new Set<string>();
  let movedOn = 0;
  for (const { page, whole, versions } of evidence.pages) {
    const committed = evidence.committedPages.has(page);
    if (!whole && !committed) continue;
    for (const { id, digest } of versions) {
      const version = nameOf(id, digest);
      if (shown.has(version)) continue;
      shown.add(version);
      if (logged.has(version)) continue;
      const later = newest.get(id);
      if (firstCommitted.has(version)) report('missing', `${version} of a committed page`);
      else if (later === undefined || later.page <= page) report('missing', `${version} of page ${page}`);
      else movedOn++;
    }
  }

  let tickets = 0;
  for (const { id, digest, visible } of evidence.account) {
    if (!visible) {
      report('leftBehind', `ticket ${id} is not shown yet: the check came too early`);
      continue;
    }
    tickets++;
    const last = newest.get(id)?.digest;
    if (last !== digest) report('leftBehind', `ticket ${id} is ${digest}, in the log ${last ?? 'absent'}`);
    newest.delete(id);
  }
  for (const id of newest.keys()) report('invented', `ticket ${id} is not in the account`);

  return { records, tickets, versionsShown: shown.size, movedOn, ...found, examples };
}

function isAfter(record: LoggedVersion, page: number | undefined, before: Newest): boolean {
  return (
    record.partition === before.partition &&
    record.offset > before.offset &&
    record.stamp >= before.stamp &&
    (page === undefined || page > before.page)
  );
}

function nameOf(ticketId: number, digest: string): string {
  return `${ticketId} ${digest}`;
}
