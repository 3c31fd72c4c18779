import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kafka } from 'kafkajs';
import { afterEach, expect, it, vi } from 'vitest';
import { leaveFormerMember, requireSoleMember } from './group-member.ts';
import { silentLogger } from './kafka-connection.ts';

afterEach(() => vi.restoreAllMocks());

const loading = () => Object.assign(new Error('loading'), { type: 'GROUP_LOAD_IN_PROGRESS' });

it('the good-bye of a former member is said again while its coordinator loads the group', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'member-')), 'member');
  writeFileSync(file, 'former');
  const left: string[] = [];
  let asked = 0;
  const cluster = {
    connect: async () => {},
    disconnect: async () => {},
    findGroupCoordinator: async () => ({
      async leaveGroup({ memberId }: { memberId: string }) {
        if (++asked < 3) throw loading();
        left.push(memberId);
      },
    }),
  };
  const kafka = { [Symbol('private:Kafka:createCluster')]: () => cluster } as unknown as Kafka;
  await leaveFormerMember(kafka, 'a-group', file, silentLogger, new AbortController().signal);
  expect(left).toEqual(['former']);
  expect(readFileSync(file, 'utf8')).toBe('');
});

/** A group whose answers, each after so many ms, are its members, or that it is being loaded. */
function groupOf(answers: readonly (readonly [afterMs: number, answer: readonly object[] | 'loading'])[]) {
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const left = [...answers];
  return {
    admin: () => ({
      connect: async () => {},
      disconnect: async () => {},
      async describeGroups() {
        const [afterMs, answer] = left.shift() ?? [0, []];
        nowMs += afterMs;
        if (answer === 'loading') throw loading();
        return { groups: [{ members: answer }] };
      },
    }),
  } as unknown as Kafka;
}

const dead = [{ clientId: 'search', clientHost: '/10.0.0.7' }];
const soleMember = (kafka: Kafka) =>
  requireSoleMember(kafka, 'a-group', { signal: new AbortController().signal, logger: silentLogger });

it('a dead member is waited for as long as its session lasts, from when it is first seen', async () => {
  await soleMember(
    groupOf([
      [15_000, dead],
      [9_000, dead],
      [1_000, []],
    ]),
  );
});

it('its session begins anew where the coordinator loads the group anew', async () => {
  await soleMember(
    groupOf([
      [0, dead],
      [9_000, 'loading'],
      [5_000, dead],
      [9_000, dead],
      [1_000, []],
    ]),
  );
});

it('a member that stays longer than any session is named', async () => {
  await expect(
    soleMember(
      groupOf([
        [0, dead],
        [13_000, dead],
      ]),
    ),
  ).rejects.toMatchObject({
    ...{ code: 'kafka.group_taken', exitCode: 4, context: { clientHost: '/10.0.0.7' } },
  });
});
