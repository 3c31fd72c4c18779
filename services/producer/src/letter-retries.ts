/**
 * Tickets that somebody wants to be fetched again because of a dead letter (`dlq retry`). Keeps three promises:
 *
 * - **Exactly once.** The ticket, or its letter once more, the letter's state, and the place where the requests go on
 *   are one transaction with the checkpoint. A process killed anywhere does a request again, or never.
 * - **Never backwards.** A ticket shown by its id has no generated_timestamp. Its stamp is the latest of its own times
 *   and the export's position *before it was asked for*: the export had shown every version up to there, so what Zendesk
 *   shows now is no older than any of them; and whatever changes later has a later second, and is newer. Pages that are
 *   committed while the answer is on its way may show such a change. It takes for granted that what is shown by id is
 *   no further behind than the export's own delay (60 s).
 * - **The export goes first.** A request is fetched while the export works or waits, and written between two pages.
 *   One ticket is held. The allowance is not the export's but that of all of the account's requests, so it is used
 *   slowly.
 *
 * Requests are done in their order, one after the other. While Zendesk is away or busy all of them wait; a request that
 * fails `ATTEMPTS_MAX` times in a way that may be the ticket's own is its letter once more, so that the ones behind it
 * get their turn.
 */
import { asTicketStreamError, isTicketStreamError, TicketStreamError } from '@ticket-stream/errors';
import {
  type LogReader,
  type PagePublisher,
  type RetryRequest,
  readRetryRequests,
} from '@ticket-stream/kafka';
import type { Logger } from '@ticket-stream/service-kit';
import {
  askedToWaitMs,
  createBackoff,
  createPacer,
  type ExportClient,
  type ExportState,
  pageLimits,
  readShownTicket,
  realWaiting,
  type TicketSlice,
  type Waiting,
} from '@ticket-stream/zendesk-export';
import { letterFetched } from './diagnostics.ts';
import { type LetterOutcome, type WrittenOutcome, writeOutcome } from './letter-outcome.ts';

export interface LetterRetries {
  /** Works on requests for at most so long, and returns at once where there are none. @throws kafka.fenced */
  work(ms: number): Promise<void>;
}

export interface LetterRetriesOptions {
  readonly client: ExportClient;
  readonly publisher: PagePublisher<ExportState>;
  readonly reader: LogReader;
  /** Where the requests come. */
  readonly topic: string;
  readonly source: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Durable. */
  readonly onOutcome: (outcome: WrittenOutcome) => void;
  readonly waiting?: Waiting;
}

const POLL_MS = 1_000;
/** The topic is made with the first request ever; whether it is there costs a look at all topics of the cluster. */
const POLL_ABSENT_MS = 5_000;
/** From the request to the last byte: much more than a ticket needs, and a request cannot hang for ever. */
const FETCH_MS_MAX = 60_000;
const BODY_BYTES_MAX = 256 * 1024 * 1024;
const ATTEMPTS_MAX = 8;
/** Zendesk allows an account 200 or more, shared with its agents and every other client. */
const REQUESTS_PER_MINUTE = 60;

/** A request whose ticket is here, or is known not to come. */
interface Ready {
  readonly request: RetryRequest;
  readonly outcome: LetterOutcome;
}

