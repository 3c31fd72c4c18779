import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { groupBoundMetadata, readGroupBounds } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import { RetryLater } from './errors.ts';
import { ticket } from './testing/log-record.ts';
import { caughtUp, commitGroup, groupOffsets, makeAgain, storeAt, testReadings } from './testing/reading.ts';
import { sqliteVersionStore } from './version-store/sqlite.ts';

const { folder, openLog, read } = testReadings();

describe('reading starts', () => {
  const tickets = Array.from({ length: 10 }, (_, n) => ticket(n + 1, 100));
  it.each([
    ['at the stored position where the group is further', 4n, 8n, 4],
    ['at the group’s offset where the store is further', 8n, 4n, 4],
    ['at the stored position where the group has none', 6n, undefined, 6],
  ])('%s', async (_name, stored, group, start) => {
    const log = await openLog('starts');
    await log.publish(tickets);
    if (group !== undefined) await commitGroup(log, group);
    const reading = await read(log, { versions: await storeAt(log, stored), until: 'end' });
    await reading.subscription.done;
    expect(reading.applied[0]).toBe(`${start + 1}@100`);
    expect(reading.applied.length).toBe(10 - start);
  });

  it('at the beginning where the stored position is of another log', async () => {
    const log = await openLog('other-log');
    await log.publish(tickets);
    const versions = await storeAt(log, 7n, '00000000-0000-4000-8000-000000000000');
    // The group's offset is of that log as well.
    await commitGroup(log, 8n);
    const reading = await read(log, { versions, until: 'end' });
    await reading.subscription.done;
    expect(reading.applied.length).toBe(10);
  });

  it('at an offset, a time, or the end, where nothing is stored', async () => {
    const log = await openLog('from');
    await log.publish(tickets);
    const fromOffset = await read(log, {
      group: `${log.topic}.a`,
      from: { offsets: new Map([[0, 8n]]) },
      until: 'end',
    });
    await fromOffset.subscription.done;
    expect(fromOffset.applied).toEqual(['9@100', '10@100']);
    const fromTime = await read(log, { group: `${log.topic}.b`, from: { timeMs: 0 }, until: 'end' });
    await fromTime.subscription.done;
    expect(fromTime.applied.length).toBe(10);
    const fromEnd = await read(log, { group: `${log.topic}.c`, from: 'latest' });
    await caughtUp(fromEnd);
    await log.publish([ticket(11, 100)]);
    await expect.poll(() => fromEnd.applied).toEqual(['11@100']);
  });

  it('nowhere, with exit code 5, where the stored position is beyond the end', async () => {
    const log = await openLog('beyond');
    await log.publish(tickets);
    const reading = await read(log, { versions: await storeAt(log, 100n) });
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
    expect(reading.applied).toEqual([]);
  });

  it.each([
    ['the group', { from: 'committed' }],
    ['the caller', { from: { offsets: new Map([[0, 100n]]) } }],
  ] as const)('nowhere, with exit code 5, where %s names an offset beyond the end', async (who, options) => {
    const log = await openLog('from-beyond');
    await log.publish(tickets);
    if (who === 'the group') await commitGroup(log, 100n);
    const reading = await read(log, options);
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
    expect(reading.applied).toEqual([]);
  });

  it('nowhere, with exit code 5, where the topic was made again beside its checkpoint, for a new reader too', async () => {
    const log = await openLog('cut');
    await log.publish(tickets);
    await makeAgain(log);
    const reading = await read(log, { from: 'earliest' });
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
  });

  it('at its own stored position when a partition comes back from a member that keeps another store', async () => {
    const log = await openLog('comes-back', 2);
    const publish = (stamp: number) =>
      log.publish(Array.from({ length: 40 }, (_, n) => ticket(n + 1, stamp)));
    await publish(1);
    const staying = await read(log);
    await expect.poll(() => staying.applied.length, { timeout: 10_000 }).toBe(40);
    const passing = await read(log);
    await expect.poll(() => passing.subscription.positions().size, { timeout: 20_000 }).toBe(1);
    await publish(2);
    await expect
      .poll(() => passing.subscription.books().consumed > 0 && passing.subscription.lag(), {
        timeout: 10_000,
      })
      .toBe(0);
    await passing.subscription.stop();
    // What the group has committed is further than what this member's store holds.
    await expect.poll(() => staying.applied.length, { timeout: 20_000 }).toBe(80);
    for (let id = 1; id <= 40; id++) {
      expect(staying.applied.filter((name) => name.startsWith(`${id}@`))).toEqual([`${id}@1`, `${id}@2`]);
    }
  });

  it('nowhere, with exit code 5, when the topic is made again while it is read', async () => {
    const log = await openLog('made-again');
    await log.publish(tickets);
    const reading = await read(log);
    await expect.poll(() => reading.applied.length).toBe(10);
    await makeAgain(log);
    const late = ticket(1, 200);
    await log.write([{ key: '1', value: late.value, headers: log.headersOf(late) }]);
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'log.cut', exitCode: 5 });
    expect(reading.applied.length).toBe(10);
  });

  it('within a time before now, where nothing is stored', async () => {
    const log = await openLog('duration');
    await log.publish(tickets);
    const hour = await read(log, {
      group: `${log.topic}.hour`,
      from: { durationMs: 3_600_000 },
      until: 'end',
    });
    await hour.subscription.done;
    expect(hour.applied.length).toBe(10);
    const publishedAtMs = Date.now();
    await expect.poll(() => Date.now() - publishedAtMs).toBeGreaterThan(50);
    const none = await read(log, { group: `${log.topic}.none`, from: { durationMs: 1 }, until: 'end' });
    await none.subscription.done;
    expect(none.applied).toEqual([]);
  });

  describe.each(['latest', { durationMs: 1 }] as const)('where `from: %o` pointed first', (from) => {
    it('also in the next run, when nothing was read in this one', async () => {
      const log = await openLog('first-start');
      await log.publish(tickets);
      // Of former days, when this group had another store.
      await commitGroup(log, 2n);
      const publishedAtMs = Date.now();
      await expect.poll(() => Date.now() - publishedAtMs).toBeGreaterThan(50);
      const first = await read(log, { from, until: 'end' });
      await first.subscription.done;
      expect(first.applied).toEqual([]);
      await log.publish([ticket(11, 100)]);
      const second = await read(log, { versions: first.versions, from, until: 'end' });
      await second.subscription.done;
      expect(second.applied).toEqual(['11@100']);
      expect(second.subscription.gaps()).toEqual([]);
    });

    it.each(['a store of its own', 'the store they share'])(
      'also when a partition comes from a member that could not apply its records: %s',
      async (whose) => {
        const log = await openLog('first-start-moves', 2);
        const refuse = () => {
          throw new RetryLater('in maintenance');
        };
        const leaving = await read(log, { from, handle: refuse });
        await caughtUp(leaving);
        const shared = whose === 'the store they share' ? { versions: leaving.versions } : {};
        const staying = await read(log, { from, ...shared });
        await expect
          .poll(() => [leaving, staying].map(({ subscription }) => subscription.positions().size))
          .toEqual([1, 1]);
        await log.publish(Array.from({ length: 20 }, (_, n) => ticket(n + 1, 100)));
        await expect.poll(() => leaving.waits.at(-1)).toBe('the sink (sink.unavailable)');
        await leaving.subscription.stop();
        await expect.poll(() => staying.applied.length).toBe(20);
      },
    );
  });

  describe('where a gap is allowed', () => {
    it('at the end of a log that was cut before the stored position; it is told, and recorded once', async () => {
      const log = await openLog('gap-beyond');
      await log.publish(tickets);
      const path = join(folder, 'gap-beyond.sqlite');
      const versions = sqliteVersionStore({ path });
      await versions.record(
        {
          versions: new Map(),
          positions: [{ partition: 0, logId: log.logId, nextOffset: 100n }],
          books: emptyBooks,
        },
        () => {},
      );
      const reading = await read(log, { versions, allowGap: true });
      await caughtUp(reading);
      await log.publish([ticket(11, 100)]);
      await expect.poll(() => reading.applied, { timeout: 10_000 }).toEqual(['11@100']);
      const gap = { partition: 0, logId: log.logId, from: 11n, to: 100n };
      expect(reading.subscription.gaps()).toEqual([gap]);
      await reading.subscription.stop();
      const after = await read(log, { versions, until: 'end' });
      await after.subscription.done;
      expect(after.subscription.gaps()).toEqual([]);
      await versions.close();
      const database = new DatabaseSync(path, { readOnly: true });
      expect(database.prepare('SELECT partition, from_offset, to_offset FROM gaps').all()).toEqual([
        { partition: 0, from_offset: 11, to_offset: 100 },
      ]);
      database.close();
    });

    it('once: the position moves over it at once, also where nothing new was read yet', async () => {
      const log = await openLog('gap-once');
      await log.publish(tickets);
      const versions = await storeAt(log, 100n);
      const reading = await read(log, { versions, allowGap: true });
      await caughtUp(reading);
      await reading.subscription.stop();
      const end = (await log.end()).get(0);
      expect(await versions.readPositions()).toMatchObject([{ nextOffset: end }]);
      const after = await read(log, { versions, until: 'end' });
      await after.subscription.done;
      expect(after.subscription.gaps()).toEqual([]);
    });

    it('where the group was moved to, beyond what is stored', async () => {
      const log = await openLog('gap-forward');
      await log.publish(tickets);
      await commitGroup(log, 8n);
      const reading = await read(log, { versions: await storeAt(log, 4n), allowGap: true, until: 'end' });
      await reading.subscription.done;
      expect(reading.applied).toEqual(['9@100', '10@100']);
      expect(reading.subscription.gaps()).toEqual([{ partition: 0, logId: log.logId, from: 4n, to: 8n }]);
    });
  });
});

