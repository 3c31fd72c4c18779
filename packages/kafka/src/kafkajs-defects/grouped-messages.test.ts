import { createRequire } from 'node:module';
import type { Message } from 'kafkajs';
import { expect, it } from 'vitest';

// patches/kafkajs+2.2.4.patch: fails on kafkajs as it is published.
const require = createRequire(import.meta.url);

it('groups messages by partition in time that grows with their number, not with its square', () => {
  const group = require('kafkajs/src/producer/groupMessagesPerPartition.js') as (
    input: object,
  ) => Record<number, Message[]>;
  const messages = Array.from({ length: 100_000 }, (_, n) => ({ value: String(n), partition: n % 2 }));
  const startedAtMs = performance.now();
  const grouped = group({
    topic: 't',
    partitionMetadata: [{ partitionId: 0 }, { partitionId: 1 }],
    messages,
    partitioner: ({ message }: { message: { partition: number } }) => message.partition,
  });
  // 20 ms; by copying, 100,000 messages take minutes.
  expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  expect(grouped[0]?.length).toBe(50_000);
  expect(grouped[1]?.map(({ value }) => value).slice(0, 3)).toEqual(['1', '3', '5']);
});
