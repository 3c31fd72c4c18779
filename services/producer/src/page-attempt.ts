/**
 * One attempt at one export page: fetch, parse, publish, commit. Keeps the producer's half of promise 1: whatever
 * goes wrong before the page was read to its end and found whole, its transaction is aborted and the checkpoint
 * stays where it was.
 */
import { asTicketStreamError, type ErrorCode, isTicketStreamError } from '@ticket-stream/errors';
import type { PagePublisher } from '@ticket-stream/kafka';
import {
  BoundaryFilter,
  type CountRule,
  type ExportClient,
  type ExportMode,
  type ExportState,
  type OpenPage,
  type PageTail,
  type PageVerdict,
  pageLimits,
  stateAfter,
  stepAfter,
  streamPage,
  streamPageWithSideloads,
  unbearablePage,
} from '@ticket-stream/zendesk-export';
import { mustCommit } from './commit-rule.ts';
import { pageFetched, pageParsing } from './diagnostics.ts';
import { createPageWriter, type PageCounts, type PageSlice } from './page-writer.ts';

export interface PageAttempt {
  readonly client: ExportClient;
  readonly publisher: PagePublisher<ExportState>;
  readonly countRule: CountRule;
  readonly mode: ExportMode;
  readonly include: readonly string[];
  readonly spillDir: string;
  readonly source: string;
  readonly delaySeconds: number;
  /** From the first byte of the page's body; below the transaction's timeout of 6 minutes. */
  readonly pageBudgetMs: number;
  readonly signal: AbortSignal;
  readonly msSinceCommit: () => number;
  /** Told how the request ended: its head, or what came in its place. */
  readonly onAnswered: (seconds: number, answer: Answer) => void;
  /** Told as the page is read, before anything of it is durable. */
  readonly onParsed: (tickets: number) => void;
}

interface Answer {
  readonly status?: number;
  readonly errorCode?: ErrorCode;
}

export interface PageOutcome extends Readonly<PageCounts> {
  /** `uncounted`: the page's own count differs; ask for it again. Nothing of it was committed. */
  readonly verdict: PageVerdict | 'uncounted';
  readonly committed: boolean;
  /** Of the decoded body. */
  readonly bytes: number;
  /** The latest `generated_timestamp` of the page, epoch seconds; undefined where it has none. */
  readonly newestSecond: number | undefined;
  /** The page was accepted although its count differs. */
  readonly countIgnored: boolean;
  /** The page claims to go up to this second, later than it was made. */
  readonly disbelieved: number | undefined;
}

/**
 * @returns what came of the page; all that it counts is durable, unless it is `uncounted`
 * @throws zendesk.…                   nothing of the page is durable; as the client and the page stream say
 * @throws zendesk.page_too_slow, zendesk.page_too_large  context.wholeSecond where Zendesk made the page larger than
 *                                     asked for, to hold one second: no per_page makes it smaller
 * @throws kafka.doubtful_transaction  nobody knows whether it is
 */
export async function attemptPage(attempt: PageAttempt, perPage: number): Promise<PageOutcome> {
  const { client, publisher, source } = attempt;
  const before = publisher.checkpoint.exportState;
  const { next } = before;
  const budget = new AbortController();
  const signal = AbortSignal.any([attempt.signal, budget.signal]);
  const page = await answered(client.openPage({ next, perPage, signal }), attempt.onAnswered);
  pageFetched.publish({ startTime: next.startTime, perPage });
  const budgetTimer = setTimeout(() => budget.abort(), attempt.pageBudgetMs);
  const boundary = new BoundaryFilter(before.boundary);
  const writer = createPageWriter({ publisher, boundary, source, startTime: next.startTime });
  const { counts } = writer;
  try {
    const tail = await readAll(slicesOf(page, attempt));
    const { newestSecond } = boundary;
    const counted = attempt.countRule.judge(tail);
    if (counted === 'fetch_again') {
      await writer.abort();
      return { ...outcome('uncounted', false, tail), countIgnored: false, disbelieved: undefined };
    }
    const { delaySeconds, mode } = attempt;
    const step = stepAfter(before, { tail, newestSecond, date: page.date, perPage, delaySeconds }, mode);
    const after = stateAfter(before, step, boundary.close(step.next.startTime));
    const committed = writer.begun || mustCommit(before, after, attempt.msSinceCommit());
    if (committed) await (await writer.transaction()).commit(after);
    return {
      ...outcome(step.verdict, committed, tail),
      countIgnored: counted === 'accept_loudly',
      disbelieved: step.disbelieved,
    };
  } catch (error) {
    page.discard();
    // An abort that fails leaves the producer in doubt; that doubt is then the error to deal with.
    await writer.abort();
    // Not what failed beyond the budget for a reason of its own: a doubt above all must come through.
    if (error === budget.signal.reason) throw unbearable('time', error);
    if (isTicketStreamError(error, 'zendesk.page_too_large')) throw unbearable('bytes', error);
    throw error;
  } finally {
    clearTimeout(budgetTimer);
  }

  async function readAll(slices: AsyncGenerator<readonly PageSlice[], PageTail>): Promise<PageTail> {
    let read = await slices.next();
    while (!read.done) {
      for (const slice of read.value) {
        // Where the body was read already, nothing else ends with the budget: the tickets wait for their sideloads.
        signal.throwIfAborted();
        await writer.take(slice);
      }
      attempt.onParsed(read.value.length);
      pageParsing.publish({ tickets: counts.exported });
      read = await slices.next();
    }
    return read.value;
  }

  function slicesOf({ body }: OpenPage, { include, spillDir }: PageAttempt) {
    const limits = pageLimits(publisher.ticketBytesMax);
    const mode = next.mode === 'time' ? 'time' : 'cursor';
    if (include.length === 0) return streamPage(body, limits, mode);
    return streamPageWithSideloads(body, limits, { mode, include, spillDir });
  }

  function outcome(verdict: PageOutcome['verdict'], committed: boolean, { bytes }: PageTail) {
    return { verdict, committed, ...counts, bytes, newestSecond: boundary.newestSecond };
  }

  function unbearable(over: 'time' | 'bytes', cause: unknown) {
    const { onlySecond } = boundary;
    return unbearablePage({ next, perPage, tickets: counts.exported, onlySecond, over, cause });
  }
}

async function answered<T extends { readonly status: number }>(
  request: Promise<T>,
  onAnswered: PageAttempt['onAnswered'],
): Promise<T> {
  const fromMs = performance.now();
  const seconds = () => (performance.now() - fromMs) / 1000;
  try {
    const answer = await request;
    onAnswered(seconds(), { status: answer.status });
    return answer;
  } catch (error) {
    const { code, context } = asTicketStreamError(error);
    const { status } = context;
    onAnswered(seconds(), { errorCode: code, ...(typeof status === 'number' ? { status } : {}) });
    throw error;
  }
}
