/**
 * A process of its own for the crash test: opens the store, delivers, says `settled <state> <seq>` when an outcome is
 * durable, and goes on until it is killed. Arguments: folder, receiver's URL, secret.
 */
import { AlertState } from '../alert-state.ts';
import { webhookChannel } from '../channels/webhook.ts';
import { startOutbox } from '../outbox.ts';

const [folder = '', url = '', secret = ''] = process.argv.slice(2);
const state = AlertState.open({ folder });
const silent = { debug() {}, info() {}, warn() {}, error() {} };
startOutbox({
  ledger: {
    dueDeliveries: (...asked) => state.ledger.dueDeliveries(...asked),
    nextDueAtMs: (...asked) => state.ledger.nextDueAtMs(...asked),
    async settleDelivery(delivery, outcome, nowMs) {
      await state.ledger.settleDelivery(delivery, outcome, nowMs);
      process.stdout.write(`settled ${outcome.state} ${delivery.seq}\n`);
    },
  },
  channels: [webhookChannel({ url, secret })],
  logger: silent,
  concurrency: 2,
});
setInterval(() => {}, 60_000);
