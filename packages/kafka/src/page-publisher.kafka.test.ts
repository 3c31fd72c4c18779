import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ownKafka, sharedKafka } from '@ticket-stream/dev-stack/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyPartitioner } from './record-chunk.ts';
import { errorOf, thrownBy } from './testing/caught-error.ts';
import { createTopic } from './testing/create-topic.ts';
import { connectWithCuts } from './testing/cut-connection.ts';
import { checkpointOf, committedKeys, testKafka } from './testing/test-kafka.ts';
import { openTestPublisher, ticket } from './testing/test-publisher.ts';
import { keysOf, openTestLog, readAll } from './testing/ticket-log.ts';

const { log: testLog, publisher: testPublisher } = testKafka();

describe('a page', () => {
  it('becomes visible together with its checkpoint, and not before its commit', async () => {
    const log = await testLog('together');
    const publisher = await testPublisher(log);
    const page = await publisher.beginPage();
    // More than one send holds, so that records lie in the log before the commit.
    for (let n = 1; n <= 1_500; n++) {
      const { event, value } = ticket(n, 100);
      await page.publish(event, value);
    }
    await expect
      .poll(async () => (await log.reader.highWatermarks(log.names.tickets)).get(0))
      .toBeGreaterThan(0n);
    expect(await readAll(log.reader, log.names.tickets)).toEqual([]);
    expect((await checkpointOf(log))?.exportState).toEqual({ page: 0 });
    const committed = await page.commit({ page: 1 });
    await committedKeys(log).toBe(Array.from({ length: 1_500 }, (_, n) => String(n + 1)));
    await expect.poll(async () => (await checkpointOf(log))?.exportState).toEqual({ page: 1 });
    expect(committed.nextOffsets).toEqual(new Map([[0, 1_500n]]));
  });

  it('that is given up leaves nothing that read_committed shows, and the next page follows', async () => {
    const log = await testLog('abort');
    const publisher = await testPublisher(log);
    const page = await publisher.beginPage();
    for (let n = 1; n <= 1_500; n++) {
      const { event, value } = ticket(n, 100);
      await page.publish(event, value);
    }
    await page.deadLetter({
      code: 'ticket.no_id',
      cause: 'a test',
      origin: { kind: 'export', source: 'https://acme.zendesk.com', startTime: 0 },
      bytes: Buffer.from('{}'),
    });
    await page.abort();
    await publisher.publishPage([ticket(7, 100)]);
    await committedKeys(log).toBe(['7']);
    expect(await readAll(log.reader, log.names.deadLetters)).toEqual([]);
    await expect.poll(async () => (await checkpointOf(log))?.exportState).toEqual({ page: 1 });
  });

  it('is published once by the next start after a kill -9 between its records and its commit', async () => {
    const log = await testLog('killed');
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('./testing/publisher-to-kill.ts', import.meta.url)),
        sharedKafka().brokers,
        log.names.tickets,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    await expect
      .poll(async () => (await log.reader.highWatermarks(log.names.tickets)).get(0))
      .toBeGreaterThan(1_000n);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const pageOne = Array.from({ length: 10 }, (_, n) => String(n + 1));
    expect(keysOf(await readAll(log.reader, log.names.tickets))).toEqual(pageOne);

    const next = await testPublisher(log);
    expect(next.checkpoint.exportState).toEqual({ page: 1 });
    await next.publishPage([ticket(1, 200), ticket(2, 200)]);
    await committedKeys(log).toBe([...pageOne, '1', '2']);
  });

  it('takes 3,000 tickets of one partition, and 5,000 of six, some of them large', async () => {
    const log = await testLog('chunks', { partitions: 6 });
    const publisher = await testPublisher(log);
    const partitionOf = keyPartitioner(6);
    const ofOne = Array.from({ length: 30_000 }, (_, n) => n + 1).filter((n) => partitionOf(String(n)) === 3);
    const large = randomBytes(700 * 1024).toString('base64');
    await publisher.publishPage(
      ofOne.slice(0, 3_000).map((id, n) => ticket(id, 100, n % 300 === 0 ? large : `${n}`.repeat(400))),
    );
    await publisher.publishPage(
      Array.from({ length: 5_000 }, (_, n) => ticket(n + 1, 200, `${n}`.repeat(300))),
    );
    await expect
      .poll(async () => (await readAll(log.reader, log.names.tickets)).length, { timeout: 20_000 })
      .toBe(8_000);
  });

  it('takes a ticket of the size limit, incompressible', async () => {
    const log = await testLog('limit');
    const publisher = await testPublisher(log);
    const value = randomBytes(publisher.ticketBytesMax);
    const { event } = ticket(1, 100);
    const page = await publisher.beginPage();
    await page.publish(ticket(2, 100).event, ticket(2, 100).value);
    await page.publish(event, value);
    await page.commit({ page: 1 });
    await expect
      .poll(async () => (await readAll(log.reader, log.names.tickets)).map((record) => record.value?.length))
      .toEqual([ticket(2, 100).value.length, publisher.ticketBytesMax]);
  });

  it('follows another at once: many small transactions do not wait for each other', async ({ annotate }) => {
    const log = await testLog('small');
    const publisher = await testPublisher(log);
    const tookMs: number[] = [];
    for (let page = 1; page <= 40; page++) {
      const startedAtMs = performance.now();
      await publisher.commitPage([ticket(page, 100)]);
      tookMs.push(performance.now() - startedAtMs);
    }
    tookMs.sort((a, b) => a - b);
    await annotate(
      `page of one ticket: median ${tookMs[20]?.toFixed(0)} ms, slowest ${tookMs[39]?.toFixed(0)} ms`,
    );
    await committedKeys(log).toBe(Array.from({ length: 40 }, (_, n) => String(n + 1)));
    await expect.poll(async () => (await checkpointOf(log))?.exportState).toEqual({ page: 40 });
  });
});

