import { sharedKafka } from '@ticket-stream/dev-stack/testing';
import kafkajs from 'kafkajs';
import { expect, it } from 'vitest';
import { clientSettings, connectKafka, type Logger } from '../kafka-connection.ts';
import { committedKeys, testKafka } from '../testing/test-kafka.ts';
import { silentLogger, ticket } from '../testing/test-publisher.ts';
import type { TestLog } from '../testing/ticket-log.ts';

// For some milliseconds after a commit the broker answers CONCURRENT_TRANSACTIONS to the next transaction. kafkajs
// tries again, by default after 240 to 360 ms: 6,100 instead of 12,200 events/s at 1,000 a transaction.
const test = testKafka();
const PAGES = 40;

/** The waits, in ms, that kafkajs chose when the broker told it to come again. */
function waitsLogger(): { logger: Logger; waitsMs: number[] } {
  const waitsMs: number[] = [];
  const debug = (context: object, message: string) => {
    if (/concurrent/i.test(message)) waitsMs.push((context as { retryTime: number }).retryTime);
  };
  return { logger: { ...silentLogger, debug }, waitsMs };
}

const pageKeys = Array.from({ length: PAGES }, (_, n) => String(n + 1));
const brokers = () => sharedKafka().brokers.split(',');

async function publishPages(log: TestLog, kafka: TestLog['kafka']): Promise<void> {
  const publisher = await test.publisher({ ...log, kafka });
  for (const key of pageKeys) await publisher.publishPage([ticket(Number(key), 100)]);
}

it('a page waits for the one before in steps of 15 ms, not of 300', async ({ annotate }) => {
  const log = await test.log('concurrent');
  const { logger, waitsMs } = waitsLogger();
  await publishPages(log, connectKafka({ brokers: brokers() }, logger));
  await committedKeys(log).toBe(pageKeys);
  await annotate(`${waitsMs.length} waits in ${PAGES} pages, the longest ${Math.max(0, ...waitsMs)} ms`);
  expect(waitsMs.length).toBeGreaterThan(0);
  // 15 ms ± 20 %, doubled at each further try of the same step.
  expect(Math.min(...waitsMs)).toBeLessThanOrEqual(18);
  expect(waitsMs.filter((waitMs) => waitMs > 150)).toEqual([]);
});

it('the producer asks for these steps itself: a client of other settings changes nothing', async () => {
  const log = await test.log('concurrent-default');
  const { logger, waitsMs } = waitsLogger();
  const settings = { ...clientSettings({ brokers: brokers() }, logger), retry: { initialRetryTime: 300 } };
  await publishPages(log, new kafkajs.Kafka(settings));
  expect(waitsMs.length).toBeGreaterThan(0);
  expect(Math.min(...waitsMs)).toBeLessThanOrEqual(18);
});
