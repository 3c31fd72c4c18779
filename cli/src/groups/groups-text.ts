/** Groups as a person reads them. Any client of the cluster chooses the names that stand here: nothing but text. */
import { durationText } from '@ticket-stream/service-kit';
import { count } from '../text/count.ts';
import { oneLine } from '../text/line.ts';
import { textTable } from '../text/table.ts';
import type { GroupLag, PartitionLag } from './group-lag.ts';
import { serviceOf } from './group-name.ts';

export function groupsText(topic: string, groups: readonly GroupLag[]): string {
  if (groups.length === 0) return `Nobody reads ${topic} as a group yet.`;
  const rows = groups.map(({ group, state, members, lag, lagSeconds, partitions }) => [
    oneLine(group),
    state,
    String(members.length),
    lag.toLocaleString('en'),
    timeText(lagSeconds),
    noteOf(partitions),
  ]);
  return textTable([['GROUP', 'STATE', 'MEMBERS', 'LAG', 'BEHIND', ''], ...rows], [2, 3, 4]).join('\n');
}

export function groupText(topic: string, found: GroupLag): string {
  const { group, state, members, partitions, lag, lagSeconds } = found;
  const holders = new Map(
    members.flatMap(({ partitions: held, clientId }) => held.map((each) => [each, oneLine(clientId)])),
  );
  const isBounded = partitions.some(({ until }) => until !== undefined);
  const rows = partitions.map((each) => [
    String(each.partition),
    each.committed?.toLocaleString('en') ?? '-',
    each.end.toLocaleString('en'),
    each.lag?.toLocaleString('en') ?? '-',
    each.lag === undefined ? '-' : timeText(each.lagSeconds),
    ...(isBounded ? [each.until?.toLocaleString('en') ?? ''] : []),
    holders.get(each.partition) ?? '',
  ]);
  const total = ['all', '', '', lag.toLocaleString('en'), timeText(lagSeconds)];
  const heading = [
    'PARTITION',
    'COMMITTED',
    'END',
    'LAG',
    'BEHIND',
    ...(isBounded ? ['UNTIL'] : []),
    'MEMBER',
  ];
  return [
    `Group ${oneLine(group)} on ${topic}: ${state}, ${count(members.length, 'member', 'members')}`,
    ...members.map(({ clientId, clientHost, memberId, partitions: held }) => {
      return `  ${oneLine(`${clientId} at ${clientHost}, ${heldText(held)}, member id ${memberId}`)}`;
    }),
    '',
    ...textTable([heading, ...rows, total], isBounded ? [0, 1, 2, 3, 4, 5] : [0, 1, 2, 3, 4]),
    ...notes(topic, found),
  ].join('\n');
}

function notes(topic: string, { group, state, partitions }: GroupLag): string[] {
  const lines: string[] = [];
  const service = serviceOf(group, topic);
  if (service !== undefined) {
    lines.push(
      `What ${service} has stored is not visible from here: it keeps its positions with its data, and starts at the lower of the two.`,
    );
  }
  if (partitions.some(({ until }) => until !== undefined)) {
    lines.push(
      'A side replay: a subscription in this group ends at UNTIL. Its lag counts to the end of the log all the same.',
    );
  }
  if (partitions.some(isBeyondLog)) {
    lines.push('An offset lies beyond the end of its partition: the topic was made again, or cut.');
  }
  if (state === 'NewProtocol') {
    lines.push(
      "Its members speak the newer group protocol (KIP-848) and are not visible from here; Kafka's own tool shows them.",
    );
  }
  return lines.length === 0 ? [] : ['', ...lines];
}

function noteOf(partitions: readonly PartitionLag[]): string {
  const beyond = partitions.filter(isBeyondLog).length;
  if (beyond > 0) return `${count(beyond, 'partition', 'partitions')} beyond the log`;
  if (partitions.some(({ until }) => until !== undefined)) return 'a side replay';
  const uncommitted = partitions.filter(({ committed }) => committed === undefined).length;
  return uncommitted === 0 ? '' : `${count(uncommitted, 'partition', 'partitions')} without an offset`;
}

function isBeyondLog({ committed, lag }: PartitionLag): boolean {
  return committed !== undefined && lag === undefined;
}

function timeText(seconds: number | undefined): string {
  return seconds === undefined ? '?' : durationText(seconds);
}

/** "partitions 0-3, 7". */
function heldText(partitions: readonly number[]): string {
  if (partitions.length === 0) return 'no partition';
  const spans: [number, number][] = [];
  for (const partition of partitions) {
    const last = spans.at(-1);
    if (last !== undefined && last[1] + 1 === partition) last[1] = partition;
    else spans.push([partition, partition]);
  }
  const text = spans.map(([from, to]) => (from === to ? String(from) : `${from}-${to}`)).join(', ');
  return `${partitions.length === 1 ? 'partition' : 'partitions'} ${text}`;
}

/** Offsets as text: they may be larger than a number holds. */
export function asJson({ group, state, members, partitions, lag, lagSeconds }: GroupLag): object {
  return {
    group,
    state,
    members,
    lag: String(lag),
    lagSeconds: lagSeconds ?? null,
    partitions: partitions.map((each) => ({
      partition: each.partition,
      committed: each.committed === undefined ? null : String(each.committed),
      end: String(each.end),
      lag: each.lag === undefined ? null : String(each.lag),
      lagSeconds: each.lagSeconds ?? null,
      ...(each.until === undefined ? {} : { until: String(each.until) }),
    })),
  };
}
