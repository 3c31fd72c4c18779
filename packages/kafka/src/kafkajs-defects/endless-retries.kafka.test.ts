import { ownKafka } from '@ticket-stream/dev-stack/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectKafka } from '../kafka-connection.ts';
import { createTopic } from '../testing/create-topic.ts';
import { silentLogger } from '../testing/test-publisher.ts';
import { startTransactionalProducer } from '../transactional-producer.ts';

let broker: Awaited<ReturnType<typeof ownKafka>>;
beforeAll(async () => {
  broker = await ownKafka();
});
afterAll(() => broker.stop());

it('a send to a broker that is gone ends, in doubt, after a counted number of tries', async () => {
  const tries: number[] = [];
  const debug = (context: object) => {
    const { retryCount } = context as { retryCount?: number };
    if (retryCount !== undefined) tries.push(retryCount);
  };
  const kafka = connectKafka({ brokers: [broker.brokers] }, { ...silentLogger, debug });
  await createTopic(kafka, 'gone', 1);
  const producer = await startTransactionalProducer(kafka, {
    transactionalId: 'gone',
    transactionTimeoutMs: 60_000,
    logger: silentLogger,
  });
  const transaction = await producer.begin();
  await transaction.send({ topic: 'gone', messages: [{ key: '1', value: 'x' }] });
  await broker.kill();
  // kafkajs's default for an idempotent producer is Number.MAX_SAFE_INTEGER retries: this would never settle.
  await expect(transaction.send({ topic: 'gone', messages: [{ key: '2', value: 'x' }] })).rejects.toThrow();
  expect(Math.max(...tries)).toBeLessThanOrEqual(8);
  await producer.discard();
});
