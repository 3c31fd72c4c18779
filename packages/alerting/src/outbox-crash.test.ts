import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AlertState } from './alert-state.ts';
import { raiseAlerts } from './raise-alerts.ts';
import { type Receiver, SECRET, startReceiver } from './testing/receiver.ts';
import { recordingLogger, rulesOf, sampleChange, stepOf, temporaryFolder } from './testing/samples.ts';

const script = fileURLToPath(new URL('./testing/deliver-until-killed.ts', import.meta.url));

let folder: ReturnType<typeof temporaryFolder>;
let receiver: Receiver;
const running = new Set<ChildProcess>();

beforeEach(async () => {
  folder = temporaryFolder();
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const child of running) await kill(child);
  await receiver.close();
  folder.remove();
});

/** Alerts of so many tickets, waiting in a store that nobody has open. @returns their ids */
async function waitingAlerts(count: number): Promise<readonly string[]> {
  const state = AlertState.open({ folder: folder.path });
  const { handle } = raiseAlerts({
    rules: rulesOf({ raised: `ticket.priority == 'urgent'` }),
    state,
    channels: ['webhook'],
    eventAgeMaxSeconds: 6 * 3600,
    logger: recordingLogger(),
  });
  const changes = Array.from({ length: count }, (_, at) => {
    const previous = sampleChange({ id: at + 1 }).ticket;
    return sampleChange({ id: at + 1, ticket: { priority: 'urgent' }, previous, stampAfter: 86_400 * 365 });
  });
  await state.record(stepOf(changes), () => handle(changes));
  const ids = state.ledger.history({ limit: count, state: 'pending' }).map(({ alertId }) => alertId);
  await state.close();
  return ids;
}

function deliverer(): ChildProcess {
  const child = spawn(process.execPath, [script, folder.path, receiver.url, SECRET], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function settled(child: ChildProcess, count: number): Promise<void> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.split('\n').filter((line) => line.startsWith('settled delivered')).length >= count) return;
  }
  throw new Error(`the deliverer ended after: ${text}`);
}

describe('an outbox whose process is killed', () => {
  it('delivers again, under the same id, what was not answered when the kill fell', async () => {
    const [id] = await waitingAlerts(1);
    receiver.answer = (_call, _number, response) => void setTimeout(() => response.end(), 60_000).unref();
    const first = deliverer();
    await receiver.received(1);
    await kill(first);
    receiver.answer = (_call, _number, response) => response.writeHead(200).end();
    const second = deliverer();
    await settled(second, 1);
    await kill(second);
    expect(receiver.calls.map((call) => call.id)).toEqual([id, id]);
    expect(receiver.calls[1]?.raw).toBe(receiver.calls[0]?.raw);
  }, 30_000);

  it('does not deliver again what was recorded as delivered', async () => {
    const [id] = await waitingAlerts(1);
    const first = deliverer();
    await settled(first, 1);
    await kill(first);
    const state = AlertState.open({ folder: folder.path });
    expect(state.ledger.history({ limit: 9 })).toMatchObject([
      { alertId: id, deliveries: [{ state: 'delivered' }] },
    ]);
    expect(state.ledger.dueDeliveries('webhook', Number.MAX_SAFE_INTEGER, 9)).toEqual([]);
    await state.close();
    expect(receiver.calls).toHaveLength(1);
  }, 30_000);

  it('gets every alert accepted through many kills; only what was under way comes again', async () => {
    const ids = await waitingAlerts(40);
    const concurrency = 2;
    let kills = 0;
    while (kills < 5) {
      const before = receiver.calls.length;
      const child = deliverer();
      // Proof of work first: a kill of a process that did nothing shows nothing.
      await receiver.received(before + 5);
      await kill(child);
      kills++;
    }
    const last = deliverer();
    const state = () => {
      const open = AlertState.open({ folder: folder.path });
      const counts = open.ledger.counts();
      return open.close().then(() => counts);
    };
    const accepted = new Set(receiver.calls.map((call) => call.id));
    while (accepted.size < ids.length) {
      await receiver.received(receiver.calls.length + 1);
      for (const call of receiver.calls) accepted.add(call.id);
    }
    // The last ones may be answered and not yet recorded; a kill here would be the sixth.
    await kill(last);
    kills++;
    expect(accepted).toEqual(new Set(ids));
    const repeats = receiver.calls.length - ids.length;
    expect(repeats).toBeLessThanOrEqual(kills * concurrency);
    const { delivered, pending } = await state();
    expect(delivered + pending).toBe(40);
    expect(pending).toBeLessThanOrEqual(concurrency);
  }, 60_000);
});
