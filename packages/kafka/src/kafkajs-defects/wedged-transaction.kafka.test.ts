import { sharedKafka } from '@ticket-stream/dev-stack/testing';
import { describe, expect, it } from 'vitest';
import { thrownBy } from '../testing/caught-error.ts';
import { connectWithCuts } from '../testing/cut-connection.ts';
import { committedKeys, testKafka } from '../testing/test-kafka.ts';
import { silentLogger, ticket } from '../testing/test-publisher.ts';
import { startTransactionalProducer } from '../transactional-producer.ts';

// tulios/kafkajs#1282: EndTxn is not retried, and after one that failed the producer begins no transaction any more.
const test = testKafka();

describe.each(['commit', 'abort'] as const)('one %s that fails', (end) => {
  it('wedges a producer of kafkajs for good', async () => {
    const log = await test.log(`wedged-${end}`);
    const { kafka, cuts } = connectWithCuts(sharedKafka().brokers);
    const producer = await startTransactionalProducer(kafka, {
      transactionalId: log.names.tickets,
      transactionTimeoutMs: 60_000,
      logger: silentLogger,
    });
    try {
      const transaction = await producer.begin();
      await transaction.send({ topic: log.names.tickets, messages: [{ key: '1', value: 'x' }] });
      cuts.at('endTxn', 'request');
      await expect(transaction[end]()).rejects.toThrow();
      // Neither the transaction nor the producer is of any use now.
      await expect(transaction.abort()).rejects.toThrow('Cannot continue to use transaction once ended');
      await expect(producer.begin()).rejects.toThrow('Transaction state exception');
    } finally {
      await producer.discard();
    }
  });

  it('costs our publisher a recycled producer and nothing else', async () => {
    const log = await test.log(`recycled-${end}`);
    const { kafka, cuts } = connectWithCuts(sharedKafka().brokers);
    const publisher = await test.publisher({ ...log, kafka });
    const page = await publisher.beginPage();
    const { event, value } = ticket(1, 100);
    await page.publish(event, value);
    if (end === 'abort') await page.deadLetter(letter); // so that there is something to abort at the broker
    cuts.at('endTxn', 'request');
    const failed = await thrownBy(end === 'commit' ? page.commit({ page: 1 }) : page.abort());
    expect(failed.code).toBe('kafka.doubtful_transaction');
    await publisher.recover();
    await publisher.publishPage([ticket(2, 100)]);
    await committedKeys(log).toBe(['2']);
  });
});

const letter = {
  code: 'ticket.no_id',
  cause: 'a test',
  origin: { kind: 'export', source: 'https://acme.zendesk.com', startTime: 0 },
  bytes: Buffer.from('{}'),
} as const;
