import { type ErrorCode, type ErrorContext, TicketStreamError } from '@ticket-stream/errors';
import type { Dispatcher } from 'undici';
import { decodeBody } from './body-decoding.ts';
import { headerOf, retryAfterOf } from './response-head.ts';

/** Of an error body: enough for what Zendesk says, and of it what fits a log line. */
const BODY_BYTES_MAX = 16_384;
const TEXT_CHARS_MAX = 300;
const BODY_WAIT_MS = 5_000;

interface Asked {
  /** What was asked for, as an error's context says it. */
  readonly context: ErrorContext;
  /** Never repeated, whoever echoes them. */
  readonly secrets: readonly string[];
}

/**
 * What is wrong with an answer, by its head; undefined for one that is a page by its own word, whose body is then
 * untouched. Otherwise the body is read as far as it serves, and closed.
 */
export async function refusal(
  response: Dispatcher.ResponseData,
  asked: Asked,
): Promise<TicketStreamError | undefined> {
  const status = response.statusCode;
  const contentType = headerOf(response, 'content-type') ?? '';
  if (status === 200 && (contentType === '' || isJson(contentType))) return undefined;

  const { text, bytes } = await readText(response);
  const said = status === 200 ? '' : whatItSays(text, contentType, asked.secrets);
  const code = refusalCode(status, said);
  const retryAfter = status === 429 || status === 503 ? retryAfterOf(response) : undefined;
  return new TicketStreamError(code, message(code, status, said), {
    context: {
      status,
      ...asked.context,
      contentType: contentType.slice(0, 80),
      bodyBytes: bytes,
      ...redirectTarget(response),
      ...(said === '' ? {} : { zendeskError: said }),
      ...(retryAfter === undefined
        ? {}
        : { retryAfterMs: retryAfter.ms, retryAfterCapped: retryAfter.capped }),
    },
  });
}

/** Where it points to, as far as a person needs it: a path may hold anything. */
function redirectTarget(response: Dispatcher.ResponseData): { redirectOrigin?: string } {
  const location = headerOf(response, 'location');
  const url = location === undefined ? null : URL.parse(location, 'https://same.invalid');
  if (url === null || url.hostname === 'same.invalid') return {};
  return { redirectOrigin: url.origin };
}

function message(code: ErrorCode, status: number, said: string): string {
  if (code === 'zendesk.page_malformed') return 'the answer is not JSON';
  if (status >= 300 && status < 400) return `Zendesk redirects (${status}), and redirects are not followed`;
  return said === '' ? `Zendesk answered ${status}` : `Zendesk answered ${status}: ${said}`;
}

function refusalCode(status: number, said: string): ErrorCode {
  if (status >= 200 && status < 300) return 'zendesk.page_malformed';
  switch (status) {
    // A host that moved for good is a wrong ZENDESK_URL; any other redirect may pass (a login or maintenance page).
    case 301:
    case 308:
      return 'zendesk.request_refused';
    case 400:
    case 422:
      return /StartTimeTooRecent|too recent/i.test(said) ? 'zendesk.too_recent' : 'zendesk.request_refused';
    case 401:
    case 403:
      return 'zendesk.credentials_refused';
    case 404:
      return 'zendesk.not_found';
    // The server's own impatience with the connection, not with the request.
    case 408:
      return 'zendesk.unavailable';
    case 429:
      return 'zendesk.rate_limited';
    case 504:
      return 'zendesk.page_too_slow';
    default:
      return status >= 400 && status < 500 ? 'zendesk.request_refused' : 'zendesk.unavailable';
  }
}

function isJson(contentType: string): boolean {
  return /^\s*application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(contentType);
}

/** The beginning of an error's body; how it ended is not of interest, nor is it worth waiting for. */
async function readText(response: Dispatcher.ResponseData): Promise<{ text: string; bytes: number }> {
  const parts: Buffer[] = [];
  let bytes = 0;
  const tooLong = setTimeout(() => response.body.destroy(), BODY_WAIT_MS);
  try {
    for await (const chunk of decodeBody(response.body, headerOf(response, 'content-encoding'), undefined)) {
      parts.push(chunk);
      bytes += chunk.length;
      if (bytes >= BODY_BYTES_MAX) break;
    }
  } catch {
    // The status has said enough.
  } finally {
    clearTimeout(tooLong);
  }
  return { text: Buffer.concat(parts).toString('utf8'), bytes };
}

/**
 * Zendesk's own words: `error` is a string or `{ title, message }`, with `description` and `details` beside it. Of
 * what is not JSON only plain text is repeated: a proxy's page says nothing in 300 characters.
 */
function whatItSays(text: string, contentType: string, secrets: readonly string[]): string {
  let said = '';
  try {
    const body: unknown = JSON.parse(text);
    said = [...sentences(body)].join(': ');
  } catch {
    if (/^text\/plain/i.test(contentType)) said = text;
  }
  for (const secret of secrets) if (secret !== '') said = said.replaceAll(secret, '…');
  // Control characters would let an answer write lines into a terminal or a log.
  said = said.replaceAll(/\p{C}+/gu, ' ').trim();
  return said.length > TEXT_CHARS_MAX ? `${said.slice(0, TEXT_CHARS_MAX)}…` : said;
}

function* sentences(body: unknown): Generator<string> {
  if (typeof body === 'string') yield body;
  if (typeof body !== 'object' || body === null) return;
  const { error, title, message, description, details, errors } = body as Record<string, unknown>;
  for (const part of [error, errors, title, message, description]) {
    if (typeof part === 'string') yield part;
    else if (typeof part === 'object' && part !== null)
      yield* sentences(Array.isArray(part) ? part[0] : part);
  }
  if (typeof details === 'object' && details !== null) yield JSON.stringify(details);
}
