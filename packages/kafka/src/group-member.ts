import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Kafka } from 'kafkajs';
import type { Logger } from './kafka-connection.ts';
import { asKafkaError } from './kafka-errors.ts';
import { createCluster } from './kafkajs-cluster.ts';
import { whileCoordinatorMoves } from './while-moving.ts';

/**
 * A member killed by -9 holds its partitions until its session ends (10 s). Its id is kept in a file beside the
 * store; the next process, which holds the store's lock and so knows that the former one is dead, says good-bye
 * in its name and gets the partitions at once.
 */
export async function leaveFormerMember(
  kafka: Kafka,
  groupId: string,
  memberFile: string | undefined,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (memberFile === undefined) return;
  let memberId: string;
  try {
    memberId = readFileSync(memberFile, 'utf8').trim();
  } catch {
    return; // never joined before
  }
  if (memberId === '') return;
  const cluster = createCluster(kafka);
  try {
    await cluster.connect();
    await whileCoordinatorMoves(async () => {
      const coordinator = await cluster.findGroupCoordinator({ groupId });
      await coordinator.leaveGroup({ groupId, memberId });
    }, signal);
    rememberMember(memberFile, '');
    logger.debug({ groupId, memberId }, 'a former member left');
  } catch (error) {
    // Unknown member: it left by itself or its session ended. Anything else only costs the session's 10 s.
    logger.debug({ err: error, groupId }, 'no former member to take leave of');
  } finally {
    await cluster.disconnect().catch(() => {});
  }
}

/** Written at every join: a few bytes, and no harm when a crash tears them. */
export function rememberMember(memberFile: string | undefined, memberId: string): void {
  if (memberFile !== undefined) writeFileSync(memberFile, memberId, { mode: 0o600 });
}

const POLL_MS = 500;
/** A dead member is gone after its session's 10 s. */
const DEAD_MEMBER_MS = 12_000;

/**
 * Refuses to be the second member of a group that must have one. A dead former member is waited for.
 * @throws kafka.group_taken  naming who holds the group
 */
export async function requireSoleMember(
  kafka: Kafka,
  groupId: string,
  options: {
    readonly signal: AbortSignal;
    readonly logger: Logger;
    readonly memberFile?: string;
    readonly onWaiting?: (reason: string | undefined) => void;
  },
): Promise<void> {
  const { signal, logger, memberFile } = options;
  await leaveFormerMember(kafka, groupId, memberFile, logger, signal);
  const admin = kafka.admin();
  try {
    await admin.connect();
    let deadlineMs: number | undefined;
    const describe = () =>
      admin.describeGroups([groupId]).catch((error: unknown) => {
        deadlineMs = undefined; // a coordinator that loads the group begins its members' sessions anew
        throw error;
      });
    for (;;) {
      const { groups } = await whileCoordinatorMoves(describe, signal);
      const holder = groups[0]?.members[0];
      if (holder === undefined) return;
      deadlineMs ??= performance.now() + DEAD_MEMBER_MS;
      if (performance.now() > deadlineMs) {
        throw new TicketStreamError(
          'kafka.group_taken',
          `consumer group ${groupId} is held by ${holder.clientId} at ${holder.clientHost}`,
          { context: { groupId, clientId: holder.clientId, clientHost: holder.clientHost } },
        );
      }
      options.onWaiting?.(`the former member of ${groupId} to leave`);
      await wait(POLL_MS, undefined, { signal });
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw asKafkaError(error, `looking for members of group ${groupId}`);
  } finally {
    options.onWaiting?.(undefined);
    await admin.disconnect().catch(() => {});
  }
}
