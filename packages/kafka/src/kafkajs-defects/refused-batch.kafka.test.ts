import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { kafkaErrorType } from '../kafka-errors.ts';
import { keyPartitioner } from '../record-chunk.ts';
import { committedKeys, testKafka } from '../testing/test-kafka.ts';
import { silentLogger, ticket } from '../testing/test-publisher.ts';
import type { TestLog } from '../testing/ticket-log.ts';
import { startTransactionalProducer } from '../transactional-producer.ts';

const test = testKafka();

const start = (log: TestLog) =>
  startTransactionalProducer(log.kafka, {
    transactionalId: log.names.tickets,
    transactionTimeoutMs: 60_000,
    logger: silentLogger,
  });

async function refusalOf(send: Promise<unknown>): Promise<string | undefined> {
  return send.then(
    () => undefined,
    (error: unknown) => kafkaErrorType(error),
  );
}

describe('one record batch a partition and send', () => {
  it('is refused as a whole when it is too large, and kafkajs does not split it; our chunks are bounded by bytes', async () => {
    const log = await test.log('one-batch', { settings: { 'max.message.bytes': '1048588' } });
    const partitionOf = keyPartitioner(1);
    const tickets = Array.from({ length: 1_000 }, (_, n) => ({
      event: ticket(n + 1, 100).event,
      value: randomBytes(2_000),
    }));
    const producer = await start(log);
    const transaction = await producer.begin();
    const sent = transaction.send({
      topic: log.names.tickets,
      messages: tickets.map(({ event, value }) => ({
        key: event.ticketId,
        value,
        partition: partitionOf(event.ticketId),
      })),
    });
    expect(await refusalOf(sent)).toBe('MESSAGE_TOO_LARGE');
    await producer.discard();

    const publisher = await test.publisher(log);
    await publisher.publishPage(tickets);
    await committedKeys(log).toBe(tickets.map(({ event }) => event.ticketId));
  });
});

describe('a send of which one partition was refused', () => {
  const values = { small: 'x', large: randomBytes(300_000) };

  it('makes kafkajs drop the next batch of the others, with a yes: the sequence numbers went back', async () => {
    const log = await test.log('taken-back', { partitions: 2, settings: { 'max.message.bytes': '200000' } });
    const { tickets: topic } = log.names;
    const producer = await start(log);
    const transaction = await producer.begin();
    const both = transaction.send({
      topic,
      messages: [
        { partition: 0, key: 'taken', value: values.small },
        { partition: 1, key: 'refused', value: values.large },
      ],
    });
    expect(await refusalOf(both)).toBe('MESSAGE_TOO_LARGE');
    // For the broker a repeat of the batch it has: the same producer, epoch and sequence.
    await transaction.send({ topic, messages: [{ partition: 0, key: 'lost', value: values.small }] });
    await transaction.commit();
    await committedKeys(log).toBe(['taken']);
    await producer.discard();
  });

  it('is therefore never gone on with: our page is in doubt, and done again by a new producer', async () => {
    const log = await test.log('done-again', { partitions: 2, settings: { 'segment.bytes': '1048576' } });
    const partitionOf = keyPartitioner(2);
    const idOf = (partition: number, after: number): number => {
      let id = after + 1;
      while (partitionOf(String(id)) !== partition) id++;
      return id;
    };
    const taken = idOf(0, 0);
    const refused = idOf(1, 0);
    const next = idOf(0, taken);
    const publisher = await test.publisher(log);
    const page = [
      ticket(taken, 100),
      // Larger than a segment, within the topic's limit (refused-records.ts).
      { event: ticket(refused, 100).event, value: randomBytes(2_000_000) },
      ticket(next, 100),
    ];
    await expect(publisher.publishPage(page)).rejects.toMatchObject({ code: 'kafka.doubtful_transaction' });
    await publisher.recover();
    await publisher.publishPage(page);
    await committedKeys(log).toBe([String(taken), String(next)]);
  });
});
