/** The steps of a replay: find the group, look at the log, plan, with --execute commit, and show. */
import { type ExitCode, TicketStreamError } from '@ticket-stream/errors';
import {
  type CommittedOffset,
  type ConsumerGroup,
  commitGroupOffsets,
  describeGroups,
  groupBoundMetadata,
  listGroups,
  type OffsetToCommit,
  parseGroupBound,
  readCommitted,
} from '@ticket-stream/kafka';
import { type Cluster, requireTickets, withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { awaitInactive, memberLines, requireInactive } from '../groups/active-group.ts';
import { resolveGroupName } from '../groups/group-name.ts';
import { whileShowing } from '../text/slow-work.ts';
import { planOn } from './log-plan.ts';
import { showReplay } from './replay-output.ts';
import type { PlannedPartition, ReplayTarget } from './replay-plan.ts';
import { choosePartitions, type ReplayFlags, readTarget } from './replay-request.ts';
import { replayInto, showSideReplay } from './side-replay-run.ts';

const WAIT_SECONDS = 60;

/** @throws config.invalid, kafka.group_unknown, kafka.group_active  with nothing changed */
export async function replay(given: string, flags: ReplayFlags): Promise<ExitCode> {
  const options = readCommandOptions(clusterOptions, flags.dataDir);
  return withCluster(options, 'replay', async (cluster) => {
    const topic = cluster.names.tickets;
    let doing = 'looking at the group';
    const show = await whileShowing(
      () => doing,
      async () => {
        const request = await readRequest(cluster, given, flags);
        if (flags.into !== undefined) {
          const side = { ...request, into: flags.into, flags };
          const plan = await replayInto(cluster, side);
          return () => showSideReplay(topic, side, plan);
        }
        const plan = await moveGroup(cluster, request, flags, (now) => {
          doing = now;
        });
        return () => showReplay({ topic, ...request, plan, flags });
      },
    );
    return show();
  });
}

interface ReplayRequest {
  readonly group: string;
  readonly found: ConsumerGroup | undefined;
  readonly target: ReplayTarget;
  readonly chosen: readonly number[];
}

/** What the flags mean on this cluster. @throws config.invalid, kafka.group_unknown */
async function readRequest(cluster: Cluster, given: string, flags: ReplayFlags): Promise<ReplayRequest> {
  const topic = cluster.names.tickets;
  await requireTickets(cluster);
  const all = await cluster.reader.partitions(topic);
  const { group, found } = await findGroup(cluster, given, flags.create === true);
  const target = readTarget(flags, topic, group, Date.now());
  return { group, found, target, chosen: choosePartitions(flags, target, all, topic) };
}

/**
 * Plans, and with --execute commits.
 * @param onDoing  told what is waited for
 * @throws kafka.group_active  with nothing changed
 */
async function moveGroup(
  cluster: Cluster,
  { group, found, target, chosen }: ReplayRequest,
  flags: ReplayFlags,
  onDoing: (doing: string) => void,
): Promise<readonly PlannedPartition[]> {
  const { kafka, names } = cluster;
  if (flags.wait !== undefined) {
    const seconds = flags.wait === true ? WAIT_SECONDS : flags.wait;
    const onWaiting = (now: ConsumerGroup): void =>
      onDoing(`waiting for ${group} to be without members: ${memberLines(now).join('; ')}`);
    await untilInterrupted((signal) => awaitInactive(kafka, group, { seconds, signal, onWaiting }));
    onDoing('looking at the log');
  } else if (flags.execute === true || flags.export === true) {
    requireInactive(found);
  }
  const committed = await readCommitted(kafka, group, names.tickets);
  const plan = await planOn(cluster, target, chosen, committed);
  if (flags.execute === true) {
    await commitGroupOffsets(kafka, group, names.tickets, toCommit(plan, committed));
  }
  return plan;
}

async function findGroup(
  { kafka, names }: Cluster,
  given: string,
  create: boolean,
): Promise<{ group: string; found: ConsumerGroup | undefined }> {
  const groups = await listGroups(kafka);
  const group = resolveGroupName(given, names.tickets, groups);
  const [found] = await describeGroups(kafka, [group]);
  if (found === undefined && !create) {
    throw new TicketStreamError('kafka.group_unknown', `there is no consumer group ${group}`, {
      remedy:
        '"ticket-stream groups" lists those of this topic. --create gives a group its first offsets before it ever reads. Nothing was changed.',
    });
  }
  return { group, found };
}

/** A group that ends by itself keeps its end. */
function toCommit(
  plan: readonly PlannedPartition[],
  committed: ReadonlyMap<number, CommittedOffset>,
): ReadonlyMap<number, OffsetToCommit> {
  return new Map(
    plan.map(({ partition, to }) => {
      const bound = parseGroupBound(committed.get(partition)?.metadata ?? null);
      return [
        partition,
        { offset: to, metadata: bound === undefined ? undefined : groupBoundMetadata(bound) },
      ];
    }),
  );
}
