/** The steps of a replay: find the group, look at the log, plan, show, and, with --execute, commit. */
import { type ExitCode, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import {
  type CommittedOffset,
  type ConsumerGroup,
  commitGroupOffsets,
  describeGroups,
  groupBoundMetadata,
  isInactive,
  listGroups,
  type OffsetToCommit,
  parseGroupBound,
  readCommitted,
} from '@ticket-stream/kafka';
import { type Cluster, withCluster } from '../environment/cluster.ts';
import { clusterOptions, readCommandOptions } from '../environment/command-options.ts';
import { untilInterrupted } from '../environment/interruption.ts';
import { awaitInactive, memberLines, requireInactive } from '../groups/active-group.ts';
import { resolveGroupName, serviceOf } from '../groups/group-name.ts';
import { count } from '../text/count.ts';
import { whileShowing } from '../text/slow-work.ts';
import { planOn } from './log-plan.ts';
import { formatOffsets } from './offset-file.ts';
import type { PlannedPartition } from './replay-plan.ts';
import { choosePartitions, type ReplayFlags, readTarget } from './replay-request.ts';
import { planText } from './replay-text.ts';
import { replayInto } from './side-replay-run.ts';

const WAIT_SECONDS = 60;

/** @throws config.invalid, kafka.group_unknown, kafka.group_active  with nothing changed */
export async function replay(given: string, flags: ReplayFlags): Promise<ExitCode> {
  const options = readCommandOptions(clusterOptions, flags.dataDir);
  return withCluster(options, 'replay', async (cluster) => {
    const { kafka, names } = cluster;
    const topic = names.tickets;
    let doing = 'looking at the group';
    return whileShowing(
      () => doing,
      async () => {
        const all = await partitionsOf(cluster);
        const { group, found } = await findGroup(cluster, given, flags.create === true);
        const target = readTarget(flags, topic, group, Date.now());
        const chosen = choosePartitions(flags, target, all, topic);
        if (flags.into !== undefined)
          return replayInto(cluster, { group, into: flags.into, target, chosen, flags });
        if (flags.wait !== undefined) {
          const seconds = flags.wait === true ? WAIT_SECONDS : flags.wait;
          await untilInterrupted((signal) =>
            awaitInactive(kafka, group, {
              seconds,
              signal,
              onWaiting: (now) => {
                doing = `waiting for ${group} to be without members: ${memberLines(now).join('; ')}`;
              },
            }),
          );
          doing = 'looking at the log';
        } else if (flags.execute === true || flags.export === true) {
          requireInactive(found);
        }
        const committed = await readCommitted(kafka, group, topic);
        const plan = await planOn(cluster, target, chosen, committed);
        if (flags.execute === true) {
          await commitGroupOffsets(kafka, group, topic, toCommit(plan, committed));
        }
        return show({ topic, group, found, plan, flags });
      },
    );
  });
}

/** @throws config.invalid  the topic is not there */
async function partitionsOf({ reader, names }: Cluster): Promise<readonly number[]> {
  if (await reader.topicExists(names.tickets)) return reader.partitions(names.tickets);
  throw new TicketStreamError('config.invalid', `there is no topic ${names.tickets}`, {
    remedy:
      'Check TICKETS_TOPIC and KAFKA_BROKERS; "ticket-stream topics apply" makes the topics. Nothing was changed.',
  });
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

interface Shown {
  readonly topic: string;
  readonly group: string;
  readonly found: ConsumerGroup | undefined;
  readonly plan: readonly PlannedPartition[];
  readonly flags: ReplayFlags;
}

function show({ topic, group, found, plan, flags }: Shown): ExitCode {
  const isActive = found !== undefined && !isInactive(found) && flags.execute !== true;
  const executed = flags.execute === true;
  if (flags.export === true) {
    process.stdout.write(
      formatOffsets(
        topic,
        plan.map(({ partition, to }) => [partition, to] as const),
      ),
    );
    warnOfClamps(plan);
    return exitCodes.done;
  }
  if (flags.json === true) {
    process.stdout.write(`${JSON.stringify(asJson({ topic, group, found, plan, flags }))}\n`);
  } else {
    const service = serviceOf(group, topic);
    process.stdout.write(
      `${planText({ topic, group, service, plan })}\n${outcome(group, plan, executed, service)}\n`,
    );
  }
  if (!isActive) return exitCodes.done;
  const members = memberLines(found).map((line) => `\n    ${line}`);
  process.stderr.write(
    `! The group is active (${found.state}): its offsets move on, and --execute would be refused. Stop first:${members.join('')}\n`,
  );
  return exitCodes.ownedElsewhere;
}

function outcome(
  group: string,
  plan: readonly PlannedPartition[],
  executed: boolean,
  service: 'search' | 'alerting' | undefined,
): string {
  if (!executed) return '\nNothing was changed: this is the plan. --execute does it.';
  const next = service === undefined ? `whoever reads as ${group}` : service;
  return `\nDone: ${count(plan.length, 'partition', 'partitions')} of ${group} committed. Start ${next} again.`;
}

/** Said on stderr where stdout is a file. */
function warnOfClamps(plan: readonly PlannedPartition[]): void {
  for (const { partition, to, clampedFrom } of plan) {
    if (clampedFrom === undefined) continue;
    process.stderr.write(`! partition ${partition}: ${clampedFrom} is outside the log, which gives ${to}\n`);
  }
}

function asJson({ topic, group, found, plan, flags }: Shown): object {
  return {
    topic,
    group,
    state: found?.state ?? null,
    members: (found?.members ?? []).map(({ clientId, clientHost, memberId }) => ({
      clientId,
      clientHost,
      memberId,
    })),
    executed: flags.execute === true,
    partitions: plan.map(({ partition, from, to, clampedFrom }) => ({
      partition,
      from: from === undefined ? null : String(from),
      to: String(to),
      ...(clampedFrom === undefined ? {} : { clampedFrom: String(clampedFrom) }),
    })),
  };
}
