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
/** Enough for a figure. Whether the broker answers so is its own timing: pages go on until it did, or this many. */
const PAGES_MIN = 40;
const PAGES_MAX = 600;

/** The waits, in ms, that kafkajs chose when the broker told it to come again. */
function waitsLogger(): { logger: Logger; waitsMs: number[] } {
  const waitsMs: number[] = [];
  const debug = (context: object, message: string) => {
    if (/concurrent/i.test(message)) waitsMs.push((context as { retryTime: number }).retryTime);
  };
  return { logger: { ...silentLogger, debug }, waitsMs };
}

const brokers = () => sharedKafka().brokers.split(',');

/** @returns the keys published, in order */
async function publishUntilWaited(
  log: TestLog,
  kafka: TestLog['kafka'],
  waitsMs: readonly number[],
): Promise<string[]> {
  const publisher = await test.publisher({ ...log, kafka });
  const keys: string[] = [];
  while (keys.length < PAGES_MIN || (waitsMs.length === 0 && keys.length < PAGES_MAX)) {
    keys.push(String(keys.length + 1));
    await publisher.commitPage([ticket(keys.length, 100)]);
  }
  return keys;
}

it('a page waits for the one before in steps of 15 ms, not of 300', async ({ annotate }) => {
  const log = await test.log('concurrent');
  const { logger, waitsMs } = waitsLogger();
  const keys = await publishUntilWaited(log, connectKafka({ brokers: brokers() }, logger), waitsMs);
  await committedKeys(log).toBe(keys);
  await annotate(
    `${waitsMs.length} waits in ${keys.length} pages, the longest ${Math.max(0, ...waitsMs)} ms`,
  );
  expect(waitsMs.length).toBeGreaterThan(0);
  // 15 ms ± 20 %, doubled at each further try of the same step.
  expect(Math.min(...waitsMs)).toBeLessThanOrEqual(18);
  expect(waitsMs.filter((waitMs) => waitMs > 150)).toEqual([]);
});

it('the producer asks for these steps itself: a client of other settings changes nothing', async () => {
  const log = await test.log('concurrent-default');
  const { logger, waitsMs } = waitsLogger();
  const settings = { ...clientSettings({ brokers: brokers() }, logger), retry: { initialRetryTime: 300 } };
  await publishUntilWaited(log, new kafkajs.Kafka(settings), waitsMs);
  expect(waitsMs.length).toBeGreaterThan(0);
  expect(Math.min(...waitsMs)).toBeLessThanOrEqual(18);
});
