/** `replay <group> … --into <new group>`: gives a new group its start and its end; the named one is only looked at. */
import { type ExitCode, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { commitGroupOffsets, describeGroups, groupBoundMetadata, readCommitted } from '@ticket-stream/kafka';
import type { Cluster } from '../environment/cluster.ts';
import { SHORT_NAMES, serviceOf } from '../groups/group-name.ts';
import { widthOf, wrapLines } from '../text/terminal.ts';
import { planOn } from './log-plan.ts';
import { formatOffsets } from './offset-file.ts';
import { warnOfClamps } from './replay-output.ts';
import type { ReplayTarget } from './replay-plan.ts';
import { type ReplayFlags, type ReplayUntil, readUntil } from './replay-request.ts';
import { sideText } from './replay-text.ts';
import { planSideReplay, type SidePartition } from './side-replay.ts';

interface SideReplay {
  readonly group: string;
  readonly into: string;
  readonly target: ReplayTarget;
  /** Partitions to replay; the others begin at their end. */
  readonly chosen: readonly number[];
  readonly flags: ReplayFlags;
}

/** @throws config.invalid  the new group is there already, or its name is one of ours */
export async function replayInto(cluster: Cluster, side: SideReplay): Promise<readonly SidePartition[]> {
  const { kafka, reader, names } = cluster;
  const topic = names.tickets;
  const { group, into, target, chosen, flags } = side;
  await requireNewGroup(cluster, into);
  const until = flags.until === undefined ? undefined : readUntil(flags.until, topic, into);
  // One after the other: what is refused must leave no request behind that outlives its connection.
  const committed = await readCommitted(kafka, group, topic);
  const stableEnds = await reader.stableEndOffsets(topic);
  const bounds = until === undefined ? undefined : await boundsOf(cluster, until, stableEnds);
  const starts = await planOn(cluster, target, chosen, committed);
  const plan = planSideReplay(starts, bounds, stableEnds);
  if (flags.execute === true) {
    await commitGroupOffsets(
      kafka,
      into,
      topic,
      new Map(
        plan.map(({ partition, start, until: bound }) => [
          partition,
          { offset: start, metadata: bound === undefined ? undefined : groupBoundMetadata(bound) },
        ]),
      ),
    );
  }
  return plan;
}

async function boundsOf(
  { reader, names }: Cluster,
  until: ReplayUntil,
  stableEnds: ReadonlyMap<number, bigint>,
): Promise<ReadonlyMap<number, bigint>> {
  if (until.kind === 'now') return stableEnds;
  if (until.kind === 'time') return reader.offsetsAt(names.tickets, until.timeMs);
  for (const [partition, bound] of until.offsets) {
    const end = stableEnds.get(partition);
    if (end === undefined)
      throw refused(`the file of --until names partition ${partition}, which is not there`);
    if (bound > end) {
      throw refused(`--until ends partition ${partition} at ${bound}; the log has ${end} offsets so far`);
    }
  }
  return until.offsets;
}

async function requireNewGroup({ kafka, names }: Cluster, into: string): Promise<void> {
  const isOurs = SHORT_NAMES.some((name) => name === into) || serviceOf(into, names.tickets) !== undefined;
  if (isOurs || into.trim() === '') {
    throw refused(`--into ${into} is a name of our own services`);
  }
  const [[found], committed] = await Promise.all([
    describeGroups(kafka, [into]),
    readCommitted(kafka, into, names.tickets),
  ]);
  if (found !== undefined || committed.size > 0) {
    throw refused(`the group ${into} is there already (${found?.state ?? 'it has offsets'})`);
  }
}

export function showSideReplay(
  topic: string,
  { group, into, flags }: SideReplay,
  plan: readonly SidePartition[],
): ExitCode {
  const { stdout } = process;
  if (flags.export === true) {
    stdout.write(
      formatOffsets(
        topic,
        plan.map(({ partition, start }) => [partition, start] as const),
      ),
    );
    warnOfClamps(plan.flatMap(({ clamped }) => clamped ?? []));
  } else if (flags.json === true) {
    const partitions = plan.map(({ partition, start, until, clamped }) => ({
      partition,
      from: String(start),
      until: until === undefined ? null : String(until),
      ...(clamped === undefined ? {} : { clampedFrom: String(clamped.clampedFrom) }),
    }));
    stdout.write(
      `${JSON.stringify({ topic, group: into, beside: group, executed: flags.execute === true, partitions })}\n`,
    );
  } else {
    const outcome =
      flags.execute === true
        ? `Done: the group ${into} is there. Kafka forgets it when nobody reads as it for 7 days (offsets.retention.minutes).`
        : 'Nothing was changed: this is the plan. --execute does it.';
    const text = `${sideText({ topic, group, into, plan })}\n\n${outcome}`;
    stdout.write(`${wrapLines(text, widthOf(stdout))}\n`);
  }
  return exitCodes.done;
}

function refused(message: string): TicketStreamError {
  return new TicketStreamError('config.invalid', message, {
    remedy:
      'Give --into the name of a group that is not there yet, and --until now, a time, or a file of offsets inside the log. Nothing was changed.',
  });
}
