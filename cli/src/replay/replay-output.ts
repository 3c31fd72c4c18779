/** What a replay prints: the plan as text, as JSON, or as a file, and what is to be said beside it. */
import { type ExitCode, exitCodes } from '@ticket-stream/errors';
import { type ConsumerGroup, isInactive } from '@ticket-stream/kafka';
import { memberLines } from '../groups/active-group.ts';
import { serviceOf } from '../groups/group-name.ts';
import { count } from '../text/count.ts';
import { widthOf, wrapLines } from '../text/terminal.ts';
import { formatOffsets } from './offset-file.ts';
import type { PlannedPartition } from './replay-plan.ts';
import type { ReplayFlags } from './replay-request.ts';
import { planText } from './replay-text.ts';

interface Replayed {
  readonly topic: string;
  readonly group: string;
  /** As it was before. */
  readonly found: ConsumerGroup | undefined;
  readonly plan: readonly PlannedPartition[];
  readonly flags: ReplayFlags;
}

export function showReplay({ topic, group, found, plan, flags }: Replayed): ExitCode {
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
    const text = `${planText({ topic, group, service, plan })}\n${outcome(group, plan, executed, service)}`;
    process.stdout.write(`${wrapLines(text, widthOf(process.stdout))}\n`);
  }
  if (!isActive) return exitCodes.done;
  const members = memberLines(found).map((line) => `\n    ${line}`);
  const warning = `! The group is active (${found.state}): its offsets move on, and --execute would be refused. Stop first:${members.join('')}`;
  process.stderr.write(`${wrapLines(warning, widthOf(process.stderr))}\n`);
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
export function warnOfClamps(plan: readonly PlannedPartition[]): void {
  for (const { partition, to, clampedFrom } of plan) {
    if (clampedFrom === undefined) continue;
    process.stderr.write(`! partition ${partition}: ${clampedFrom} is outside the log, which gives ${to}\n`);
  }
}

function asJson({ topic, group, found, plan, flags }: Replayed): object {
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
