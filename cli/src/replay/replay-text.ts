/** A replay's plan as a person reads it: a row a partition, and what it will mean for who reads. */
import { count } from '../text/count.ts';
import { textTable } from '../text/table.ts';
import { type Direction, directionOf, offsetsBetween, type PlannedPartition } from './replay-plan.ts';
import type { SidePartition } from './side-replay.ts';

export interface ReplayView {
  readonly topic: string;
  readonly group: string;
  /** One of our own sinks, which keeps positions with its data. */
  readonly service: 'search' | 'alerting' | undefined;
  readonly plan: readonly PlannedPartition[];
}

export function planText(view: ReplayView): string {
  const { topic, group, plan } = view;
  const rows = plan.map((each) => [
    String(each.partition),
    each.from === undefined ? '-' : each.from.toLocaleString('en'),
    each.to.toLocaleString('en'),
    recordsText(each),
    noteOf(each),
  ]);
  return [
    `Group ${group} on ${topic}`,
    '',
    ...textTable([['PARTITION', 'FROM', 'TO', 'RECORDS', ''], ...rows], [0, 1, 2, 3]),
    '',
    ...totalLines(plan),
    ...meaning(view),
  ].join('\n');
}

export interface SideView {
  readonly topic: string;
  /** Left alone. */
  readonly group: string;
  readonly into: string;
  readonly plan: readonly SidePartition[];
}

export function sideText({ topic, group, into, plan }: SideView): string {
  const isBounded = plan.some(({ until }) => until !== undefined);
  const rows = plan.map(({ partition, start, until, clamped }) => [
    String(partition),
    start.toLocaleString('en'),
    until === undefined ? 'for ever' : until.toLocaleString('en'),
    until === undefined ? '' : (until - start).toLocaleString('en'),
    clamped === undefined ? '' : noteOf(clamped),
  ]);
  const records = plan.reduce(
    (sum, { start, until }) => sum + (until === undefined ? 0n : until - start),
    0n,
  );
  return [
    `Group ${into} on ${topic}, beside ${group}, which is left alone`,
    '',
    ...textTable([['PARTITION', 'START', 'UNTIL', 'RECORDS', ''], ...rows], [0, 1, 2, 3]),
    '',
    isBounded
      ? `${count(records, 'record', 'records')} at most, counted by offsets. A subscription in the group ${into} starts there and ends there by itself.`
      : `A subscription in the group ${into} starts there and reads on for ever; --until gives it an end.`,
    "Its store is to be its own: one that has the live group's positions goes on at those.",
  ].join('\n');
}

function recordsText(each: PlannedPartition): string {
  const between = offsetsBetween(each);
  if (between === undefined) return '';
  const sign = { back: '-', forward: '+', stays: '', begins: '' }[directionOf(each)];
  return `${sign}${between.toLocaleString('en')}`;
}

function noteOf(each: PlannedPartition): string {
  if (each.clampedFrom !== undefined) {
    const end = each.clampedFrom > each.to ? 'ends' : 'begins';
    return `asked for ${each.clampedFrom}; the log ${end} at ${each.to}`;
  }
  if (directionOf(each) === 'begins') return 'nothing was committed';
  return '';
}

function of(plan: readonly PlannedPartition[], direction: Direction): readonly PlannedPartition[] {
  return plan.filter((each) => directionOf(each) === direction);
}

function totalLines(plan: readonly PlannedPartition[]): string[] {
  const sum = (direction: Direction): bigint =>
    of(plan, direction).reduce((total, each) => total + (offsetsBetween(each) ?? 0n), 0n);
  const back = sum('back');
  const forward = sum('forward');
  const parts = [
    back > 0n ? `${count(back, 'record', 'records')} to be read again` : '',
    forward > 0n ? `${count(forward, 'record', 'records')} to be skipped` : '',
  ].filter((part) => part !== '');
  if (parts.length === 0) {
    const begins = of(plan, 'begins').length;
    return [
      begins === 0
        ? 'Nothing moves.'
        : `${count(begins, 'partition gets its', 'partitions get their')} first offset.`,
    ];
  }
  return [`${parts.join(', ')}: at most, counted by offsets (markers of transactions are among them).`];
}

function meaning({ service, plan }: ReplayView): string[] {
  const lines: string[] = [];
  const who = service === undefined ? '' : { search: 'Search', alerting: 'Alerting' }[service];
  if (of(plan, 'back').length > 0) {
    lines.push(
      service === undefined
        ? 'Back: who reads as this group gets these records again. A subscription with a version store repeats no effect; another reader repeats its own.'
        : `Back: ${who} reads these records again and changes nothing by them: what it holds counts as duplicate or stale.`,
    );
  }
  if (of(plan, 'forward').length > 0) {
    lines.push(
      service === undefined
        ? 'Forward: who reads as this group does not get the skipped records. A subscription with a version store goes on at its stored position all the same, unless it is given allowGap.'
        : `Forward: does nothing by itself. ${who} keeps its positions with its data and goes on at the lower of the two, so that nothing is lost; ALLOW_GAP=true lets it skip, and records the gap.`,
    );
  }
  return lines;
}
