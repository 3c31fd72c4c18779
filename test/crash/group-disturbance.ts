import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../support/command.ts';
import type { TicketsLog } from '../support/tickets-log.ts';

type Offsets = ReadonlyMap<number, bigint>;

export interface Replay {
  /** By the group's offsets: some of what was moved back has been read again, and some has not. */
  underWay(): Promise<boolean>;
  /** All that was moved back has been read again. */
  over(): Promise<boolean>;
}

/** What operators and other clients do to a consumer group of ours from outside, through the coordinator. */
export async function openGroupDisturbance(log: TicketsLog) {
  const { brokers, kafka, topic } = log;
  const dir = mkdtempSync(join(tmpdir(), 'group-disturbance-'));
  const admin = kafka.admin();
  await admin.connect();
  const committed = async (groupId: string): Promise<Offsets> => {
    const [answer] = await admin.fetchOffsets({ groupId, topics: [topic] });
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, BigInt(offset)]));
  };
  return {
    /** A member that is not ours takes its share of the partitions, reads along, commits nothing, and leaves. */
    async startStranger(groupId: string): Promise<{ leave(): Promise<void> }> {
      const consumer = kafka.consumer({
        groupId,
        sessionTimeout: 10_000,
        heartbeatInterval: 500,
        allowAutoTopicCreation: false,
      });
      await consumer.connect();
      await consumer.subscribe({ topics: [topic], fromBeginning: true });
      // Resolves after the join, which waits for the members at work: whoever is killed meanwhile is killed in it.
      const running = consumer.run({ autoCommit: false, eachMessage: async () => {} });
      running.catch(() => {});
      return {
        async leave() {
          await running.catch(() => {});
          await consumer.disconnect();
        },
      };
    },

    /**
     * Moves a group back by `ticket-stream replay`, which waits until it is empty.
     * @param back  where to, from where it stood
     */
    async moveBack(groupId: string, back: (offset: bigint) => bigint): Promise<Replay> {
      const before = await committed(groupId);
      const to = new Map(
        [...before].filter(([, offset]) => offset > 0n).map(([p, offset]) => [p, back(offset)]),
      );
      const file = join(dir, `${groupId}.csv`);
      writeFileSync(file, [...to].map(([partition, offset]) => `${topic},${partition},${offset}\n`).join(''));
      const { exitCode, stderr } = await runCommand(
        ['replay', groupId, '--from-file', file, '--execute', '--wait', '60'],
        { KAFKA_BROKERS: brokers, TICKETS_TOPIC: topic },
        120_000,
      );
      if (exitCode !== 0) throw new Error(`replay ended with ${exitCode}: ${stderr}`);
      return {
        async underWay() {
          const now = [...(await committed(groupId))];
          return (
            now.some(([partition, offset]) => offset > (to.get(partition) ?? offset)) &&
            now.some(([partition, offset]) => offset < (before.get(partition) ?? 0n))
          );
        },
        async over() {
          const now = await committed(groupId);
          return [...before].every(([partition, offset]) => (now.get(partition) ?? -1n) >= offset);
        },
      };
    },

    /** Its members join anew, or wait to be told their partitions. */
    async rebalancing(groupId: string): Promise<boolean> {
      const { groups } = await admin.describeGroups([groupId]);
      return groups[0]?.state === 'PreparingRebalance' || groups[0]?.state === 'CompletingRebalance';
    },

    async close(): Promise<void> {
      await admin.disconnect();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export type GroupDisturbance = Awaited<ReturnType<typeof openGroupDisturbance>>;
