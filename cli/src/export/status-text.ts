/** `export status` as a person reads it: a row a fact, what calls for something with the command to run. */
import { durationText } from '@ticket-stream/service-kit';
import { count } from '../text/count.ts';
import type { ExportStatus } from './export-status.ts';
import { unseenWords } from './moments.ts';
import type { ProducerAnswer } from './producer-probe.ts';

type Row = readonly [label: string, text: string];
type Export = NonNullable<ExportStatus['export']>;

export function statusText(status: ExportStatus, nowMs: number): string {
  const rows: Row[] = [['topic', status.topic]];
  if (status.export === undefined) rows.push(['export', 'nothing was exported to this topic yet']);
  else rows.push(...exportRows(status.export, nowMs));
  rows.push(...heldBackRows(status.heldBack, nowMs), ['producer', producerText(status.producer)]);
  const width = Math.max(...rows.map(([label]) => label.length)) + 2;
  return rows.map(([label, text]) => `${label.padEnd(width)}${text}`.trimEnd()).join('\n');
}

function exportRows(found: Export, nowMs: number): Row[] {
  return [
    ['source', found.source],
    ['log id', found.logId],
    ['position', positionText(found)],
    ['next request', nextText(found.next)],
    ['boundary', boundaryText(found.boundary)],
    ['scope', scopeText(found.scope)],
    ...found.unseen.flatMap(({ what, from, until, remedy }): Row[] => [
      [
        'left out',
        `${unseenWords[what]} changed ${from} to ${until} were not exported, and do not come by themselves`,
      ],
      ['', `→ to bring them back: ${remedy}`],
    ]),
    ...found.gaps.flatMap(({ why, from, until, acceptedAt, remedy }): Row[] => [
      ['gap', `${from} to ${until}: ${WHY[why]}, accepted ${acceptedAt}`],
      ['', `→ ${why === 'stuck' ? 'when that second can be read, ' : ''}to bring it back: ${remedy}`],
    ]),
    ['checkpoint', `${found.sequence}, written ${dated(found.writtenAt, nowMs)}`],
    ['owner', found.owner],
    [
      'log length',
      `${Number(found.nextOffsetsSum).toLocaleString('en')} in ${count(Object.keys(found.nextOffsets).length, 'partition', 'partitions')} (commit markers included)`,
    ],
  ];
}

const WHY = {
  stuck: 'the export did not get past that second',
  reset: 'skipped by a reset',
} as const;

function positionText({ position, positionAgeSeconds }: Export): string {
  if (position === null) return 'none yet: no page was committed';
  return `${position}, complete up to there (${durationText(Math.max(0, positionAgeSeconds ?? 0))} ago)`;
}

function nextText({ mode, from, inNewestSecond }: Export['next']): string {
  if (mode === 'time') return `by time, from ${from}`;
  if (mode === 'second') return `the second ${from} to its end, by cursor: it holds more than a page`;
  return inNewestSecond ? `by cursor, in the newest second ${from}` : `by cursor, from ${from}`;
}

function boundaryText({ second, entries, overflowed }: Export['boundary']): string {
  if (overflowed) return `${second}: too many tickets to know again; what repeats of them is published again`;
  return `${second}: ${count(entries, 'ticket', 'tickets')} known again`;
}

function scopeText({ excludeDeleted, supportTypes, hiddenSince }: Export['scope']): string {
  const who =
    { all: 'all tickets', agent: "agents' tickets", ai_agent: "AI agents' tickets" }[supportTypes] ??
    supportTypes;
  const since = hiddenSince['deleted'];
  if (!excludeDeleted) return `${who}, deleted ones included`;
  return `${who}, without deleted ones${since === undefined ? '' : ` since ${since}`}`;
}

function heldBackRows(heldBack: ExportStatus['heldBack'], nowMs: number): Row[] {
  if (heldBack.length === 0) return [];
  const since = heldBack.map((each) => each.since).filter((each) => each !== null);
  const oldest = since.toSorted()[0];
  const partitions = heldBack.map(({ partition }) => partition).join(', ');
  return [
    [
      'held back',
      `readers of ${heldBack.length === 1 ? 'partition' : 'partitions'} ${partitions} by an open transaction${oldest === undefined ? '' : `, since ${dated(oldest, nowMs)}`}`,
    ],
    ['', 'a page being written; one that a dead producer left ends by itself after 6 min'],
  ];
}

function producerText(producer: ProducerAnswer | null): string {
  if (producer === null) return 'none runs on this data folder';
  const { url, answers, ready, reason, stage, waitingFor } = producer;
  if (!answers) return `its process is there, but ${url} does not answer`;
  const state = ready ? (stage ?? 'ready') : `not ready: ${reason ?? 'it does not say why'}`;
  const waits = waitingFor === undefined || reason?.includes(waitingFor) ? '' : `, waiting for ${waitingFor}`;
  return `${state}${waits}  ${url}`;
}

function dated(moment: string, nowMs: number): string {
  const ago = durationText(Math.max(0, (nowMs - Date.parse(moment)) / 1000));
  return `${moment.replace(/\.\d+Z$/, 'Z')} (${ago} ago)`;
}
