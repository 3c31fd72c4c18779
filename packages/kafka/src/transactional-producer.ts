import kafkajs, { type Kafka, type Producer, type Transaction } from 'kafkajs';
import { disconnectSoon } from './disconnect-soon.ts';
import type { Logger } from './kafka-connection.ts';

/**
 * One kafkajs producer life. kafkajs wedges for good after one failed EndTxn (tulios/kafkajs#1282), so a life ends
 * at the first doubt and the next one, of the same transactional id, fences it.
 */
export interface TransactionalProducer {
  /** Takes the transactional id: from here on every earlier producer of this id is fenced, its open transaction aborted. */
  fence(): Promise<void>;
  begin(): Promise<Transaction>;
  /** Ends this life; never throws and never waits longer than a moment. */
  discard(): Promise<void>;
}

/** A page's budget is 5 minutes from its first byte; brokers allow at most 15. */
export const TRANSACTION_TIMEOUT_MS = 6 * 60 * 1000;
const DISCARD_WAIT_MS = 1_000;

export async function startTransactionalProducer(
  kafka: Kafka,
  options: {
    readonly transactionalId: string;
    /** After it the broker aborts a transaction, and refuses whoever began it. */
    readonly transactionTimeoutMs: number;
    readonly logger: Logger;
  },
): Promise<TransactionalProducer> {
  const { transactionalId, transactionTimeoutMs, logger } = options;
  const producer: Producer = kafka.producer({
    transactionalId,
    transactionTimeout: transactionTimeoutMs,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    // The partition is decided by keyPartitioner, once, so that chunks can be bounded by it.
    createPartitioner: () => kafkajs.Partitioners.DefaultPartitioner(),
    // Idempotent retries default to endless; ours end, and the checkpoint decides what came of it.
    retry: { initialRetryTime: 15, maxRetryTime: 1_000, multiplier: 2, factor: 0.2, retries: 8 },
  });
  try {
    await producer.connect();
  } catch (error) {
    // A connection may be up although its first request failed; every further attempt would leave one more behind.
    await producer.disconnect().catch(() => {});
    throw error;
  }
  return {
    async fence() {
      const transaction = await producer.transaction();
      await transaction.abort();
    },
    begin: () => producer.transaction(),
    discard: () =>
      disconnectSoon(producer.disconnect(), {
        ...{ withinMs: DISCARD_WAIT_MS, logger, what: 'discarding a producer' },
      }),
  };
}
