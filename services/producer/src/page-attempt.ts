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
  type ExportMode,
  type ExportState,
  type PageVerdict,
  type ReadTicket,
  stateAfter,
  stepAfter,
  streamPage,
  type UnreadTicket,
} from '@ticket-stream/zendesk-export';
import { mustCommit } from './commit-rule.ts';
import { pageFetched, pageParsing } from './diagnostics.ts';

export interface PageAttempt {
  readonly client: ExportClient;
  readonly publisher: PagePublisher<ExportState>;
  readonly countRule: CountRule;
  readonly mode: ExportMode;
  readonly source: string;
  readonly delaySeconds: number;
  /** From the first byte of the page's body; below the transaction's timeout of 6 minutes. */
  readonly pageBudgetMs: number;
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
  /** Of the decoded body. */
  readonly bytes: number;
  /** The latest `generated_timestamp` of the page, epoch seconds; undefined where it has none. */
  readonly newestSecond: number | undefined;
  /** The page was accepted although its count differs. */
  readonly countIgnored: boolean;
}

const PAGE_BYTES_MAX = 4 * 1024 * 1024 * 1024;
const DEPTH_MAX = 512;

export async function attemptPage(attempt: PageAttempt, perPage: number): Promise<PageOutcome> {
  const { client, publisher, countRule } = attempt;
  const before = publisher.checkpoint.exportState;
  const budget = new AbortController();
  const signal = AbortSignal.any([attempt.signal, budget.signal]);
  const { next } = before;
  const page = await client.openPage({ next, perPage, signal });
  pageFetched.publish({ startTime: next.startTime, perPage });
  const budgetTimer = setTimeout(() => budget.abort(), attempt.pageBudgetMs);
  const boundary = new BoundaryFilter(before.boundary);
  const counts = { exported: 0, published: 0, repeated: 0, deadLettered: 0 };
  let transaction: PageTransaction<ExportState> | undefined;

  /** Begun with the first thing to write: a poll that brings nothing new costs the broker nothing. */
  async function writing(): Promise<PageTransaction<ExportState>> {
    transaction ??= await publisher.beginPage();
    return transaction;
  }

  async function deadLetter(letter: Omit<DeadLetter, 'origin'>): Promise<void> {
    const origin = { kind: 'export', source: attempt.source, startTime: next.startTime } as const;
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
    try {
      await (await writing()).publish(
        { ticketId: ticket.id, kind: ticket.deleted ? 'deleted' : 'changed', stamp: ticket.stamp, digest },
        slice.bytes,
      );
      counts.published++;
    } catch (error) {
      // The broker refused this very ticket when the page was tried before.
      if (!isTicketStreamError(error, 'ticket.too_large')) throw error;
      await deadLetter({ code: error.code, cause: error.message, ticketId: ticket.id, bytes: slice.bytes });
    }
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
    const slices = streamPage(
      page.body,
      { ticketBytesMax: publisher.ticketBytesMax, pageBytesMax: PAGE_BYTES_MAX, depthMax: DEPTH_MAX },
      next.mode === 'time' ? 'time' : 'cursor',
    );
    let read = await slices.next();
    while (!read.done) {
      for (const slice of read.value) await (slice.kind === 'ticket' ? take(slice) : setAside(slice));
      counts.exported += read.value.length;
      attempt.onParsed(read.value.length);
      pageParsing.publish({ tickets: counts.exported });
      read = await slices.next();
    }
    const tail = read.value;
    const { newestSecond } = boundary;
    const counted = countRule.judge(tail);
    const seen = { ...counts, bytes: tail.bytes, newestSecond };
    if (counted === 'fetch_again') {
      await transaction?.abort();
      return { verdict: 'uncounted', committed: false, ...seen, countIgnored: false };
    }
    const { delaySeconds, mode } = attempt;
    const step = stepAfter(before, { tail, newestSecond, date: page.date, perPage, delaySeconds }, mode);
    const after = stateAfter(before, step, boundary.close(step.next.startTime));
    const committed = transaction !== undefined || mustCommit(before, after, attempt.msSinceCommit());
    if (committed) await (await writing()).commit(after);
    return { verdict: step.verdict, committed, ...seen, countIgnored: counted === 'accept_loudly' };
  } catch (error) {
    page.discard();
    // An abort that fails leaves the producer in doubt; that doubt is then the error to deal with.
    await transaction?.abort();
    const overBudget = budget.signal.aborted && !attempt.signal.aborted;
    if (overBudget || isTicketStreamError(error, 'zendesk.page_too_large')) {
      throw unbearable(error, overBudget);
    }
    throw error;
  } finally {
    clearTimeout(budgetTimer);
  }

  /** Over its time or its bytes. More tickets than were asked for, all of one second: half as many would change nothing. */
  function unbearable(cause: unknown, overBudget: boolean): TicketStreamError {
    const { onlySecond } = boundary;
    const isWholeSecond = next.mode === 'time' && counts.exported > perPage && onlySecond !== undefined;
    const context = {
      startTime: next.startTime,
      perPage,
      ...(isWholeSecond ? { wholeSecond: onlySecond } : {}),
    };
    return overBudget
      ? new TicketStreamError('zendesk.page_too_slow', 'the page took longer than its budget', {
          cause,
          context,
        })
      : new TicketStreamError('zendesk.page_too_large', 'the page is larger than allowed', {
          cause,
          context,
        });
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
