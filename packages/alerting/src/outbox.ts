import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import type { AlertLedger } from './alert-ledger.ts';
import type { Delivery, DeliveryOutcome } from './alert-record.ts';
import type { Channel, ChannelAnswer } from './channels/channel.ts';
import type { Logger } from './logger.ts';
import { ATTEMPTS_MAX, nextAttemptInMs } from './retry-schedule.ts';

/**
 * Carries fired alerts to their channels, each at least once, under one delivery id for ever.
 *
 * **What if the process is killed?** A row is marked `delivered` after the channel's acceptance and not before. A
 * kill in between leaves it pending, and the next start sends it again under the same id. A kill at any other moment
 * loses and repeats nothing. Two more things look like a kill to a receiver that has accepted, and the alert comes
 * again: a stop that cuts off the delivery when its grace is over, and the time limit of an attempt.
 *
 * A row is `pending` until accepted (`delivered`) or refused for the last time (`dead`, kept in the history and never
 * sent again). Within a channel a ticket's alerts go out in their order: a refused one holds the later ones of its
 * ticket back, and no other ticket's.
 *
 * A receiver that answers 410 is not asked again by this run: its channel is off, loudly, and its rows wait. They
 * go on with the next start, which is the operator's word that the receiver is meant to be there.
 */
export interface OutboxOptions {
  readonly ledger: Pick<AlertLedger, 'dueDeliveries' | 'nextDueAtMs' | 'settleDelivery'>;
  readonly channels: readonly Channel[];
  readonly logger: Logger;
  /** The wall's clock: how long a receiver was left in peace has nothing to do with the time of tickets. */
  readonly nowMs?: () => number;
  /** 0 ≤ random < 1. */
  readonly random?: () => number;
  /** Calls back once after so long; returns what cancels it. */
  readonly after?: (delayMs: number, callback: () => void) => () => void;
  /** Deliveries under way at once, per channel. */
  readonly concurrency?: number;
}

export interface Outbox {
  /** There may be something due. Cheap; call it after every step that fired. */
  wake(): void;
  /** Channels that answered 410 in this run. */
  gone(): readonly string[];
  /**
   * Begins nothing new, lets what is under way finish for `graceMs`, then cuts it off: the rows stay pending.
   * @returns when nothing is under way and the channels are closed
   */
  stop(graceMs: number): Promise<void>;
}

const CONCURRENCY = 8;
/** `setTimeout` takes no more than 24.8 days; nothing here waits for more than two. */
const TIMER_MS_MAX = 24 * 60 * 60 * 1_000;
/** The store refuses (a full disk): the outcome is kept in memory and tried again, never the delivery. */
const SETTLE_RETRY_MS = 1_000;

const tracer = trace.getTracer('@ticket-stream/alerting');