describe('reading ends', () => {
  const tickets = Array.from({ length: 10 }, (_, n) => ticket(n + 1, 100));

  it('exactly before the given offset, also in the middle of a fetch', async () => {
    const log = await openLog('until-inside');
    await log.publish(tickets);
    const reading = await read(log, { until: new Map([[0, 4n]]) });
    await reading.subscription.done;
    expect(reading.applied).toEqual(['1@100', '2@100', '3@100', '4@100']);
    expect(reading.subscription.isCaughtUp()).toBe(true);
    expect(await groupOffsets(log)).toEqual(new Map([[0, 4n]]));
  });

  it('before what was published at a time; at one to come, when it has come', async () => {
    const log = await openLog('until-time');
    await log.publish(tickets);
    const betweenMs = Date.now() + 1;
    await expect.poll(() => Date.now()).toBeGreaterThan(betweenMs);
    await log.publish([ticket(11, 100)]);
    const past = await read(log, { group: `${log.topic}.past`, until: { timeMs: betweenMs } });
    await past.subscription.done;
    expect(past.applied.length).toBe(10);
    const timeMs = Date.now() + 3_000;
    const future = await read(log, { group: `${log.topic}.future`, until: { timeMs } });
    await expect.poll(() => future.applied.length, { timeout: 10_000 }).toBe(11);
    await future.subscription.done;
    expect(Date.now()).toBeGreaterThanOrEqual(timeMs);
  });

  it('where the group itself says so, beside its offsets, also after a restart', async () => {
    const log = await openLog('until-group');
    await log.publish(tickets);
    await commitGroup(log, 2n, groupBoundMetadata(6n));
    const first = await read(log, { until: new Map([[0, 4n]]) });
    await first.subscription.done;
    expect(first.applied).toEqual(['3@100', '4@100']);
    const second = await read(log, { versions: first.versions });
    await second.subscription.done;
    expect(second.applied).toEqual(['5@100', '6@100']);
    const third = await read(log, { versions: first.versions });
    await third.subscription.done;
    expect(third.applied).toEqual([]);
    expect(await readGroupBounds(log.kafka, `${log.topic}.group`, log.topic)).toEqual(new Map([[0, 6n]]));
    expect(await groupOffsets(log)).toEqual(new Map([[0, 6n]]));
  });
});
