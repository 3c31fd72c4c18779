import { type ErrorContext, TicketStreamError } from '@ticket-stream/errors';

/** What `handle` may add to an error it throws. */
export interface HandlerErrorOptions {
  /** What the sink itself said; kept as `cause`, logged with the error. */
  readonly cause?: unknown;
  /** Ids, statuses, durations: logged. Never a secret, never the text of a ticket. */
  readonly context?: ErrorContext;
}

/**
 * Thrown by `handle` where the sink cannot take changes *now*: it is down, full, or asks for patience. The subscription
 * keeps its membership, waits (0.1 s, doubling up to 5 s) and hands the same batch over again, for as long as it takes.
 * Code `sink.unavailable`, disposition `retry`.
 *
 * @example
 * handle: async (changes) => {
 *   const answer = await fetch(url, { method: 'POST', body: toBody(changes) });
 *   if (answer.status === 503) throw new RetryLater('the warehouse is in maintenance');
 * }
 */
export class RetryLater extends TicketStreamError {
  constructor(message: string, options: HandlerErrorOptions = {}) {
    super('sink.unavailable', message, options);
    this.name = 'RetryLater';
  }
}

/**
 * Thrown by `handle` where a change can *never* work, however often it is tried. The batch is then handed over
 * again in halves, and halves of halves, until the change that throws it is alone and set aside as a dead letter, with
 * this message and the record itself; all others are applied. Later versions of the same ticket still come.
 * Code `sink.cannot_apply`, disposition `dead_letter`.
 *
 * @example
 * if (ticket.custom_fields?.length > 500) throw new CannotApply('the table has 500 columns');
 */
export class CannotApply extends TicketStreamError {
  constructor(message: string, options: HandlerErrorOptions = {}) {
    super('sink.cannot_apply', message, options);
    this.name = 'CannotApply';
  }
}
