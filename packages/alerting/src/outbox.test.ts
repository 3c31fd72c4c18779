import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AlertState } from './alert-state.ts';
import type { Channel, ChannelAnswer } from './channels/channel.ts';
import { logChannel } from './channels/log.ts';
import { webhookChannel } from './channels/webhook.ts';
import { type Outbox, type OutboxOptions, startOutbox } from './outbox.ts';
import { raiseAlerts } from './raise-alerts.ts';
import { type ManualClock, manualClock } from './testing/manual-clock.ts';
import { type Receiver, SECRET, startReceiver } from './testing/receiver.ts';
import {
  recordingLogger,
  rulesOf,
  START_SECOND,
  sampleChange,
  stepOf,
  temporaryFolder,
} from './testing/samples.ts';

const HOUR_MS = 3_600_000;
const rules = rulesOf({ touched: `'subject' in changed` });

let folder: ReturnType<typeof temporaryFolder>;
let state: AlertState;
let receiver: Receiver;
let clock: ManualClock;
let logger: ReturnType<typeof recordingLogger>;
let outbox: Outbox | undefined;

beforeEach(async () => {
  folder = temporaryFolder();
  clock = manualClock(START_SECOND * 1000);
  state = AlertState.open({ folder: folder.path, nowMs: clock.nowMs });
  receiver = await startReceiver();
  logger = recordingLogger();
  outbox = undefined;
});
afterEach(async () => {
  await outbox?.stop(0);
  await state.close();
  await receiver.close();
  folder.remove();
});

let versions = 0;

/** Fires one alert for the ticket; every call is a new version of it. */
async function fire(id = 7, channels: readonly string[] = ['webhook']): Promise<void> {
  const { handle } = raiseAlerts({
    rules,
    state,
    channels,
    eventAgeMaxSeconds: 6 * 3600,
    logger,
    nowMs: clock.nowMs,
  });
  const at = ++versions;
  const was = sampleChange({ id, ticket: { subject: `v${at - 1}` }, stampAfter: at });
  const change = sampleChange({
    id,
    ticket: { subject: `v${at}` },
    previous: was.ticket,
    stampAfter: at + 1,
  });
  await state.record(stepOf([change]), () => handle([change]));
}

function start(options: Partial<OutboxOptions> = {}): Outbox {
  outbox = startOutbox({
    ledger: state.ledger,
    channels: [webhookChannel({ url: receiver.url, secret: SECRET, timeoutMs: 2_000 })],
    logger,
    nowMs: clock.nowMs,
    after: clock.after,
    random: () => 0,
    ...options,
  });
  return outbox;
}

/** The deliveries of the history, oldest alert first, once they are as wanted. */
async function deliveries(wanted: readonly string[]): Promise<void> {
  await vi.waitFor(
    () => {
      const found = state.ledger
        .history({ limit: 100 })
        .toReversed()
        .flatMap((entry) =>
          entry.deliveries.map(({ state: is, attempts, lastStatus }) => `${is} ${attempts} ${lastStatus}`),
        );
      expect(found).toEqual(wanted);
    },
    { timeout: 5_000, interval: 5 },
  );
}

/** A channel whose answers the test gives, one by one. */
function scriptedChannel() {
  const asked: {
    readonly ticketId: string;
    readonly alertId: string;
    answer(answer: ChannelAnswer): void;
  }[] = [];
  const channel: Channel = {
    name: 'webhook',
    deliver(delivery, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<ChannelAnswer>();
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
      asked.push({ ticketId: delivery.ticketId, alertId: delivery.alertId, answer: resolve });
      return promise;
    },
    async close() {},
  };
  return { channel, asked };
}

const accepted: ChannelAnswer = { kind: 'accepted', status: 200 };
const refused: ChannelAnswer = {
  kind: 'refused',
  status: 500,
  cause: 'answered 500',
  retryAfterMs: undefined,
};

