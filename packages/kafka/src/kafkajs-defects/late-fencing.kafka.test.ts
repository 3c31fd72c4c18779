import { expect, it } from 'vitest';
import { isFencing } from '../kafka-errors.ts';
import { committedKeys, testKafka } from '../testing/test-kafka.ts';
import { silentLogger } from '../testing/test-publisher.ts';
import type { TestLog } from '../testing/ticket-log.ts';
import { startTransactionalProducer } from '../transactional-producer.ts';

// kafkajs fences at the first transaction(), not at connect(): whoever reads the checkpoint after connect() alone may
// read one that the producer before is still to move.
const test = testKafka();

const start = (log: TestLog) =>
  startTransactionalProducer(log.kafka, {
    transactionalId: log.names.tickets,
    transactionTimeoutMs: 60_000,
    logger: silentLogger,
  });

it('a producer that has only connected fences nobody; fence() does', async () => {
  const log = await test.log('late-fencing');
  const message = (key: string) => ({ topic: log.names.tickets, messages: [{ key, value: 'x' }] });
  const first = await start(log);
  const before = await first.begin();
  await before.send(message('1'));
  const second = await start(log);
  await before.commit();
  await committedKeys(log).toBe(['1']);

  const open = await first.begin();
  await open.send(message('2'));
  await second.fence();
  const failed = await open.commit().then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(isFencing(failed)).toBe(true);
  // On return of fence() the open transaction of the one before is over: what is read now is the truth.
  expect(await log.reader.heldBack(log.names.tickets)).toEqual(new Map());
  await committedKeys(log).toBe(['1']);
  await first.discard();
  await second.discard();
});
