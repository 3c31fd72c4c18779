/**
 * One attempt at one export page: fetch, parse, publish, commit. Keeps the producer's half of promise 1: whatever
 * goes wrong before the page was read to its end and found whole, its transaction is aborted and the checkpoint
 * stays where it was.
 */
import { isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import type { DeadLetter, PagePublisher, PageTransaction } from '@ticket-stream/kafka';
import { type IdentifiedTicket, identifyTicket, ticketDigest, ticketId } from '@ticket-stream/ticket';
import {
  BoundaryFilter,
  type CountRule,
  type ExportClient,
  type ExportState,
  nextStartTime,
  nextState,
  type PageVerdict,
  type ReadTicket,
  streamPage,
  type UnreadTicket,
} from '@ticket-stream/zendesk-export';
import { mustCommit } from './commit-rule.ts';

export interface PageAttempt {
  readonly client: ExportClient;
  readonly publisher: PagePublisher<ExportState>;
  readonly countRule: CountRule;
  readonly source: string;
  readonly delaySeconds: number;
  readonly signal: AbortSignal;
  readonly msSinceCommit: () => number;
  /** Told as the page is read, before anything of it is durable. */
  readonly onParsed: (tickets: number) => void;
}

export interface PageOutcome {
  /** `uncounted`: the page's own count differs; ask for it again. Nothing of it was committed. */
  readonly verdict: PageVerdict | 'uncounted';
  readonly committed: boolean;
  readonly exported: number;
  readonly published: number;
  readonly repeated: number;
  readonly deadLettered: number;
  /** The page was accepted although its count differs. */
  readonly countIgnored: boolean;
}

/** From the first byte; below the transaction's timeout of 6 minutes. Waiting for a turn is outside of it. */
const PAGE_BUDGET_MS = 5 * 60 * 1000;
const PAGE_BYTES_MAX = 4 * 1024 * 1024 * 1024;
const DEPTH_MAX = 512;

export async function attemptPage(attempt: PageAttempt, perPage: number): Promise<PageOutcome> {
  const { client, publisher, countRule } = attempt;
  const before = publisher.checkpoint.exportState;
  const budget = new AbortController();
  const signal = AbortSignal.any([attempt.signal, budget.signal]);
  const page = await client.openPage({ startTime: before.nextStartTime, perPage, signal });
  const budgetTimer = setTimeout(() => budget.abort(), PAGE_BUDGET_MS);
  const boundary = new BoundaryFilter(before.boundary);
  const counts = { exported: 0, published: 0, repeated: 0, deadLettered: 0 };
  let transaction: PageTransaction<ExportState> | undefined;

  /** Begun with the first thing to write: a poll that brings nothing new costs the broker nothing. */
  async function writing(): Promise<PageTransaction<ExportState>> {
    transaction ??= await publisher.beginPage();
    return transaction;
  }

  async function deadLetter(letter: Omit<DeadLetter, 'origin'>): Promise<void> {
    const origin = { kind: 'export', source: attempt.source, startTime: before.nextStartTime } as const;
    await (await writing()).deadLetter({ ...letter, origin });
    counts.deadLettered++;
  }

  async function take(slice: ReadTicket): Promise<void> {
    const digest = ticketDigest(slice.bytes);
    const ticket = identify(slice);
    if (ticket instanceof TicketStreamError) {
      const id = ticketId(slice.bytes, slice.parsed);
      const repeat = boundary.isRepeat(id ?? digest, digest);
      boundary.note(id ?? digest, digest, undefined);
      if (repeat) counts.repeated++;
      else await deadLetter({ code: ticket.code, cause: ticket.message, ticketId: id, bytes: slice.bytes });
      return;
    }
    const repeat = boundary.isRepeat(ticket.id, digest);
    boundary.note(ticket.id, digest, ticket.generatedSecond);
    if (repeat) {
      counts.repeated++;
      return;
    }
    await (await writing()).publish(
      { ticketId: ticket.id, kind: ticket.deleted ? 'deleted' : 'changed', stamp: ticket.stamp, digest },
      slice.bytes,
    );
    counts.published++;
  }

  async function setAside({
    id,
    head,
    byteLength,
    sha256,
    reason,
    generatedSecond,
  }: UnreadTicket): Promise<void> {
    const digest = sha256.slice(0, 32);
    const repeat = boundary.isRepeat(id ?? digest, digest);
    boundary.note(id ?? digest, digest, generatedSecond);
    if (repeat) {
      counts.repeated++;
      return;
    }
    await deadLetter({
      code: reason === 'too_large' ? 'ticket.too_large' : 'ticket.too_deep',
      cause: `a ticket of ${byteLength} bytes is ${reason === 'too_large' ? 'over the size limit' : 'nested too deep'}`,
      ticketId: id,
      bytes: head,
      whole: { byteLength, sha256 },
    });
  }

  try {
    const slices = streamPage(page.body, {
      ticketBytesMax: publisher.ticketBytesMax,
      pageBytesMax: PAGE_BYTES_MAX,
      depthMax: DEPTH_MAX,
    });
    let read = await slices.next();
    while (!read.done) {
      for (const slice of read.value) await (slice.kind === 'ticket' ? take(slice) : setAside(slice));
      counts.exported += read.value.length;
      attempt.onParsed(read.value.length);
      read = await slices.next();
    }
    const tail = read.value;
    const counted = countRule.judge(tail);
    if (counted === 'fetch_again') {
      await transaction?.abort();
      return { verdict: 'uncounted', committed: false, ...counts, countIgnored: false };
    }
    const { state, verdict } = nextState(
      before,
      { tail, date: page.date, perPage, delaySeconds: attempt.delaySeconds },
      boundary.close(nextStartTime(before, tail)),
    );
    const committed = transaction !== undefined || mustCommit(before, state, attempt.msSinceCommit());
    if (committed) await (await writing()).commit(state);
    return { verdict, committed, ...counts, countIgnored: counted === 'accept_loudly' };
  } catch (error) {
    page.discard();
    // An abort that fails leaves the producer in doubt; that doubt is then the error to deal with.
    await transaction?.abort();
    if (budget.signal.aborted && !attempt.signal.aborted) {
      throw new TicketStreamError('zendesk.page_too_slow', 'the page took more than its 5 minutes', {
        cause: error,
        context: { startTime: before.nextStartTime, perPage },
      });
    }
    throw error;
  } finally {
    clearTimeout(budgetTimer);
  }
}

function identify(slice: ReadTicket): IdentifiedTicket | TicketStreamError {
  try {
    return identifyTicket(slice.bytes, slice.parsed);
  } catch (error) {
    if (isTicketStreamError(error)) return error;
    throw error;
  }
}
