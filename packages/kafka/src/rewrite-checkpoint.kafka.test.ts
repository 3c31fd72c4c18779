import { sharedKafka } from '@ticket-stream/dev-stack/testing';
import { describe, expect, it } from 'vitest';
import type { Checkpoint } from './checkpoint.ts';
import { rewriteCheckpoint } from './rewrite-checkpoint.ts';
import { errorOf, thrownBy } from './testing/caught-error.ts';
import { connectWithCuts } from './testing/cut-connection.ts';
import { checkpointOf, committedKeys, testKafka } from './testing/test-kafka.ts';
import { silentLogger, type TestState, ticket } from './testing/test-publisher.ts';
import type { TestLog } from './testing/ticket-log.ts';

const kafka = testKafka();
const rewrite = (log: Omit<TestLog, 'close'>, change: (found: Checkpoint<TestState>) => TestState) =>
  rewriteCheckpoint({
    ...log,
    logger: silentLogger,
    parseState: (value) => value as TestState,
    change,
    signal: new AbortController().signal,
  });

describe('rewriting the checkpoint', () => {
  it('ends a producer at work with exit code 4, without the page it had open; the next start goes on from there', async () => {
    const log = await kafka.log('rewrite');
    const atWork = await kafka.publisher(log);
    await atWork.publishPage([ticket(1, 100)]);
    const before = atWork.checkpoint;
    const page = await atWork.beginPage();
    // More than one send holds, so that records of the open page lie in the log.
    for (let n = 2; n <= 1_500; n++) {
      const { event, value } = ticket(n, 100);
      await page.publish(event, value);
    }
    const rewritten = await rewrite(log, ({ exportState }) => ({ page: exportState.page + 40 }));
    expect(rewritten).toEqual({
      ...before,
      sequence: before.sequence + 1,
      owner: expect.not.stringContaining(before.owner),
      exportState: { page: 41 },
    });
    expect((await thrownBy(page.commit({ page: 2 }))).code).toBe('kafka.doubtful_transaction');
    expect(await thrownBy(atWork.recover())).toEqual(errorOf('kafka.fenced', 4));

    const next = await kafka.publisher(log);
    expect(next.checkpoint).toMatchObject({ exportState: { page: 41 }, logId: before.logId });
    await next.publishPage([ticket(1, 200)]);
    await committedKeys(log).toBe(['1', '1']);
  });

  it('gets its turn against a producer that publishes without a pause', async () => {
    const log = await kafka.log('rewrite-busy');
    const atWork = await kafka.publisher(log);
    let pages = 0;
    const ended = (async () => {
      for (;;) {
        try {
          await atWork.publishPage([ticket(++pages, 100)], { page: pages });
        } catch {
          await atWork.recover();
        }
      }
    })().catch((error: unknown) => error);
    await expect.poll(() => pages).toBeGreaterThan(3);
    const rewritten = await rewrite(log, () => ({ page: 1_000_000 }));
    expect(await ended).toEqual(errorOf('kafka.fenced', 4));
    await expect.poll(() => checkpointOf(log)).toEqual(rewritten);
  });

  it('knows its own checkpoint again when the answer to its commit was lost', async () => {
    const log = await kafka.log('rewrite-cut');
    const publisher = await kafka.publisher(log);
    await publisher.publishPage([ticket(1, 100)]);
    const { kafka: client, cuts } = connectWithCuts(sharedKafka().brokers);
    const changes: number[] = [];
    const change = ({ exportState }: Checkpoint<TestState>) => {
      changes.push(exportState.page);
      return { page: exportState.page + 1 };
    };
    cuts.at('endTxn', 'answer');
    const rewritten = await rewrite({ ...log, kafka: client }, change);
    expect(cuts.made).toBe(1);
    expect(changes).toEqual([1]);
    expect(rewritten.exportState).toEqual({ page: 2 });
    // Lost before the broker got it: made again.
    cuts.at('endTxn', 'request');
    expect((await rewrite({ ...log, kafka: client }, change)).exportState).toEqual({ page: 3 });
    expect(changes).toEqual([1, 2, 2]);
    await expect.poll(async () => (await checkpointOf(log))?.exportState).toEqual({ page: 3 });
  });

  it('writes nothing when the change is refused', async () => {
    const log = await kafka.log('rewrite-refused');
    const publisher = await kafka.publisher(log);
    const { checkpoint } = publisher;
    const refused = rewrite(log, () => {
      throw new Error('not there');
    });
    await expect(refused).rejects.toThrow('not there');
    await expect.poll(() => checkpointOf(log)).toEqual(checkpoint);
    // It asked with the id in its hand: the producer at work is fenced, still the owner, and goes on.
    await thrownBy(publisher.publishPage([ticket(1, 100)]));
    await publisher.recover();
    await publisher.publishPage([ticket(1, 100)]);
    await committedKeys(log).toBe(['1']);
  });

  it('says that there is nothing to change, with exit code 2', async () => {
    const log = await kafka.log('rewrite-missing');
    expect(await thrownBy(rewrite(log, () => ({ page: 1 })))).toEqual(errorOf('checkpoint.missing', 2));
  });
});
