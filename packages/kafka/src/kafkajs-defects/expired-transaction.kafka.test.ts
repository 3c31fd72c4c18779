import { ownKafka } from '@ticket-stream/dev-stack/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { thrownBy } from '../testing/caught-error.ts';
import { committedKeys } from '../testing/test-kafka.ts';
import { openTestPublisher, ticket } from '../testing/test-publisher.ts';
import { openTestLog } from '../testing/ticket-log.ts';

/** A broker that looks for expired transactions five times a second instead of every 10 s. */
let broker: Awaited<ReturnType<typeof ownKafka>>;
beforeAll(async () => {
  broker = await ownKafka({
    properties: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': 200 },
  });
});
afterAll(() => broker.stop());

it('a page that takes longer than the transaction’s timeout lets the readers go on, and is done again by its owner', async () => {
  const log = await openTestLog('expired', { brokers: broker.brokers });
  // Long enough for a busy machine to make a page in, and to see that it holds readers back.
  const publisher = await openTestPublisher(log, { transactionTimeoutMs: 4_000 });
  await publisher.publishPage([ticket(1, 100)]);
  const page = await publisher.beginPage();
  for (let n = 2; n <= 1_500; n++) {
    const { event, value } = ticket(n, 100);
    await page.publish(event, value);
  }
  await expect.poll(() => log.reader.heldBack(log.names.tickets)).not.toEqual(new Map());
  // The broker aborts it, and nobody is held back any more.
  await expect.poll(() => log.reader.heldBack(log.names.tickets), { timeout: 20_000 }).toEqual(new Map());
  await committedKeys(log).toBe(['1']);

  // The same error as from another producer; only the checkpoint can tell.
  const doubt = await thrownBy(page.commit({ page: 2 }));
  expect(doubt).toMatchObject({ code: 'kafka.doubtful_transaction', context: { fenced: true } });
  await publisher.recover();
  expect(publisher.checkpoint.exportState).toEqual({ page: 1 });
  await publisher.publishPage([ticket(2, 100)]);
  await committedKeys(log).toBe(['1', '2']);
  await publisher.close();
  await log.close();
});
