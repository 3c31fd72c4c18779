import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { booksBalance } from './books.ts';
import { RetryLater } from './errors.ts';
import { ticket } from './testing/log-record.ts';
import { nameOf, testReadings } from './testing/reading.ts';
import { sqliteVersionStore } from './version-store/sqlite.ts';

const { folder, openLog, read } = testReadings();

describe('a group', () => {
  it('loses and doubles nothing when members join and leave, and no partition is read by two at once', async () => {
    const log = await openLog('rebalance', 6);
    const path = join(folder, 'rebalance.sqlite');
    const applied: string[] = [];
    const working = new Set<number>();
    const clashes: number[] = [];
    const member = () =>
      read(log, {
        versions: sqliteVersionStore({ path }),
        async handle(changes) {
          const partition = changes[0]?.version.place.partition ?? -1;
          if (working.has(partition)) clashes.push(partition);
          working.add(partition);
          await new Promise((resolve) => setImmediate(resolve));
          applied.push(...changes.map(nameOf));
          working.delete(partition);
        },
      });
    const publish = (stamp: number) =>
      log.publish(Array.from({ length: 300 }, (_, n) => ticket(n + 1, stamp)));
    const first = await member();
    await publish(1);
    await expect.poll(() => applied.length, { timeout: 10_000 }).toBeGreaterThan(0);
    const second = await member();
    for (let stamp = 2; stamp <= 6; stamp++) await publish(stamp);
    await expect.poll(() => second.subscription.positions().size, { timeout: 20_000 }).toBe(3);
    for (let stamp = 7; stamp <= 10; stamp++) await publish(stamp);
    await expect.poll(() => second.subscription.books().applied, { timeout: 20_000 }).toBeGreaterThan(0);
    const stopped = second.subscription.stop();
    for (let stamp = 11; stamp <= 15; stamp++) await publish(stamp);
    await stopped;
    await expect.poll(() => applied.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(4_500);
    await expect.poll(() => first.subscription.lag(), { timeout: 10_000 }).toBe(0);
    await first.subscription.stop();
    expect(applied.length).toBe(4_500);
    for (let id = 1; id <= 300; id++) {
      expect(applied.filter((name) => name.startsWith(`${id}@`))).toEqual(
        Array.from({ length: 15 }, (_, n) => `${id}@${n + 1}`),
      );
    }
    expect(clashes).toEqual([]);
    const books = await first.versions.readBooks();
    expect(books.applied).toBe(4_500);
    expect(booksBalance(books)).toBe(true);
  });

  it('has a member too many wait for nothing, whatever its partition waited for', async () => {
    const log = await openLog('spare');
    await log.publish([ticket(1, 100)]);
    const handle = () => {
      throw new RetryLater('in maintenance');
    };
    // Partitions are dealt in the order of the members' ids.
    const second = await read(log, { handle, clientId: 'b' });
    await expect.poll(() => second.waits.at(-1)).toBe('the sink (sink.unavailable)');
    const first = await read(log, { clientId: 'a' });
    await expect.poll(() => first.applied).toEqual(['1@100']);
    await expect.poll(() => second.waits.at(-1)).toBeUndefined();
  });

  it('gives the partitions of a member killed by -9 to its next start, which waits for no session to end', async () => {
    const log = await openLog('killed', 3);
    await log.publish(Array.from({ length: 50 }, (_, n) => ticket(n + 1, 100)));
    const [group, path, memberFile] = [
      `${log.topic}.group`,
      join(folder, 'killed.sqlite'),
      join(folder, 'member'),
    ];
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL('./testing/member-to-kill.ts', import.meta.url)),
        ...[log.brokers, log.topic, group, path, memberFile],
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    await log.publish([ticket(1, 101)]);
    const next = await read(log, { versions: sqliteVersionStore({ path }), memberFile, soleMember: true });
    // A session lasts 10 s.
    await expect.poll(() => next.applied, { timeout: 10_000 }).toEqual(['1@101']);
    // It took leave in the dead one's name: at the first look the group had no member.
    expect(next.waits.filter((reason) => reason?.includes('former member'))).toEqual([]);
    expect(await next.versions.readBooks()).toMatchObject({ applied: 51, duplicate: 0 });
  });
});

describe.concurrent('longer than a session lasts (10 s)', () => {
  it('a sink may be at work, or fail: the member stays, nothing is repeated, reading goes on after', async ({
    expect,
  }) => {
    const log = await openLog('long');
    await log.publish([ticket(1, 100)]);
    const memberFile = join(folder, 'long-member');
    const admin = log.kafka.admin();
    await admin.connect();
    const members = async () =>
      (await admin.describeGroups([`${log.topic}.group`])).groups[0]?.members.map(({ memberId }) => memberId);
    const applied: string[] = [];
    const work = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let failUntilMs = Number.POSITIVE_INFINITY;
    const reading = await read(log, {
      memberFile,
      async handle(changes) {
        begun.resolve();
        await work.promise;
        if (performance.now() < failUntilMs) throw new TicketStreamError('sink.unavailable', 'down');
        applied.push(...changes.map(nameOf));
      },
    });
    await begun.promise;
    const startedAtMs = performance.now();
    const before = await members();
    // At work for longer than a session, without a word; then failing for longer than another.
    await expect
      .poll(() => performance.now() - startedAtMs, { timeout: 15_000, interval: 250 })
      .toBeGreaterThan(11_500);
    work.resolve();
    failUntilMs = performance.now() + 11_500;
    await expect.poll(() => applied, { timeout: 25_000 }).toEqual(['1@100']);
    expect(await members()).toEqual(before);
    await admin.disconnect();
    expect(reading.subscription.books()).toMatchObject({ consumed: 1, applied: 1 });
    await log.publish([ticket(2, 100)]);
    await expect.poll(() => applied).toEqual(['1@100', '2@100']);
  });

  it('a second member that must be the only one waits, then is refused with the name of the holder', async ({
    expect,
  }) => {
    const log = await openLog('sole');
    const holder = await read(log, { brokers: [log.brokers], clientId: 'the-holder' });
    await expect.poll(() => holder.subscription.isCaughtUp(), { timeout: 20_000 }).toBe(true);
    const second = await read(log, { soleMember: true });
    await expect(second.subscription.done).rejects.toMatchObject({
      code: 'kafka.group_taken',
      exitCode: 4,
      message: expect.stringContaining('the-holder'),
    });
    expect(second.waits.some((reason) => reason?.includes('former member'))).toBe(true);
  });
});