describe('the age of the open transaction', () => {
  it('counts from the begin of a page to its end, and from a doubt until the producer in doubt is fenced', async () => {
    const log = await testLog('age');
    const { kafka, cuts } = connectWithCuts(sharedKafka().brokers);
    const publisher = await testPublisher({ ...log, kafka });
    expect(publisher.openTransactionSinceMs()).toBeUndefined();
    const before = performance.now();
    const page = await publisher.beginPage();
    expect(publisher.openTransactionSinceMs()).toBeGreaterThanOrEqual(before);
    expect(publisher.openTransactionSinceMs()).toBeLessThanOrEqual(performance.now());
    await page.commit({ page: 1 });
    expect(publisher.openTransactionSinceMs()).toBeUndefined();

    const givenUp = await publisher.beginPage();
    await givenUp.abort();
    expect(publisher.openTransactionSinceMs()).toBeUndefined();

    const inDoubt = await publisher.beginPage();
    const sinceMs = publisher.openTransactionSinceMs();
    cuts.at('endTxn', 'request');
    await thrownBy(inDoubt.commit({ page: 2 }));
    // As after every failure. kafkajs sends no abort any more, so the broker has ended nothing.
    await inDoubt.abort();
    expect(publisher.openTransactionSinceMs()).toBe(sinceMs);
    await log.reader.stableEndOffsets(log.names.tickets);
    expect(publisher.openTransactionSinceMs()).toBe(sinceMs);
    await publisher.recover();
    expect(publisher.openTransactionSinceMs()).toBeUndefined();
  });
});

describe('a second producer of the same topic', () => {
  it('takes over; the first one ends with exit code 4, the second goes on though it was fenced by the first', async () => {
    const log = await testLog('second');
    const first = await testPublisher(log);
    await first.publishPage([ticket(1, 100)]);
    const second = await testPublisher(log);
    const doubt = await thrownBy(first.publishPage([ticket(2, 100)]));
    expect(doubt).toMatchObject({ code: 'kafka.doubtful_transaction', context: { fenced: true } });
    expect(await thrownBy(first.recover())).toEqual(errorOf('kafka.fenced', 4));
    // Asking whose the export is has fenced the second; it is still the owner.
    expect((await thrownBy(second.publishPage([ticket(3, 100)]))).code).toBe('kafka.doubtful_transaction');
    await second.recover();
    await second.publishPage([ticket(3, 100)]);
    await committedKeys(log).toBe(['1', '3']);
  });

  it('goes on at the checkpoint of the one before, under the same log id, with a sequence of its own', async () => {
    const log = await testLog('resume');
    const first = await testPublisher(log);
    await first.publishPage([ticket(1, 100)]);
    const { checkpoint } = first;
    await first.close();
    const second = await testPublisher(log);
    expect(second.checkpoint).toMatchObject({
      logId: checkpoint.logId,
      exportState: { page: 1 },
      sequence: checkpoint.sequence + 1,
      nextOffsets: new Map([[0, 1n]]),
    });
    expect(second.checkpoint.owner).not.toBe(checkpoint.owner);
  });

  it('goes on with requests for tickets where the page before left them, also after pages without one', async () => {
    const log = await testLog('requests');
    const first = await testPublisher(log);
    await (await first.beginPage()).commit({ page: 1 }, 5n);
    await (await first.beginPage()).commit({ page: 2 });
    const second = await testPublisher(log);
    expect(second.checkpoint.nextRetryOffset).toBe(5n);
    await second.publishPage([ticket(1, 100)]);
    await expect
      .poll(() => checkpointOf(log))
      .toMatchObject({ exportState: { page: 3 }, nextRetryOffset: 5n });
  });

  it('is refused for another source, with exit code 2', async () => {
    const log = await testLog('source');
    await testPublisher(log);
    const other = openTestPublisher(log, { source: 'https://other.zendesk.com' });
    expect(await thrownBy(other)).toEqual(errorOf('source.mismatch', 2));
  });
});

