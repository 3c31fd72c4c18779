import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { sqliteVersionStore } from '@ticket-stream/subscriber';
import { ticketDigest } from '@ticket-stream/ticket';
import { afterAll, expect, it } from 'vitest';
import { versionName } from '../support/change-flow.ts';
import { until } from '../support/condition.ts';
import { type MadeVersion, openTicketsLog } from '../support/tickets-log.ts';
import { findFaults, noFaults } from './effect-log.ts';
import { Member } from './member.ts';

const dir = mkdtempSync(join(tmpdir(), 'late-member-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ID = 7;
const version = (stamp: number): MadeVersion => ({
  id: ID,
  stamp,
  value: Buffer.from(JSON.stringify({ id: ID, subject: `version of ${stamp}` })),
});
const nameOf = ({ stamp, value }: MadeVersion) => versionName(stamp, ticketDigest(value));

/**
 * A member that stands still in the middle of a batch (a stopped process, a laptop's lid, a virtual machine moved, a
 * call that hangs) for longer than its session loses its partitions to another one, and does not know. What it does
 * when it wakes up must not undo what the other has done since.
 */
it('a member that wakes up after its partitions moved on applies nothing twice and takes no ticket back', async () => {
  const { brokers } = sharedKafka();
  const log = await openTicketsLog(brokers, `${topicPrefix('late')}tickets`);
  const settings = {
    brokers,
    topic: log.topic,
    group: `${log.topic}.late`,
    storeFile: join(dir, 'versions.sqlite'),
    effectFile: join(dir, 'effects.sqlite'),
  };
  const late = new Member({ ...settings, name: 'late', holdBefore: String(ID) });
  const other = new Member({ ...settings, name: 'other' });
  const store = sqliteVersionStore({ path: settings.storeFile });
  const storedStamp = async () => (await store.readVersions([String(ID)])).get(String(ID))?.stamp;
  const admin = log.kafka.admin();
  await admin.connect();
  const memberIds = async () =>
    (await admin.describeGroups([settings.group])).groups[0]?.members.map(({ memberId }) => memberId) ?? [];
  try {
    const [first, second, third] = [version(100), version(200), version(300)];
    await log.publish([first]);
    late.join();
    await until('the late member is about to apply the first version', () => late.held, 60_000);
    late.signal('SIGSTOP');
    const [lateId] = await memberIds();

    await log.publish([second]);
    other.join();
    await until(
      'the late one’s session is over (10 s), and the group is the other’s',
      async () => {
        const [id, ...more] = await memberIds();
        return id !== undefined && id !== lateId && more.length === 0;
      },
      60_000,
    );
    // The late one has the store's lock on the partition: it says what it waits for, and applies nothing meanwhile.
    await until('the other waits for the late one', () => other.waiting !== undefined, 60_000);
    expect(await storedStamp()).toBe(undefined);

    late.signal('SIGCONT');
    late.goOn();
    await until('the late one has gone on', () => late.books.consumed > 0, 60_000);
    await log.publish([third]);
    await until('the third version is applied', async () => (await storedStamp()) === 300, 60_000);

    const expected = new Map([[String(ID), [first, second, third].map(nameOf)]]);
    expect(findFaults(settings.effectFile, expected).faults).toEqual(noFaults);
  } finally {
    late.signal('SIGCONT');
    await Promise.all([late.kill(), other.kill()]);
    await store.close();
    await admin.disconnect();
    await log.close();
  }
});