export function createLetterRetries(options: LetterRetriesOptions): LetterRetries {
  const { client, publisher, reader, topic, logger, signal, onOutcome } = options;
  const waiting = options.waiting ?? realWaiting;
  const backoff = createBackoff({ firstMs: 500, maxMs: 60_000 });
  const pacer = createPacer({ requestsPerMinute: REQUESTS_PER_MINUTE, waiting });
  let queue: readonly RetryRequest[] = [];
  let ready: Ready | undefined;
  let isThere = false;
  /** Reading requests, or fetching a ticket, in the background; never rejects. */
  let underWay: Promise<void> | undefined;
  let attempts = 0;
  let notBeforeMs = 0;

  function holdOff(ms: number): void {
    notBeforeMs = waiting.nowMs() + ms;
  }

  async function step(): Promise<void> {
    try {
      const [request] = queue;
      if (request !== undefined) ready = { request, outcome: await fetchTicket(request) };
      else {
        isThere ||= await reader.topicExists(topic);
        if (isThere) queue = await readRetryRequests(reader, topic, publisher.checkpoint.nextRetryOffset);
        if (queue.length === 0) holdOff(isThere ? POLL_MS : POLL_ABSENT_MS);
      }
    } catch (error) {
      if (signal.aborted) return;
      failed(asTicketStreamError(error));
    } finally {
      underWay = undefined;
    }
  }

  async function fetchTicket({ ticketId }: RetryRequest): Promise<LetterOutcome> {
    if (ticketId === undefined) return { kind: 'no_request' };
    await pacer.turn(signal);
    const { position } = publisher.checkpoint.exportState;
    const ended = new AbortController();
    const late = lateSignal(ended.signal);
    let slice: TicketSlice;
    try {
      const page = await client.openTicket({ id: ticketId, signal: AbortSignal.any([signal, late]) });
      const limits = { ...pageLimits(publisher.ticketBytesMax), pageBytesMax: BODY_BYTES_MAX };
      slice = await readShownTicket(page.body, limits);
    } catch (error) {
      const { status } = asTicketStreamError(error).context;
      if (typeof status === 'number' && NOT_SHOWN.has(status)) {
        return { kind: 'not_shown', cause: `Zendesk does not show it (${status})` };
      }
      throw error;
    } finally {
      ended.abort();
    }
    letterFetched.publish({ ticketId });
    return { kind: 'shown', slice, position };
  }

  /** Aborted `FETCH_MS_MAX` from now, unless `ended` comes first. */
  function lateSignal(ended: AbortSignal): AbortSignal {
    const late = new AbortController();
    const seconds = FETCH_MS_MAX / 1000;
    waiting.wait(FETCH_MS_MAX, ended).then(
      () =>
        late.abort(
          new TicketStreamError('zendesk.unavailable', `Zendesk did not show it within ${seconds} s`, {
            context: { reason: TOO_LATE },
          }),
        ),
      () => {},
    );
    return late.signal;
  }

  /** What comes of it is the next attempt's, or the letter's. */
  function failed(error: TicketStreamError): void {
    holdOff(Math.max(askedToWaitMs(error), backoff.nextMs()));
    if (isOfZendesk(error)) {
      logger.warn({ err: error }, 'a ticket asked for again has to wait');
      return;
    }
    const [request] = queue;
    if (request === undefined) {
      // A right that is missing does not come by itself; whoever asks for a letter again would wait in vain.
      const level = error.code === 'kafka.not_allowed' ? 'warn' : 'debug';
      logger[level]({ err: error }, 'reading requests for tickets failed');
      return;
    }
    logger.warn({ err: error, ticketId: request.ticketId, attempts }, 'a ticket could not be fetched again');
    attempts++;
    if (attempts < ATTEMPTS_MAX) return;
    ready = { request, outcome: { kind: 'not_shown', cause: `fetching it failed: ${error.message}` } };
  }

  /** In a transaction of its own, as often as it takes. */
  async function write({ request, outcome }: Ready): Promise<void> {
    const { offset } = request;
    // Not "past it": in a topic that was made anew the requests have lower offsets than those of the former one.
    while (publisher.checkpoint.nextRetryOffset !== offset + 1n) {
      try {
        onOutcome(await writeOutcome(options, request, outcome));
      } catch (error) {
        if (!isTicketStreamError(error, 'kafka.doubtful_transaction')) throw error;
        logger.warn({ err: error }, 'a transaction is in doubt; asking the checkpoint');
        await publisher.recover();
      }
    }
    attempts = 0;
    backoff.reset();
    queue = queue.filter((each) => each.offset > offset);
  }

  return {
    async work(ms) {
      const untilMs = waiting.nowMs() + ms;
      for (;;) {
        if (ready !== undefined) {
          const next = ready;
          ready = undefined;
          await write(next);
        }
        const nowMs = waiting.nowMs();
        if (underWay === undefined && nowMs >= notBeforeMs) underWay = step();
        const leftMs = untilMs - nowMs;
        if (leftMs <= 0 || signal.aborted) return;
        await firstOf(underWay, underWay === undefined ? Math.min(leftMs, notBeforeMs - nowMs) : leftMs);
      }
    },
  };

  /** Waits for the work, where there is any, or the time, whichever comes first. */
  async function firstOf(work: Promise<void> | undefined, ms: number): Promise<void> {
    const over = new AbortController();
    const time = waiting.wait(ms, AbortSignal.any([signal, over.signal])).catch(() => {});
    await (work === undefined ? time : Promise.race([work, time]));
    over.abort();
  }
}

const TOO_LATE = 'too_late';

/** Not about a ticket, however long it lasts: Zendesk is busy, or away. A 500, or no end, may be the ticket's own. */
function isOfZendesk({ code, context: { status, reason } }: TicketStreamError): boolean {
  if (code === 'zendesk.rate_limited') return true;
  const isAway = status === undefined || status === 502 || status === 503;
  return code === 'zendesk.unavailable' && isAway && reason !== TOO_LATE;
}

/** Deleted, not for these credentials, or refused as it is: asking again would bring the same. */
const NOT_SHOWN: ReadonlySet<number> = new Set([400, 403, 404, 410, 422]);
