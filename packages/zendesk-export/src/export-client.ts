import { type AttributeValue, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { type ErrorContext, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import { Agent, type Dispatcher, request } from 'undici';
import { type Authorization, type ExportCredentials, fixedAuthorization } from './authorization.ts';
import { decodeBody } from './body-decoding.ts';
import { type ExportView, requestPath, requestTarget, ticketPath } from './export-request.ts';
import { DEFAULT_SCOPE, type NextRequest } from './export-state.ts';
import { failureContext } from './failure-code.ts';
import { clientCredentialsAuthorization } from './oauth.ts';
import { refusal } from './refusals.ts';
import { dateMsOf, headerOf } from './response-head.ts';

/**
 * Asks Zendesk's incremental ticket export for a page.
 *
 * Credentials go to the configured origin alone: the next request is built from its parameters, never from a link in
 * a body, and no redirect is followed. Nothing is tried again here: whether a page is asked for again, and when, is the
 * producer's to decide, because every request counts against the pace.
 */
export interface ExportClient {
  /**
   * Has what lets the next request in: fetches a token where it has none, or none that lasts. Asked for before a turn of
   * the pace is taken, so that the request then goes out at its turn and the next one is a whole spacing later.
   * @throws zendesk.credentials_refused, zendesk.rate_limited, zendesk.unavailable, the signal's reason  as a page
   */
  authorize(signal?: AbortSignal): Promise<void>;
  /**
   * Makes the request and resolves once its head is there and is a page's.
   * @throws zendesk.credentials_refused  401, 403
   * @throws zendesk.token_refused        401 to an OAuth token that can be fetched anew: ask again, once
   * @throws zendesk.not_found            404
   * @throws zendesk.request_refused      any other 4xx; a redirect that is said to be permanent
   * @throws zendesk.too_recent           start_time is too near to now: caught up
   * @throws zendesk.rate_limited         429; context.retryAfterMs where it says how long
   * @throws zendesk.page_too_slow        504: ask with a smaller per_page
   * @throws zendesk.unavailable          any other 5xx, a time-out, no connection; context.retryAfterMs as above
   * @throws zendesk.page_malformed       an answer that is not JSON by its own word
   * @throws the signal's reason when it is aborted
   */
  openPage(page: {
    readonly next: NextRequest;
    /** 1 to 1000. */
    readonly perPage: number;
    /** Also ends a body that is being read. */
    readonly signal?: AbortSignal;
  }): Promise<OpenPage>;
  /**
   * Asks for one ticket by its id: `GET /api/v2/tickets/{id}.json`, which has an allowance of its own. The body is
   * `{"ticket":{…}}`, read by shown-ticket.ts; a ticket shown so has no generated_timestamp.
   * @throws as openPage; context.status tells a ticket that is not shown (403, 404, 410)
   */
  openTicket(ticket: { readonly id: string; readonly signal?: AbortSignal }): Promise<OpenPage>;
  /** Ends the connections; a body still open fails. */
  close(): Promise<void>;
}

export interface OpenPage {
  readonly status: number;
  /**
   * The second in which the page was looked up at the earliest, by Zendesk's clock: the response's Date, less the time
   * that its head took to come. Epoch seconds; undefined where there is no Date that can be read.
   */
  readonly date: number | undefined;
  /**
   * The body, decoded; to be read once, to its end or until the reader stops, which closes it.
   * Throws zendesk.page_truncated when it is cut, zendesk.unavailable when it stands still, zendesk.page_malformed when
   * its compression is damaged, and the signal's reason.
   */
  readonly body: AsyncIterable<Buffer>;
  /** Closes a body that nobody reads; nothing after its end. */
  discard(): void;
}

export interface ExportClientOptions {
  /** The account, e.g. `https://acme.zendesk.com`; only its origin counts. `http:` to loopback only. */
  readonly url: string;
  readonly credentials: ExportCredentials;
  /** What is asked for; as Zendesk has it when not given. */
  readonly view?: ExportView;
  readonly connectTimeoutMs?: number;
  /** From the request to the response's head. */
  readonly headersTimeoutMs?: number;
  /** Between two pieces of the body. */
  readonly bodyTimeoutMs?: number;
  /** Milliseconds that only grow. */
  readonly nowMs?: () => number;
}

/** A quicker head counts as of the Date's own second: Date has whole seconds, and would lose one to a millisecond. */
const QUICK_HEAD_MS = 100;
const USER_AGENT = 'ticket-stream/0.1.0 (+incremental ticket export)';

/** @throws config.invalid  the URL cannot be used */
export function createExportClient(options: ExportClientOptions): ExportClient {
  const { origin, hostname, port, protocol } = checkedUrl(options.url);
  const nowMs = options.nowMs ?? (() => performance.now());
  const view = options.view ?? { scope: DEFAULT_SCOPE, include: [] };
  const agent = new Agent({
    // One page at a time; a second connection so that the next page need not wait for an aborted one to close, and a
    // third for a ticket asked for beside it.
    connections: 3,
    pipelining: 1,
    allowH2: false,
    connect: { timeout: options.connectTimeoutMs ?? 10_000 },
    headersTimeout: options.headersTimeoutMs ?? 120_000,
    bodyTimeout: options.bodyTimeoutMs ?? 60_000,
    // Longer than the pace of 10 requests a minute, or each of them would begin with a TLS handshake. A server that
    // says `Keep-Alive: timeout=` decides itself.
    keepAliveTimeout: 15_000,
    keepAliveMaxTimeout: 60_000,
  });
  const tracer = trace.getTracer('@ticket-stream/zendesk-export');
  const spanAttributes: Record<string, AttributeValue> = {
    'http.request.method': 'GET',
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
    'url.scheme': protocol.slice(0, -1),
  };
  const { credentials } = options;
  const authorization: Authorization =
    'clientId' in credentials
      ? clientCredentialsAuthorization({ ...credentials, origin, dispatcher: agent })
      : fixedAuthorization(credentials);

  async function open(path: string, target: string, context: ErrorContext, signal: AbortSignal | undefined) {
    signal?.throwIfAborted();
    const span = tracer.startSpan('GET', {
      kind: SpanKind.CLIENT,
      attributes: { ...spanAttributes, 'url.path': path },
    });
    try {
      const header = await authorization.header(signal);
      const askedMs = nowMs();
      const response = await request(`${origin}${target}`, {
        dispatcher: agent,
        method: 'GET',
        headers: {
          accept: 'application/json',
          'accept-encoding': 'gzip, deflate, br',
          authorization: header,
          'user-agent': USER_AGENT,
        },
        signal: signal ?? null,
      });
      const headMs = nowMs() - askedMs;
      span.setAttribute('http.response.status_code', response.statusCode);
      const refused = await refusal(response, { context, secrets: authorization.secrets });
      if (response.statusCode === 401 && authorization.refused(header)) throw tokenRefused(refused);
      // A refusal of anything else let the token in.
      if (response.statusCode !== 401) authorization.accepted();
      if (refused !== undefined) throw refused;
      return openBody(response, headMs, span, signal);
    } catch (error) {
      const reported = signal?.aborted === true ? signal.reason : requestFailure(error);
      endSpan(span, reported);
      throw reported;
    }
  }

  return {
    async authorize(signal) {
      await authorization.header(signal);
    },
    openPage: ({ next, perPage, signal }) =>
      open(
        requestPath(next),
        requestTarget(next, perPage, view),
        { startTime: next.startTime, perPage },
        signal,
      ),
    openTicket({ id, signal }) {
      const path = ticketPath(id);
      // A name of its own in traces: a path of every id would be as many.
      return open('/api/v2/tickets/{id}.json', path, { ticketId: id }, signal);
    },
    close: () => agent.destroy(),
  };
}

function openBody(
  response: Dispatcher.ResponseData,
  headMs: number,
  span: Span,
  signal: AbortSignal | undefined,
): OpenPage {
  const dateMs = dateMsOf(response);
  const lateMs = Math.max(0, headMs - QUICK_HEAD_MS);
  let settled = false;
  // The span lasts as long as the body: its end is where a cut or a stall shows.
  const settle = (error?: unknown): void => {
    if (settled) return;
    settled = true;
    endSpan(span, error);
  };
  // An abort before anybody reads reports an error nobody listens to, which would end the process.
  response.body.on('error', () => {});
  return {
    status: response.statusCode,
    date: dateMs === undefined ? undefined : Math.floor((dateMs - lateMs) / 1_000),
    body: decodeBody(response.body, headerOf(response, 'content-encoding'), signal, settle),
    discard() {
      response.body.destroy();
      settle();
    },
  };
}

function endSpan(span: Span, error?: unknown): void {
  if (error !== undefined) {
    span.setAttribute('error.type', isTicketStreamError(error) ? error.code : 'aborted');
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** No answer at all: the connection, or the head that did not come in time. */
function requestFailure(error: unknown): TicketStreamError {
  if (isTicketStreamError(error)) return error;
  const context = failureContext(error);
  return new TicketStreamError('zendesk.unavailable', `Zendesk did not answer (${context.reason})`, {
    context,
  });
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

function checkedUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new TicketStreamError('config.invalid', 'the Zendesk URL is not an http(s) URL');
  }
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    throw new TicketStreamError(
      'config.invalid',
      'http: to Zendesk would send the credentials in clear; use https:',
    );
  }
  if (url.username !== '' || url.password !== '') {
    throw new TicketStreamError(
      'config.invalid',
      'the Zendesk URL holds credentials; give them as options of their own',
    );
  }
  return url;
}

function tokenRefused(refused: TicketStreamError | undefined): TicketStreamError {
  return new TicketStreamError(
    'zendesk.token_refused',
    'Zendesk refuses the OAuth token; a fresh one is fetched',
    {
      context: refused?.context ?? {},
    },
  );
}