it('a transaction longer than the brokers allow stops the start with exit code 2, and names their setting', async () => {
  const log = await testLog('too-long');
  const error = await thrownBy(openTestPublisher(log, { transactionTimeoutMs: 16 * 60_000 }));
  expect(error).toEqual(errorOf('config.invalid', 2));
  expect(error.remedy).toContain('transaction.max.timeout.ms');
});

describe('a topic made again under the checkpoint', () => {
  async function madeAgain(name: string) {
    const log = await testLog(name);
    const publisher = await testPublisher(log);
    await publisher.publishPage([ticket(1, 100), ticket(2, 100)]);
    const admin = log.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [log.names.tickets] });
    await expect.poll(async () => (await admin.listTopics()).includes(log.names.tickets)).toBe(false);
    await admin.disconnect();
    await createTopic(log.kafka, log.names.tickets, 1, { 'cleanup.policy': 'compact' });
    return { log, publisher };
  }

  it('stops the start with exit code 5', async () => {
    const { log, publisher } = await madeAgain('cut');
    await publisher.close();
    expect(await thrownBy(openTestPublisher(log))).toEqual(errorOf('log.cut', 5));
  });

  it('stops a producer at work at its next page with exit code 5, and nothing of it is committed', async () => {
    const { log, publisher } = await madeAgain('cut-at-work');
    expect(await thrownBy(publisher.commitPage([ticket(3, 100)]))).toEqual(errorOf('log.cut', 5));
    expect(publisher.checkpoint.exportState).toEqual({ page: 1 });
    await publisher.close();
    expect((await checkpointOf(log))?.exportState).toEqual({ page: 1 });
  });

  it('stops a producer at work where it asks the checkpoint after a doubt, with exit code 5', async () => {
    const { publisher } = await madeAgain('cut-in-doubt');
    expect(await thrownBy(publisher.recover())).toEqual(errorOf('log.cut', 5));
  });
});

