import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { booksBalance } from '@ticket-stream/subscriber';
import { expect, it } from 'vitest';
import { noFaults } from './effect-log.ts';
import { runStorm } from './storm.ts';

const number = (name: string, smaller: number) => Number(process.env[name] ?? smaller);
const settings = {
  seed: number('STORM_SEED', Date.now() % 1_000_000),
  records: number('STORM_RECORDS', 10_000),
  seconds: number('STORM_SECONDS', 20),
};

/** Small in CI; `npm run storm` is the one of 100,000 records in three minutes. */
it(`a rebalance storm loses nothing, applies nothing twice and takes no ticket back, seed ${settings.seed}`, async ({
  annotate,
}) => {
  const result = await runStorm(
    {
      ...settings,
      brokers: sharedKafka().brokers,
      topic: `${topicPrefix('storm')}tickets`,
      tickets: Math.ceil(settings.records / 20),
      everyMs: 2_000,
      members: 4,
    },
    (line) => process.stderr.write(`${line}\n`),
  );
  await annotate(JSON.stringify(result));
  expect(result.faults).toEqual(noFaults);
  expect(result.effects).toBe(result.fresh);
  expect(result.versionsOff).toBe(0);
  expect(result.joins).toBeGreaterThanOrEqual(4);
  expect(result.leaves).toBeGreaterThanOrEqual(2);
  expect(result.membersAtWork).toBeGreaterThanOrEqual(2);
  // Every record was consumed at least once; what was read again was counted as the duplicate or stale one it was.
  expect(booksBalance(result.books)).toBe(true);
  expect(result.books.applied).toBe(result.fresh);
  expect(result.books.consumed).toBeGreaterThanOrEqual(result.records);
  expect(result.books.deadLettered + result.books.skipped).toBe(0);
  expect(result.booksOfMembers).toEqual(result.books);
});
