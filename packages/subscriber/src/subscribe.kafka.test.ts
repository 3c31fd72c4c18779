import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { TicketStreamError } from '@ticket-stream/errors';
import type { TicketChange } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import type { Subscription } from './subscription.ts';
import { ticket } from './testing/log-record.ts';
import { caughtUp, groupOffsets, testReadings } from './testing/reading.ts';
import { manyTickets, openTicketsLog, silentLogger } from './testing/tickets-log.ts';

const { openLog, read, toClose } = testReadings();

describe('a subscription', () => {
  it('hands over each change once, in order, and ends at the end of the log', async () => {
    const log = await openLog('once', 3);
    await log.publish(Array.from({ length: 2_500 }, (_, n) => ticket(n + 1, 100)));
    await log.publish([ticket(1, 101), ticket(1, 101), ticket(1, 99), ticket(1, 102)]);
    const first = await read(log, { until: 'end' });
    await first.subscription.done;
    expect(first.applied.length).toBe(2_502);
    expect(first.applied.filter((name) => name.startsWith('1@'))).toEqual(['1@100', '1@101', '1@102']);
    const books = { ...emptyBooks, consumed: 2_504, applied: 2_502, duplicate: 1, stale: 1 };
    expect(first.subscription.books()).toEqual(books);
    expect(await first.versions.readBooks()).toEqual(books);
    expect(await groupOffsets(log)).toEqual(await log.end());

    const second = await read(log, { versions: first.versions, until: 'end' });
    await second.subscription.done;
    expect(second.applied).toEqual([]);
    expect(second.subscription.books()).toEqual(emptyBooks);
  });

  it('stores a position never ahead of what was handled, also within one fetch: an end there loses nothing', async () => {
    const log = await openLog('within-a-fetch');
    await log.publish(Array.from({ length: 2_500 }, (_, n) => ticket(n + 1, 100)));
    const applied: bigint[] = [];
    const handle = (changes: readonly TicketChange[]) => {
      applied.push(...changes.map(({ version }) => version.place.offset));
    };
    const first = await read(log, {
      handle(changes) {
        if (applied.length > 0) throw new TicketStreamError('store.unusable', 'the disk is gone');
        handle(changes);
      },
    });
    await expect(first.subscription.done).rejects.toMatchObject({ code: 'store.unusable' });
    expect(applied.length).toBeGreaterThan(0);
    expect(await first.versions.readPositions()).toMatchObject([
      { nextOffset: (applied.at(-1) ?? -1n) + 1n },
    ]);

    const second = await read(log, { versions: first.versions, until: 'end', handle });
    await second.subscription.done;
    expect(applied).toHaveLength(2_500);
    expect(new Set(applied).size).toBe(2_500);
  });

  it('follows the log live, and knows its lag', async () => {
    const log = await openLog('live');
    const reading = await read(log);
    await caughtUp(reading);
    await log.publish([ticket(1, 100), ticket(2, 100)]);
    await expect.poll(() => reading.applied).toEqual(['1@100', '2@100']);
    await expect.poll(() => reading.subscription.lag()).toBe(0);
  });

  it('has caught up by position, its lag 0 for everybody, though the log ends with an aborted page', async () => {
    const log = await openLog('aborted-end');
    await log.publish([ticket(1, 100)]);
    await log.abort(manyTickets());
    const reading = await read(log);
    // The marker of the aborted page may come a moment after the answer to its abort.
    await expect
      .poll(
        async () => {
          const end = (await log.end()).get(0) ?? 0n;
          const [position, committed] = [reading.subscription.positions(), await groupOffsets(log)];
          return {
            position: position.get(0) === end,
            committed: committed.get(0) === end,
            aborted: end > 500n,
          };
        },
        { timeout: 10_000 },
      )
      .toEqual({ position: true, committed: true, aborted: true });
    expect(reading.subscription.isCaughtUp()).toBe(true);
    expect(reading.applied).toEqual(['1@100']);
  });

  it('ends when it has passed the given offsets', async () => {
    const log = await openLog('until');
    await log.publish([ticket(1, 100)]);
    const until = new Map([[0, 3n]]);
    const reading = await read(log, { until });
    await expect.poll(() => reading.applied).toEqual(['1@100']);
    await log.publish([ticket(2, 100)]);
    await reading.subscription.done;
    expect(reading.applied).toEqual(['1@100', '2@100']);
  });

  it('waits for a topic that is not there yet, says so, makes none, and goes on when it is', async () => {
    const topic = `${topicPrefix('later')}tickets`;
    const { brokers } = sharedKafka();
    const reading = await read({ brokers, topic });
    await expect
      .poll(() => reading.waits.filter((reason) => reason?.includes(topic)).length, { timeout: 10_000 })
      .toBeGreaterThan(2);
    const other = await openLog('other');
    expect(await other.reader.topicExists(topic)).toBe(false);
    const log = await openTicketsLog(brokers, topic);
    toClose.push(log.close);
    await log.publish([ticket(1, 100)]);
    await expect.poll(() => reading.applied, { timeout: 10_000 }).toEqual(['1@100']);
    expect(reading.waits.at(-1)).toBeUndefined();
  });
});

