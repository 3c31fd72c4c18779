/** Answers an export request with its page, whole or as a fault leaves it. */
import { type DueFault, isBodyFault } from '../faults/fault-plan.ts';
import { inOrder, type SentPage, sentPage } from '../faults/page-faults.ts';
import type { ExportPage } from '../history/export-pages.ts';
import { mix } from '../random.ts';
import { PageSideloads } from '../sideloads/page-sideloads.ts';
import { BodyFaulted, bodySink } from './body-sink.ts';
import { accountHeaders, type Exchange } from './exchange.ts';
import type { ExportRequest } from './export-request.ts';
import { answerFault } from './fault-answers.ts';
import { type ControlField, cursorControl, timeControl } from './page-body.ts';
import { type PageMember, writePage } from './page-writer.ts';

/** Beyond the place where the body is cut, whatever its real length: only a length that is not reached tells of it. */
const MISSING_BYTES = 65_536;

export async function answerPage(
  exchange: Exchange,
  asked: ExportRequest,
  presentSecond: number,
  due: DueFault | undefined,
): Promise<void> {
  const fault = due?.fault;
  const { request, response, account, counts } = exchange;
  const { page, control } = pageFor(exchange, asked, account.hiddenFrom(presentSecond));
  const sent = sentPage(page.ids, control, fault);
  if (fault !== undefined && sent.changed) account.faults.count(fault);
  const gzip = acceptsGzip(request.headers['accept-encoding']);
  const bodyFault = fault !== undefined && isBodyFault(fault) ? fault : undefined;
  if (!sent.changed && bodyFault === undefined && due?.otherwise !== undefined) {
    return answerFault(exchange, due.otherwise);
  }
  const happening =
    bodyFault === undefined ? undefined : { is: bodyFault, played: () => account.faults.count(bodyFault) };
  const ledger = account.ledger.page(asked.mode);
  response.writeHead(200, {
    ...accountHeaders(presentSecond),
    // No header of Zendesk's: a checker finds the page in the ledger by it.
    'x-simulator-page': String(ledger.number),
    'content-type': sent.contentType ?? 'application/json; charset=utf-8',
    vary: 'Accept-Encoding',
    etag: `W/"${mix(asked.startSecond ?? 0, asked.perPage, presentSecond, page.ids.length)
      .toString(16)
      .padStart(32, '0')}"`,
    ...(gzip ? { 'content-encoding': 'gzip' } : {}),
    ...(bodyFault?.kind === 'cut' && bodyFault.framing === 'length'
      ? { 'content-length': String(bodyFault.atByte + MISSING_BYTES) }
      : {}),
  });
  const { ids, repeats, honest } = sent;
  const { seed } = account.identity;
  const sideloads = new PageSideloads(seed, ids.slice(0, ids.length - repeats), page.states);
  const { arrays, fields } = asked.includes;
  const arrayMembers = arrays.map((name) => ({ name, elements: sideloads.elements(name) }));
  const body = { seed, ids, repeats, states: page.states, fields, members: membersOf(sent, arrayMembers) };
  try {
    const ticketBytes = await writePage(bodySink(response, gzip, happening), body, ledger);
    counts.tickets += ids.length;
    counts.ticketBytes += ticketBytes;
    if (honest) {
      ledger.whole();
      counts.pages += 1;
    } else {
      counts.faulted += 1;
    }
  } catch (error) {
    if (error instanceof BodyFaulted) {
      counts.faulted += 1;
      return;
    }
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

/** Zendesk's own order: the tickets, what was loaded beside them, the control fields. */
function membersOf(sent: SentPage, arrays: readonly PageMember[]): PageMember[] {
  const control = sent.control.map(([name, json]) => ({ name, json }));
  return inOrder<PageMember>([{ name: 'tickets' }, ...arrays, ...control], sent.order);
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = String(header ?? '')
    .toLowerCase()
    .split(',');
  return codings.some((coding) => /^\s*(gzip|\*)\s*(;\s*q=(?!0(\.0*)?\s*$).*)?$/.test(coding));
}
