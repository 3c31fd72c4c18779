/**
 * A subscription as a loop. Keeps promise 3, "effects once", in the words of a loop: a batch is acknowledged by asking
 * for the next one, and by nothing else. Versions, position and books of a batch are stored then, never before.
 *
 * A loop cannot say whether it was left by `break` or by an error (both call the iterator's `return`), so both mean the
 * same: the batch at hand is not acknowledged, and comes again.
 */
import { TicketStreamError } from '@ticket-stream/errors';
import type { TicketChange } from '@ticket-stream/ticket';
import { type SubscribeOptions, type Subscription, subscribe } from './subscribe.ts';

/** As for `subscribe`, without `handle`: the loop's body is that. */
export type ChangesOptions = Omit<SubscribeOptions, 'handle'>;

interface Offer {
  readonly batch: readonly TicketChange[];
  acknowledge(): void;
  refuse(error: TicketStreamError): void;
}

/**
 * The changes of every ticket, in batches of 1 to 1,000 changes of one partition, in log order.
 *
 * - Asking for the next batch acknowledges the former: its versions, position and counts are stored and its offset is
 *   committed before the next one is handed over.
 * - Leaving the loop, by `break`, `return` or an error, leaves the batch at hand unacknowledged, gives the partitions
 *   back and ends the subscription before the statement after the loop runs.
 * - `until` ends the loop by itself, and so does `signal`: after it no further batch is handed over, and the one at hand
 *   is acknowledged when its body is done.
 * - After a crash, a rebalance or a store that failed, a batch may be handed over again (the store decides what of it is
 *   still fresh).
 *
 * Nothing is read before the first batch is asked for. To set single changes aside as dead letters, use `subscribe`.
 *
 * @throws TicketStreamError  in the loop's head: what ended the subscription, as `Subscription.done` would say it
 *
 * @example
 * for await (const batch of changes({ brokers, topic: 'tickets', group: 'totals', versions, until: 'end' })) {
 *   for (const { ticketId, ticket } of batch) statusOf.set(ticketId, ticket.status);
 * }
 */
export async function* changes(
  options: ChangesOptions,
): AsyncGenerator<readonly TicketChange[], void, undefined> {
  const offers: Offer[] = [];
  let wake = Promise.withResolvers<void>();
  const handle = (batch: readonly TicketChange[]) =>
    new Promise<void>((acknowledge, refuse) => {
      offers.push({ batch, acknowledge, refuse });
      wake.resolve();
    });
  const stopped = () => options.signal?.aborted === true;

  let subscription: Subscription;
  try {
    subscription = await subscribe({ ...options, handle });
  } catch (error) {
    if (stopped()) return;
    throw error;
  }
  let ended = false;
  const onEnd = () => {
    ended = true;
    wake.resolve();
  };
  // Once: a race with `done` for each batch would leave a reaction on it each time.
  subscription.done.then(onEnd, onEnd);

  let atHand: Offer | undefined;
  try {
    while (!ended) {
      const offer = offers.shift();
      if (offer === undefined) {
        await wake.promise;
        wake = Promise.withResolvers();
      } else if (stopped()) {
        offer.refuse(left());
      } else {
        atHand = offer;
        yield offer.batch;
        atHand = undefined;
        offer.acknowledge();
      }
    }
    await subscription.done;
  } finally {
    // In this order: an error of a subscription that is being stopped is not its end's reason.
    const stopping = subscription.stop();
    atHand?.refuse(left());
    for (const offer of offers) offer.refuse(left());
    await stopping;
  }
}

function left(): TicketStreamError {
  return new TicketStreamError('subscription.left', 'the loop over the changes was left');
}