export function startOutbox(options: OutboxOptions): Outbox {
  const { ledger, logger, nowMs = Date.now, random = Math.random, concurrency = CONCURRENCY } = options;
  const after = options.after ?? timer;
  const cut = new AbortController();
  let stopping = false;
  const gone = new Set<string>();
  const underWay = new Map<string, Promise<void>>();
  const lines = options.channels.map((channel) => ({ channel, count: 0, cancelTimer: () => {} }));

  function pump(line: (typeof lines)[number]): void {
    const { channel } = line;
    if (stopping || gone.has(channel.name)) return;
    line.cancelTimer();
    line.cancelTimer = () => {};
    if (line.count >= concurrency) return;
    const now = nowMs();
    let retryInMs: number | undefined;
    try {
      // Rows under way are still due for the store: ask for as many more.
      const due = ledger.dueDeliveries(channel.name, now, concurrency + line.count);
      for (const delivery of due) {
        if (line.count >= concurrency) break;
        begin(line, delivery);
      }
      const nextAtMs = ledger.nextDueAtMs(channel.name, now);
      if (nextAtMs !== undefined) retryInMs = Math.max(0, nextAtMs - now);
    } catch (error) {
      logger.error({ err: error, channel: channel.name }, 'the outbox cannot be read; it is tried again');
      retryInMs = SETTLE_RETRY_MS;
    }
    // A line that is full goes on when one of its deliveries ends.
    if (retryInMs !== undefined) {
      line.cancelTimer = after(Math.min(retryInMs, TIMER_MS_MAX), () => pump(line));
    }
  }

  function begin(line: (typeof lines)[number], delivery: Delivery): void {
    const key = `${delivery.channel}/${delivery.seq}`;
    if (underWay.has(key)) return;
    line.count++;
    const work = attempt(line.channel, delivery).finally(() => {
      line.count--;
      underWay.delete(key);
      pump(line);
    });
    underWay.set(key, work);
  }

  async function attempt(channel: Channel, delivery: Delivery): Promise<void> {
    let answer: ChannelAnswer;
    try {
      answer = await traced(channel, delivery);
    } catch (error) {
      // Cut off by a stop: what the receiver got is not known, so the row stays pending.
      if (cut.signal.aborted) return;
      logger.error({ err: error, alert: delivery.alertId, channel: channel.name }, 'a channel failed');
      answer = { kind: 'refused', status: undefined, cause: 'the channel failed', retryAfterMs: undefined };
    }
    await settle(delivery, outcomeOf(delivery, answer));
  }

  function outcomeOf(delivery: Delivery, answer: ChannelAnswer): DeliveryOutcome {
    const { status } = answer;
    const fields = { alert: delivery.alertId, channel: delivery.channel, rule: delivery.rule, status };
    if (answer.kind === 'accepted') {
      logger.debug(fields, 'alert delivered');
      return { state: 'delivered', status };
    }
    const { cause } = answer;
    if (answer.kind === 'gone') {
      gone.add(delivery.channel);
      logger.error({ ...fields, cause }, 'the receiver is gone: no more is sent to it until the next start');
      // Not one of its ten: the receiver said no to everything, not to this one.
      return { state: 'pending', status, cause, nextAttemptAtMs: nowMs(), counts: false };
    }
    const attempts = delivery.attempts + 1;
    const waitMs = nextAttemptInMs(attempts, answer.retryAfterMs, random());
    if (waitMs === undefined) {
      logger.error({ ...fields, cause, attempts }, 'alert given up: kept as dead');
      return { state: 'dead', status, cause };
    }
    const line = { ...fields, cause, attempts, of: ATTEMPTS_MAX, retryInMs: waitMs };
    logger.warn(line, 'alert refused; it is sent again later');
    return { state: 'pending', status, cause, nextAttemptAtMs: nowMs() + waitMs, counts: true };
  }

  /** Until the store has taken it: a delivery whose outcome is not kept must not be made again by this run. */
  async function settle(delivery: Delivery, outcome: DeliveryOutcome): Promise<void> {
    for (;;) {
      try {
        await ledger.settleDelivery(delivery, outcome, nowMs());
        return;
      } catch (error) {
        logger.error({ err: error, alert: delivery.alertId }, 'the outcome of a delivery cannot be kept yet');
        if (cut.signal.aborted) return;
        const waited = Promise.withResolvers<void>();
        const goOn = () => waited.resolve();
        const cancel = after(SETTLE_RETRY_MS, goOn);
        cut.signal.addEventListener('abort', goOn);
        await waited.promise;
        cancel();
        cut.signal.removeEventListener('abort', goOn);
      }
    }
  }

  /** In the trace of what raised the alert, also after a restart. */
  function traced(channel: Channel, delivery: Delivery): Promise<ChannelAnswer> {
    const parent =
      delivery.traceparent === undefined
        ? ROOT_CONTEXT
        : propagation.extract(ROOT_CONTEXT, { traceparent: delivery.traceparent });
    const attributes = {
      'ticket_stream.alert.id': delivery.alertId,
      'ticket_stream.alert.rule': delivery.rule,
      'ticket_stream.alert.channel': channel.name,
      'ticket_stream.alert.attempt': delivery.attempts + 1,
    };
    return context.with(parent, () =>
      tracer.startActiveSpan('deliver', { attributes }, async (span) => {
        try {
          const answer = await channel.deliver(delivery, cut.signal);
          if (answer.kind !== 'accepted') {
            span.setStatus({ code: SpanStatusCode.ERROR, message: answer.cause });
          }
          return answer;
        } finally {
          span.end();
        }
      }),
    );
  }

  for (const line of lines) pump(line);

  return {
    wake() {
      for (const line of lines) pump(line);
    },
    gone: () => [...gone],
    async stop(graceMs) {
      stopping = true;
      for (const line of lines) line.cancelTimer();
      const cancel = timer(graceMs, () => cut.abort());
      await Promise.all(underWay.values());
      cancel();
      cut.abort();
      await Promise.all(options.channels.map((channel) => channel.close()));
    },
  };
}

function timer(delayMs: number, callback: () => void): () => void {
  const handle = setTimeout(callback, delayMs);
  return () => clearTimeout(handle);
}
