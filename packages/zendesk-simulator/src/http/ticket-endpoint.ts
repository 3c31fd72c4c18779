/**
 * `GET /api/v2/tickets/{id}(.json)`: a ticket as it is now, without the export's delay and not against the export's
 * allowance. Unlike the export's, it has no `generated_timestamp`; a deleted ticket is not found.
 */
import { forbidden, type Refusal, recordNotFound, unknownEndpoint } from './answers.ts';
import { authenticate } from './authentication.ts';
import { accountHeaders, type Exchange, refuse } from './exchange.ts';

const PATH = /^\/api\/v2\/tickets\/([1-9]\d{0,14})(\.json)?$/;

export function isTicketPath(path: string): boolean {
  return PATH.test(path);
}

export function answerTicket(exchange: Exchange): void {
  const { request, response, account } = exchange;
  const found = find(exchange);
  const presentSecond = account.presentSecond();
  if (typeof found !== 'string') {
    request.resume();
    refuse(response, found, presentSecond);
    return;
  }
  const body = `{"ticket":${found}}`;
  response.writeHead(200, {
    ...accountHeaders(presentSecond),
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
  });
  response.end(body);
}

function find({ request, url, account, options }: Exchange): string | Refusal {
  const user = authenticate(request.headers.authorization, options.credentials, account.tokens);
  if ('refusal' in user) return user.refusal;
  if (request.method !== 'GET') return unknownEndpoint;
  if (user.role !== 'admin') return forbidden;
  return account.shownTicket(Number(PATH.exec(url.pathname)?.[1])) ?? recordNotFound;
}
