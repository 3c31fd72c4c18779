import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { TicketStreamError } from '@ticket-stream/errors';
import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import type { Channel, ChannelAnswer } from './channel.ts';

/**
 * Delivery by Standard Webhooks (https://github.com/standard-webhooks/standard-webhooks): a POST with `webhook-id`
 * (the delivery id, the same at every attempt), `webhook-timestamp` (of the attempt) and `webhook-signature`.
 * Any 2xx is acceptance, 410 means "never again", everything else is tried again.
 *
 * A redirect is not followed but is a refusal: it may lead to where the operator's configuration does not point, and
 * the signature is for the one who was configured. TLS is verified, whatever the environment says.
 */
export interface WebhookOptions {
  /** `https:`, or `http:` to the loopback. */
  readonly url: string;
  /** `whsec_` and the base64 of 24 to 64 bytes. */
  readonly secret: string;
  /** For one attempt, from the connection to the answer's head. */
  readonly timeoutMs?: number;
  readonly nowMs?: () => number;
}

const TIMEOUT_MS = 15_000;
const CONNECTIONS_MAX = 8;
/** Of the answer's body, which nobody reads: enough to keep the connection for an ordinary "ok". */
const ANSWER_BYTES_MAX = 64 * 1024;

const tracer = trace.getTracer('@ticket-stream/alerting');

/** What is wrong with a secret, in words without the secret; undefined where nothing is. */
export function webhookSecretProblem(secret: string): string | undefined {
  const match = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret);
  if (match === null) return 'must be whsec_ followed by base64';
  const bytes = Buffer.from(match[1] ?? '', 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') !== (match[1] ?? '').replace(/=+$/, '')) {
    return 'must be whsec_ followed by base64';
  }
  return bytes.length >= 24 && bytes.length <= 64
    ? undefined
    : `must hold 24 to 64 bytes; it holds ${bytes.length}`;
}

/** @throws config.invalid  the secret is none */
export function webhookChannel(options: WebhookOptions): Channel {
  const problem = webhookSecretProblem(options.secret);
  if (problem !== undefined) {
    throw new TicketStreamError('config.invalid', `the webhook's secret ${problem}`);
  }
  const { url, timeoutMs = TIMEOUT_MS, nowMs = Date.now } = options;
  const { hostname, protocol, port } = new URL(url);
  const signer = new Webhook(options.secret);
  const dispatcher = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: timeoutMs, rejectUnauthorized: true },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });

  async function post(id: string, body: string, signal: AbortSignal): Promise<ChannelAnswer> {
    const attemptedAtMs = nowMs();
    const timeout = AbortSignal.timeout(timeoutMs);
    const traceHeaders: Record<string, string> = {};
    propagation.inject(context.active(), traceHeaders);
    try {
      const answer = await request(url, {
        method: 'POST',
        dispatcher,
        signal: AbortSignal.any([signal, timeout]),
        headers: {
          ...traceHeaders,
          'content-type': 'application/json',
          'user-agent': 'ticket-stream',
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(attemptedAtMs / 1000)),
          'webhook-signature': signer.sign(id, new Date(attemptedAtMs), body),
        },
        body,
      });
      // The head decides; a body that is cut, endless or slow changes nothing about it.
      answer.body.dump({ limit: ANSWER_BYTES_MAX }).catch(() => {});
      return judge(answer.statusCode, answer.headers['retry-after'], nowMs());
    } catch (error) {
      signal.throwIfAborted();
      const cause = timeout.aborted ? `no answer within ${timeoutMs} ms` : networkCause(error);
      return { kind: 'refused', status: undefined, cause, retryAfterMs: undefined };
    }
  }

  return {
    name: 'webhook',
    async deliver({ alertId, body }, signal) {
      const attributes = {
        'http.request.method': 'POST',
        // Not the path: with many receivers it is the key.
        'server.address': hostname,
        'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      };
      return tracer.startActiveSpan('POST', { kind: SpanKind.CLIENT, attributes }, async (span) => {
        try {
          const answer = await post(alertId, body, signal);
          if (answer.status !== undefined) span.setAttribute('http.response.status_code', answer.status);
          if (answer.kind !== 'accepted') {
            span.setStatus({ code: SpanStatusCode.ERROR, message: answer.cause });
          }
          return answer;
        } finally {
          span.end();
        }
      });
    },
    // Not close(): what is left are bodies of answers that were already judged.
    close: () => dispatcher.destroy(),
  };
}

function judge(status: number, retryAfter: string | string[] | undefined, nowMs: number): ChannelAnswer {
  if (status >= 200 && status < 300) return { kind: 'accepted', status };
  if (status === 410) return { kind: 'gone', status, cause: 'the receiver answered 410 Gone' };
  const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : '';
  return {
    kind: 'refused',
    status,
    cause: `the receiver answered ${status}${redirect}`,
    retryAfterMs: retryAfterMs(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, nowMs),
  };
}

/** Seconds or an HTTP date (RFC 9110, 10.2.3). */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header.trim()) * 1000;
  // Date.parse takes much more than HTTP's dates, "-5" among it.
  const at = header.trim().endsWith(' GMT') ? Date.parse(header) : Number.NaN;
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

/** Undici's messages may quote the answer; codes and names of errors do not. */
function networkCause(error: unknown): string {
  const { code, name, cause } = (error ?? {}) as {
    code?: unknown;
    name?: unknown;
    cause?: { code?: unknown };
  };
  const known = [code, cause?.code, name].find((word) => typeof word === 'string' && /^\w+$/.test(word));
  return typeof known === 'string' ? `the request failed: ${known}` : 'the request failed';
}
