import { afterAll, expect } from 'vitest';
import { readNewestCheckpoint } from '../checkpoint-reader.ts';
import { openTestPublisher, type TestPublisher, type TestState } from './test-publisher.ts';
import { keysOf, openTestLog, readAll, type TestLog } from './ticket-log.ts';

/** Opens logs and publishers of a test file, and closes them after it. */
export function testKafka() {
  const opened: { close(): Promise<void> }[] = [];
  afterAll(async () => {
    for (const one of opened.reverse()) await one.close();
  });
  return {
    async log(...args: Parameters<typeof openTestLog>): Promise<TestLog> {
      const log = await openTestLog(...args);
      opened.push(log);
      return log;
    },
    async publisher(...args: Parameters<typeof openTestPublisher>): Promise<TestPublisher> {
      const publisher = await openTestPublisher(...args);
      opened.push(publisher);
      return publisher;
    },
  };
}

export const checkpointOf = (log: TestLog) =>
  readNewestCheckpoint(log.reader, log.names.checkpoints, (state) => state as TestState);

/** Waits for what was committed: right after a commit the last stable offset may still be behind. */
export const committedKeys = (log: TestLog) => ({
  toBe: (keys: readonly string[]) =>
    expect
      .poll(async () => keysOf(await readAll(log.reader, log.names.tickets)), { timeout: 20_000 })
      .toEqual(keys),
});