describe('a connection that breaks', () => {
  async function publisherWithCuts(name: string) {
    const log = await testLog(name);
    const { kafka, cuts } = connectWithCuts(sharedKafka().brokers);
    const publisher = await testPublisher({ ...log, kafka });
    await publisher.publishPage([ticket(1, 100)]);
    return { log, publisher, cuts };
  }

  it('when the broker has committed and its answer is lost: `recover` tells that the page is committed', async () => {
    const { log, publisher, cuts } = await publisherWithCuts('answer-lost');
    const before = publisher.checkpoint.sequence;
    cuts.at('endTxn', 'answer');
    expect((await thrownBy(publisher.publishPage([ticket(2, 100)]))).code).toBe('kafka.doubtful_transaction');
    expect(cuts.made).toBe(1);
    expect(publisher.checkpoint.sequence).toBe(before);
    await publisher.recover();
    expect(publisher.checkpoint).toMatchObject({ sequence: before + 1, exportState: { page: 2 } });
    await publisher.publishPage([ticket(3, 100)]);
    await committedKeys(log).toBe(['1', '2', '3']);
  });

  it('before the broker gets the commit: `recover` tells that the page is not committed', async () => {
    const { log, publisher, cuts } = await publisherWithCuts('request-lost');
    const before = publisher.checkpoint.sequence;
    cuts.at('endTxn', 'request');
    expect((await thrownBy(publisher.publishPage([ticket(2, 100)]))).code).toBe('kafka.doubtful_transaction');
    expect(cuts.made).toBe(1);
    await publisher.recover();
    expect(publisher.checkpoint).toMatchObject({ sequence: before, exportState: { page: 1 } });
    await publisher.publishPage([ticket(2, 100)]);
    await committedKeys(log).toBe(['1', '2']);
  });

  it.each(['request', 'answer'] as const)(
    'at the %s of a send: the page is in the log once',
    async (when) => {
      const { log, publisher, cuts } = await publisherWithCuts(`produce-${when}`);
      cuts.at('produce', when);
      // kafkajs may send it again under the same sequence, or give up: then the checkpoint decides.
      const page = publisher.publishPage([ticket(2, 100), ticket(3, 100)]);
      await page.catch(async (error: unknown) => {
        expect(error).toMatchObject({ code: 'kafka.doubtful_transaction' });
        await publisher.recover();
        expect(publisher.checkpoint.exportState).toEqual({ page: 1 });
        await publisher.publishPage([ticket(2, 100), ticket(3, 100)]);
      });
      expect(cuts.made).toBe(1);
      await committedKeys(log).toBe(['1', '2', '3']);
    },
  );

  it('at every answer of a send, in a page that is given up: that is a doubt, and nothing of the next page is lost', async () => {
    const { log, publisher, cuts } = await publisherWithCuts('given-up-in-doubt');
    // Two of them are more than one send holds: the second sends the first, and does not wait for the answer.
    const large = 'x'.repeat(700_000);
    const page = await publisher.beginPage();
    // The first attempt and the 8 that kafkajs makes after it.
    cuts.at('produce', 'answer', 9);
    for (const id of [2, 3]) await page.publish(ticket(id, 100, large).event, ticket(id, 100, large).value);
    const doubt = await page.abort().catch(async (error: unknown) => {
      await publisher.recover();
      return error;
    });
    expect(cuts.made).toBe(9);
    // As many records as the broker took: under the sequence numbers that kafkajs took back they would be a repeat.
    await publisher.publishPage([ticket(4, 100)]);
    await committedKeys(log).toBe(['1', '4']);
    expect(doubt).toMatchObject({ code: 'kafka.doubtful_transaction' });
  });

  it('at an abort: the next page is published all the same, and nothing of the one given up', async () => {
    const { log, publisher, cuts } = await publisherWithCuts('abort-lost');
    const page = await publisher.beginPage();
    for (let n = 2; n < 1_500; n++) {
      const { event, value } = ticket(n, 100);
      await page.publish(event, value);
    }
    cuts.at('endTxn', 'request');
    await page.abort().catch(async (error: unknown) => {
      expect(error).toMatchObject({ code: 'kafka.doubtful_transaction' });
      await publisher.recover();
    });
    expect(cuts.made).toBe(1);
    await publisher.publishPage([ticket(2_000, 100)]);
    await committedKeys(log).toBe(['1', '2000']);
  });
});

describe('a broker killed', () => {
  let broker: Awaited<ReturnType<typeof ownKafka>>;
  beforeAll(async () => {
    broker = await ownKafka();
  });
  afterAll(() => broker.stop());

  it('in the middle of a page is waited for; the page is done again, nothing is lost or doubled', async () => {
    const log = await openTestLog('broker-killed', { brokers: broker.brokers });
    const waits: (string | undefined)[] = [];
    const publisher = await openTestPublisher(log, { onWaiting: (reason) => waits.push(reason) });
    await publisher.publishPage([ticket(1, 100)]);
    const page = await publisher.beginPage();
    for (let n = 1; n <= 2_500; n++) {
      const { event, value } = ticket(n, 200);
      await page.publish(event, value);
    }
    await broker.kill();
    expect((await thrownBy(page.commit({ page: 2 }))).code).toBe('kafka.doubtful_transaction');
    const recovering = publisher.recover();
    await expect.poll(() => waits.length, { timeout: 20_000 }).toBeGreaterThan(0);
    await broker.restart();
    await recovering;
    expect(waits.at(-1)).toBeUndefined();
    expect(publisher.checkpoint.exportState).toEqual({ page: 1 });
    await publisher.publishPage([ticket(1, 200), ticket(2, 200)]);
    await committedKeys(log).toBe(['1', '1', '2']);

    // Killed while nothing is written: the next page goes on after one doubt at most.
    await broker.kill();
    await broker.restart();
    await publisher.publishPage([ticket(3, 100)]).catch(async () => {
      await publisher.recover();
      await publisher.publishPage([ticket(3, 100)]);
    });
    await committedKeys(log).toBe(['1', '1', '2', '3']);
    await publisher.close();
    await log.close();
  });

  it('is waited for until the wait is given up', async () => {
    const log = await openTestLog('broker-away', { brokers: broker.brokers });
    const giveUp = new AbortController();
    const waiting = Promise.withResolvers<void>();
    const publisher = await openTestPublisher(log, {
      signal: giveUp.signal,
      onWaiting: () => waiting.resolve(),
    });
    await broker.kill();
    const recovering = publisher.recover();
    await waiting.promise;
    giveUp.abort();
    await expect(recovering).rejects.toMatchObject({ name: 'AbortError' });
    await publisher.close();
    await log.close();
  });
});
