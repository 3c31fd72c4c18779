import { sharedKafka } from '@ticket-stream/dev-stack/testing';
import { expect, it } from 'vitest';
import { thrownBy } from '../testing/caught-error.ts';
import { connectWithCuts } from '../testing/cut-connection.ts';
import { checkpointOf, committedKeys, testKafka } from '../testing/test-kafka.ts';
import { ticket } from '../testing/test-publisher.ts';

// An EndTxn that a network delayed may arrive when the next transaction is open; brokers close that hole by a new
// epoch for each transaction only to clients newer than kafkajs (KIP-890). We close it by a new producer, and so a
// new epoch, after every doubt.
const test = testKafka();
const INVALID_PRODUCER_EPOCH = 47;
const PRODUCER_FENCED = 90;

it('a commit that arrives late does not commit the page that is open by then', async () => {
  const log = await test.log('delayed-end');
  const { kafka, cuts } = connectWithCuts(sharedKafka().brokers);
  const publisher = await test.publisher({ ...log, kafka });
  cuts.at('endTxn', 'request');
  await thrownBy(publisher.publishPage([ticket(1, 100)]));
  await publisher.recover();

  const open = await publisher.beginPage();
  for (let n = 1; n <= 1_500; n++) {
    const { event, value } = ticket(n, 200);
    await open.publish(event, value);
  }
  await expect.poll(() => log.reader.heldBack(log.names.tickets)).not.toEqual(new Map());
  expect([INVALID_PRODUCER_EPOCH, PRODUCER_FENCED]).toContain(await cuts.deliverLate());
  // Still open, still whole: it can be given up, and then nothing of it was ever there.
  expect(await log.reader.heldBack(log.names.tickets)).not.toEqual(new Map());
  await open.abort();
  await publisher.publishPage([ticket(7, 100)]);
  await committedKeys(log).toBe(['7']);
  await expect.poll(async () => (await checkpointOf(log))?.exportState).toEqual({ page: 1 });
});
