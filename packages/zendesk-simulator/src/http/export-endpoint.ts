/** `GET /api/v2/incremental/tickets(.json)` and `…/tickets/cursor(.json)`: the export in its two modes. */
import type { ServerResponse } from 'node:http';
import type { ExportPage } from '../history/export-pages.ts';
import { mix } from '../random.ts';
import {
  forbidden,
  type Refusal,
  refusedCursor,
  tooManyRequests,
  tooRecent,
  unknownEndpoint,
} from './answers.ts';
import { authenticate } from './authentication.ts';
import { bodySink } from './body-sink.ts';
import { accountHeaders, type Exchange, refuse } from './exchange.ts';
import { type ExportRequest, exportMode, readExportRequest } from './export-request.ts';
import { type ControlField, cursorControl, timeControl } from './page-body.ts';
import { writePage } from './page-writer.ts';

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
  const user = authenticate(request.headers.authorization, options.credentials, account.tokens);
  if ('refusal' in user) return refused(user.refusal);
  const mode = exportMode(url.pathname);
  if (mode === undefined || request.method !== 'GET') return refused(unknownEndpoint);
  if (user.role !== 'admin') return refused(forbidden);
  // One allowance for both endpoints.
  const waitSeconds = account.limit.take();
  if (waitSeconds !== undefined) return refused(tooManyRequests(waitSeconds), 'rateLimited');
  if (mode === 'cursor' && options.refuseCursor !== undefined) {
    return refused(refusedCursor(options.refuseCursor));
  }
  const read = readExportRequest(mode, url.searchParams, options.perPageMax);
  if ('refusal' in read) return refused(read.refusal);
  const { asked } = read;
  const hiddenFrom = account.hiddenFrom(presentSecond);
  if (asked.startSecond !== undefined && asked.startSecond >= hiddenFrom) {
    return refused(tooRecent(options.tooRecentStatus, options.delaySeconds), 'tooRecent');
  }
  const { page, control } = pageFor(exchange, asked, hiddenFrom);
  const gzip = acceptsGzip(request.headers['accept-encoding']);
  addLimitHeaders(response, counts.total, presentSecond);
  response.writeHead(200, {
    ...accountHeaders(presentSecond),
    'content-type': 'application/json; charset=utf-8',
    vary: 'Accept-Encoding',
    etag: `W/"${mix(asked.startSecond ?? 0, asked.perPage, presentSecond, page.ids.length)
      .toString(16)
      .padStart(32, '0')}"`,
    ...(gzip ? { 'content-encoding': 'gzip' } : {}),
  });
  const ledger = account.ledger.page(mode);
  try {
    const body = { seed: account.identity.seed, page, control };
    const ticketBytes = await writePage(bodySink(response, gzip), body, ledger);
    ledger.whole();
    counts.pages += 1;
    counts.tickets += page.ids.length;
    counts.ticketBytes += ticketBytes;
  } catch (error) {
    counts.cut += 1;
    throw error;
  }
}

function pageFor(
  exchange: Exchange,
  asked: ExportRequest,
  beforeSecond: number,
): { readonly page: ExportPage; readonly control: ControlField[] } {
  const { account, options, url } = exchange;
  const origin = options.linkOrigin ?? exchange.ownOrigin;
  const { perPage, excludeDeleted, supportScope } = asked;
  const scope = { perPage, excludeDeleted, supportScope, beforeSecond };
  const startSecond = asked.startSecond ?? 0;
  if (asked.mode === 'time') {
    const page = account.history.timePage({ ...scope, startSecond, stuckSecond: options.stuckSecond });
    return { page, control: timeControl(origin, url.searchParams, page) };
  }
  const after = asked.after ?? { second: startSecond, id: 0 };
  const page = account.history.cursorPage({ ...scope, after });
  return { page, control: cursorControl(origin, url.searchParams, page) };
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