describe('an end', () => {
  it('comes while a sink is waited for, without another try, without an error, and nothing is counted', async () => {
    const log = await openLog('stop-paused');
    await log.publish([ticket(1, 100)]);
    const said: string[] = [];
    const logger = { ...silentLogger, error: (_context: object, message: string) => said.push(message) };
    let tries = 0;
    const paused = Promise.withResolvers<void>();
    const reading = await read(log, {
      logger,
      handle() {
        tries++;
        throw new TicketStreamError('sink.unavailable', 'the sink is down');
      },
      onWaiting(reason) {
        if (tries > 3 && reason?.includes('sink.unavailable')) paused.resolve();
      },
    });
    // Asked for at the begin of a pause of 0.4 s or more.
    await paused.promise;
    const triedBefore = tries;
    const askedAtMs = performance.now();
    await reading.subscription.stop();
    expect(tries).toBe(triedBefore);
    // Leaving the group takes 1.5 s at most; a service gives all of it 3 s.
    expect(performance.now() - askedAtMs).toBeLessThan(3_000);
    await expect(reading.subscription.done).resolves.toBeUndefined();
    expect(reading.subscription.books()).toEqual(emptyBooks);
    expect(said).toEqual([]);
  });

  it('comes within 3 s while the group waits for a member at work', async () => {
    const log = await openLog('stop-joining', 2);
    await log.publish([ticket(1, 100), ticket(2, 100), ticket(3, 100)]);
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const busy = await read(log, {
      async handle() {
        begun.resolve();
        await work.promise;
      },
    });
    await begun.promise;
    const joining = await read(log);
    const admin = log.kafka.admin();
    await admin.connect();
    await expect
      .poll(async () => (await admin.describeGroups([`${log.topic}.group`])).groups[0]?.state, {
        timeout: 10_000,
      })
      .toBe('PreparingRebalance');
    await admin.disconnect();
    const askedAtMs = performance.now();
    await joining.subscription.stop();
    expect(performance.now() - askedAtMs).toBeLessThan(3_000);
    work.resolve();
    await busy.subscription.stop();
  });

  it('lets the batch at work finish, and commits it', async () => {
    const log = await openLog('stop-working');
    await log.publish([ticket(1, 100)]);
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const reading = await read(log, {
      async handle() {
        begun.resolve();
        await work.promise;
      },
    });
    await begun.promise;
    const stopped = reading.subscription.stop();
    work.resolve();
    await stopped;
    expect(reading.subscription.books()).toMatchObject({ consumed: 1, applied: 1 });
    expect(await groupOffsets(log)).toEqual(await log.end());
  });

  it.each(['handle', 'onCaughtUp'] as const)(
    'may be asked for, and awaited, in `%s`: it comes when that is over',
    async (callback) => {
      const log = await openLog('stop-within');
      await log.publish([ticket(1, 100)]);
      const opened = Promise.withResolvers<Subscription>();
      const stopsItself = async () => (await opened.promise).stop();
      const reading = await read(log, { [callback]: stopsItself });
      opened.resolve(reading.subscription);
      await reading.subscription.done;
      expect(reading.subscription.books()).toEqual({ ...emptyBooks, consumed: 1, applied: 1 });
      expect(await groupOffsets(log)).toEqual(await log.end());
    },
  );

  it.each([undefined, 'end'] as const)('is an error when `onCaughtUp` fails (until: %s)', async (until) => {
    const log = await openLog('announce');
    await log.publish([ticket(1, 100)]);
    const reading = await read(log, {
      ...(until === undefined ? {} : { until }),
      onCaughtUp: () => Promise.reject(new Error('the announcement failed')),
    });
    await expect(reading.subscription.done).rejects.toMatchObject({
      code: 'internal.defect',
      message: 'the announcement failed',
    });
  });
});
