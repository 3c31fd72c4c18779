/** `GET /api/v2/incremental/tickets(.json)`: the time-based export. */
import type { ServerResponse } from 'node:http';
import { mix } from '../random.ts';
import {
  forbidden,
  invalidPerPage,
  missingStartTime,
  type Refusal,
  tooManyRequests,
  tooRecent,
  unauthorized,
  unknownEndpoint,
} from './answers.ts';
import { authenticate } from './authentication.ts';
import { accountHeaders, type Exchange, refuse } from './exchange.ts';
import { writePage } from './page-writer.ts';

const PATH = /^\/api\/v2\/incremental\/tickets(\.json)?$/;

/** The account's limit, far above the export's own: its headers show plenty left while the export says 429. */
const ACCOUNT_LIMIT = 700;

export async function answerExport(exchange: Exchange): Promise<void> {
  const { request, response, url, account, options, counts } = exchange;
  counts.total += 1;
  const presentSecond = account.presentSecond();
  const refused = (refusal: Refusal, count: 'refused' | 'rateLimited' | 'tooRecent' = 'refused') => {
    counts[count] += 1;
    addLimitHeaders(response, counts.total, presentSecond);
    // A body that nobody reads would keep the connection busy.
    request.resume();
    refuse(response, refusal, presentSecond);
  };
  const role = authenticate(request.headers.authorization, options.credentials);
  if (role === undefined) return refused(unauthorized);
  if (!PATH.test(url.pathname) || request.method !== 'GET') return refused(unknownEndpoint);
  if (role !== 'admin') return refused(forbidden);
  const waitSeconds = account.limit.take();
  if (waitSeconds !== undefined) return refused(tooManyRequests(waitSeconds), 'rateLimited');

  const startSecond = wholeNumber(url.searchParams.get('start_time'));
  if (startSecond === undefined) return refused(missingStartTime());
  const perPageText = url.searchParams.get('per_page');
  const perPage = perPageText === null ? Math.min(1000, options.perPageMax) : wholeNumber(perPageText);
  if (perPage === undefined || perPage < 1 || perPage > options.perPageMax) {
    return refused(invalidPerPage(options.perPageMax));
  }
  const hiddenFrom = account.hiddenFrom(presentSecond);
  if (startSecond >= hiddenFrom) {
    return refused(tooRecent(options.tooRecentStatus, options.delaySeconds), 'tooRecent');
  }
  const page = account.history.page({
    startSecond,
    perPage,
    beforeSecond: hiddenFrom,
    excludeDeleted: url.searchParams.get('exclude_deleted') === 'true',
  });
  const gzip = acceptsGzip(request.headers['accept-encoding']);
  const origin = options.linkOrigin ?? exchange.ownOrigin;
  addLimitHeaders(response, counts.total, presentSecond);
  response.writeHead(200, {
    ...accountHeaders(presentSecond),
    'content-type': 'application/json; charset=utf-8',
    vary: 'Accept-Encoding',
    etag: `W/"${mix(startSecond, perPage, presentSecond, page.ids.length).toString(16).padStart(32, '0')}"`,
    ...(gzip ? { 'content-encoding': 'gzip' } : {}),
  });
  const tail = {
    nextPage: `${origin}${nextPath(url.searchParams, page.endSecond)}`,
    endSecond: page.endSecond,
  };
  try {
    const ticketBytes = await writePage(
      response,
      account.identity.seed,
      page,
      tail,
      account.ledger.page(),
      gzip,
    );
    counts.pages += 1;
    counts.tickets += page.ids.length;
    counts.ticketBytes += ticketBytes;
  } catch (error) {
    counts.cut += 1;
    throw error;
  }
}

/** Zendesk keeps the parameters of the request, in the order of their names. */
function nextPath(parameters: URLSearchParams, startSecond: number): string {
  const next = new URLSearchParams(parameters);
  next.set('start_time', String(startSecond));
  next.sort();
  return `/api/v2/incremental/tickets.json?${next}`;
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) : undefined;
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = String(header ?? '')
    .toLowerCase()
    .split(',');
  return codings.some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/.test(coding));
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
