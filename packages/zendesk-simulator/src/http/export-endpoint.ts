/** `GET /api/v2/incremental/tickets(.json)` and `…/tickets/cursor(.json)`: who may ask, how often, and what goes wrong. */
import type { ServerResponse } from 'node:http';
import { type FaultTarget, isAnswerFault, type PlayedFault } from '../faults/fault-plan.ts';
import {
  forbidden,
  type Refusal,
  refusedCursor,
  tooManyRequests,
  tooRecent,
  unknownEndpoint,
} from './answers.ts';
import { authenticate } from './authentication.ts';
import { type Exchange, refuse } from './exchange.ts';
import { type ExportMode, exportMode, readExportRequest, wholeNumber } from './export-request.ts';
import { answerFault } from './fault-answers.ts';
import { answerPage } from './page-answer.ts';
import { pause } from './pause.ts';

/** The account's limit, far above the export's own: its headers show plenty left while the export says 429. */
const ACCOUNT_LIMIT = 700;

export async function answerExport(exchange: Exchange): Promise<void> {
  const { request, response, url, account, options, counts } = exchange;
  counts.arrived();
  addLimitHeaders(response, counts.total, account.presentSecond());
  const refused = (refusal: Refusal, count: 'refused' | 'rateLimited' | 'tooRecent' = 'refused') => {
    counts[count] += 1;
    // A body that nobody reads would keep the connection busy.
    request.resume();
    refuse(response, refusal, account.presentSecond());
  };
  const user = authenticate(request.headers.authorization, options.credentials, account.tokens);
  if ('refusal' in user) return refused(user.refusal);
  const mode = exportMode(url.pathname);
  if (mode === undefined || request.method !== 'GET') return refused(unknownEndpoint);
  if (user.role !== 'admin') return refused(forbidden);
  // One allowance for both endpoints.
  const waitSeconds = account.limit.take();
  if (waitSeconds !== undefined) return refused(tooManyRequests(waitSeconds), 'rateLimited');

  const due = account.faults.next(faultTarget(mode, url.searchParams));
  if (due !== undefined && isAnswerFault(due.fault)) return answerFault(exchange, due.fault);
  const left = due !== undefined && (await playBeforeHead(exchange, due.fault)) ? undefined : due;

  const refusedOr = (...refusal: Parameters<typeof refused>) => {
    if (left?.otherwise === undefined) refused(...refusal);
    else answerFault(exchange, left.otherwise);
  };
  if (mode === 'cursor' && options.refuseCursor !== undefined) {
    return refusedOr(refusedCursor(options.refuseCursor));
  }
  const read = readExportRequest(mode, url.searchParams, options.perPageMax);
  if ('refusal' in read) return refusedOr(read.refusal);
  const presentSecond = account.presentSecond();
  const { startSecond } = read.asked;
  if (startSecond !== undefined && startSecond >= account.hiddenFrom(presentSecond)) {
    return refusedOr(tooRecent(options.tooRecentStatus, options.delaySeconds), 'tooRecent');
  }
  await answerPage(exchange, read.asked, presentSecond, left);
}

/** What a fault does before anything is looked up; false where it is for the page. */
async function playBeforeHead({ account, response, counts }: Exchange, fault: PlayedFault): Promise<boolean> {
  if (fault.kind === 'clock_jump') {
    account.jump(fault.seconds);
    account.faults.count(fault);
    return true;
  }
  if (fault.kind !== 'latency') return false;
  account.faults.count(fault);
  try {
    await pause(fault.ms, response);
  } catch (error) {
    counts.cut += 1;
    throw error;
  }
  return true;
}

function faultTarget(mode: ExportMode, parameters: URLSearchParams): Omit<FaultTarget, 'number'> {
  return {
    mode,
    startTime: wholeNumber(parameters.get('start_time')),
    cursor: parameters.get('cursor') ?? undefined,
    perPage: wholeNumber(parameters.get('per_page') ?? '1000'),
    include: parameters.get('include') ?? undefined,
  };
}

function addLimitHeaders(response: ServerResponse, requests: number, presentSecond: number): void {
  const remaining = String(ACCOUNT_LIMIT - 1 - (requests % 20));
  const reset = String(60 - (presentSecond % 60));
  for (const [name, value] of [
    ['x-rate-limit', String(ACCOUNT_LIMIT)],
    ['x-rate-limit-remaining', remaining],
    ['ratelimit-limit', String(ACCOUNT_LIMIT)],
    ['ratelimit-remaining', remaining],
    ['ratelimit-reset', reset],
    ['rate-limit', String(ACCOUNT_LIMIT)],
    ['rate-limit-remaining', remaining],
    ['rate-limit-reset', reset],
  ] as const) {
    response.setHeader(name, value);
  }
}