describe('the outbox', () => {
  it('delivers what waits at its start and what comes while it runs, signed, each once', async () => {
    await fire(1);
    start();
    await receiver.received(1);
    await fire(2);
    outbox?.wake();
    await receiver.received(2);
    await deliveries(['delivered 1 204', 'delivered 1 204']);
    outbox?.wake();
    expect(receiver.calls.map(({ verified }) => verified.data.ticket.id)).toEqual(['1', '2']);
    expect(new Set(receiver.calls.map(({ id }) => id))).toEqual(
      new Set(state.ledger.history({ limit: 9 }).map(({ alertId }) => alertId)),
    );
  });

  it('sends a refused alert again, under the same id and with the same body, until it is accepted', async () => {
    receiver.answer = (_, number, response) => response.writeHead(number === 0 ? 500 : 200).end();
    await fire();
    start();
    await deliveries(['pending 1 500']);
    clock.advance(4_999);
    await state.record(stepOf([]), () => {});
    expect(receiver.calls).toHaveLength(1);
    clock.advance(1);
    await deliveries(['delivered 2 200']);
    const [first, second] = receiver.calls;
    expect(second?.id).toBe(first?.id);
    expect(second?.raw).toBe(first?.raw);
  });

  it('waits as long as the receiver asks for', async () => {
    receiver.answer = (_, number, response) =>
      number === 0 ? response.writeHead(429, { 'retry-after': '90' }).end() : response.writeHead(200).end();
    await fire();
    start();
    await deliveries(['pending 1 429']);
    expect(clock.nextTimerAtMs()).toBe(clock.nowMs() + 90_000);
    clock.advance(90_000);
    await deliveries(['delivered 2 200']);
  });

  it('gives up after ten attempts and keeps the alert as dead', async () => {
    const { channel, asked } = scriptedChannel();
    await fire();
    start({ channels: [channel] });
    for (let attempt = 1; attempt <= 10; attempt++) {
      await vi.waitFor(() => expect(asked).toHaveLength(attempt));
      asked.at(-1)?.answer(refused);
      await deliveries([attempt < 10 ? `pending ${attempt} 500` : 'dead 10 500']);
      clock.advance(25 * HOUR_MS);
    }
    expect(new Set(asked.map(({ alertId }) => alertId)).size).toBe(1);
    expect(clock.nextTimerAtMs()).toBeUndefined();
    expect(logger.lines.filter(({ level }) => level === 'error')).toMatchObject([
      { message: 'alert given up: kept as dead' },
    ]);
  });

  it('stops asking a receiver that answers 410, says so loudly, and asks again at the next start', async () => {
    receiver.answer = (_, _number, response) => response.writeHead(410).end();
    await fire(1);
    const first = start();
    await deliveries(['pending 0 410']);
    await fire(2);
    first.wake();
    clock.advance(48 * HOUR_MS);
    await deliveries(['pending 0 410', 'pending 0 undefined']);
    expect(first.gone()).toEqual(['webhook']);
    expect(logger.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    await first.stop(1_000);
    expect(receiver.calls).toHaveLength(1);

    receiver.answer = (_, _number, response) => response.writeHead(200).end();
    start();
    await deliveries(['delivered 1 200', 'delivered 1 200']);
    expect(receiver.calls[1]?.id).toBe(receiver.calls[0]?.id);
  });

  it('keeps the order of one ticket, and lets no other ticket wait for it', async () => {
    const { channel, asked } = scriptedChannel();
    for (const id of [1, 1, 2, 1]) await fire(id);
    start({ channels: [channel] });
    const tickets = () => asked.map(({ ticketId }) => ticketId);
    await vi.waitFor(() => expect(tickets()).toEqual(['1', '2']));
    asked[0]?.answer(refused);
    asked[1]?.answer(accepted);
    await deliveries(['pending 1 500', 'pending 0 undefined', 'delivered 1 200', 'pending 0 undefined']);
    expect(tickets()).toEqual(['1', '2']);
    clock.advance(6_000);
    for (const at of [2, 3, 4]) {
      await vi.waitFor(() => expect(asked).toHaveLength(at + 1));
      asked[at]?.answer(accepted);
    }
    await deliveries(['delivered 2 200', 'delivered 1 200', 'delivered 1 200', 'delivered 1 200']);
    const firedOrder = state.ledger
      .history({ limit: 9 })
      .toReversed()
      .filter(({ ticketId }) => ticketId === '1');
    expect(
      asked
        .filter(({ ticketId }) => ticketId === '1')
        .slice(1)
        .map(({ alertId }) => alertId),
    ).toEqual(firedOrder.map(({ alertId }) => alertId));
  });

  it('has no more under way than allowed', async () => {
    const { channel, asked } = scriptedChannel();
    for (let id = 1; id <= 10; id++) await fire(id);
    start({ channels: [channel], concurrency: 3 });
    let answered = 0;
    while (answered < 10) {
      await vi.waitFor(() => expect(asked.length).toBe(Math.min(10, answered + 3)));
      asked[answered]?.answer(accepted);
      answered++;
    }
    await deliveries(Array.from({ length: 10 }, () => 'delivered 1 200'));
  });

  it('lets what is under way finish when it is stopped, within the grace', async () => {
    const { channel, asked } = scriptedChannel();
    await fire();
    const running = start({ channels: [channel] });
    const stopped = running.stop(10_000);
    asked[0]?.answer(accepted);
    await stopped;
    await deliveries(['delivered 1 200']);
  });

  it('leaves pending what the grace cuts off', async () => {
    const { channel, asked } = scriptedChannel();
    await fire();
    await start({ channels: [channel] }).stop(5);
    expect(asked).toHaveLength(1);
    await deliveries(['pending 0 undefined']);
  });

  it('does not deliver again while the store cannot keep the outcome', async () => {
    await fire();
    let failures = 2;
    const flaky: OutboxOptions['ledger'] = {
      dueDeliveries: (...asked) => state.ledger.dueDeliveries(...asked),
      nextDueAtMs: (...asked) => state.ledger.nextDueAtMs(...asked),
      settleDelivery: (...asked) =>
        failures-- > 0 ? Promise.reject(new Error('disk full')) : state.ledger.settleDelivery(...asked),
    };
    start({ ledger: flaky });
    for (const left of [1, 0]) {
      await vi.waitFor(() => expect(failures).toBe(left));
      await vi.waitFor(() => expect(clock.nextTimerAtMs()).toBeDefined());
      outbox?.wake();
      clock.advance(1_000);
    }
    await deliveries(['delivered 1 204']);
    expect(receiver.calls).toHaveLength(1);
  });

  it('keeps nothing of the waits for a store that refuses an outcome', async () => {
    const { channel, asked } = scriptedChannel();
    await fire();
    const signals: AbortSignal[] = [];
    const watched: Channel = {
      ...channel,
      deliver(delivery, signal) {
        signals.push(signal);
        return channel.deliver(delivery, signal);
      },
    };
    let failures = 50;
    const flaky: OutboxOptions['ledger'] = {
      dueDeliveries: (...of) => state.ledger.dueDeliveries(...of),
      nextDueAtMs: (...of) => state.ledger.nextDueAtMs(...of),
      settleDelivery: (...of) =>
        failures-- > 0 ? Promise.reject(new Error('disk full')) : state.ledger.settleDelivery(...of),
    };
    start({
      channels: [watched],
      ledger: flaky,
      after: (_delayMs, callback) => {
        const handle = setImmediate(callback);
        return () => clearImmediate(handle);
      },
    });
    asked[0]?.answer(accepted);
    await deliveries(['delivered 1 200']);
    // That of the channel in this test alone.
    expect(signals.map((signal) => getEventListeners(signal, 'abort').length)).toEqual([1]);
  });

  it('logs one line an alert without a word of the ticket', async () => {
    await fire(7, ['log']);
    start({ channels: [logChannel(logger)] });
    await deliveries(['delivered 1 undefined']);
    const line = logger.lines.find(({ message }) => message === 'alert');
    expect(line).toMatchObject({
      level: 'warn',
      fields: { rule: 'touched', ticketId: '7', severity: 'warning' },
    });
    expect(new Set(Object.keys(line?.fields ?? {}))).toEqual(
      new Set(['alert', 'rule', 'severity', 'ticketId', 'recordTraceId']),
    );
  });
});
