/** Topics as a person reads them. */
import { count } from '../text/count.ts';
import { textTable } from '../text/table.ts';
import { changesFor, isChange, type SettingRow, settingRows, type TopicChanges } from './topic-difference.ts';
import type { TopicsView, TopicView } from './topics-view.ts';

export function topicsText({ topics, log }: TopicsView): string {
  const rows = topics.map(({ surveyed, ranges }) => [
    surveyed.topic,
    surveyed.real === undefined ? '-' : String(surveyed.real.partitions.length),
    ranges === undefined ? '-' : total(ranges).toLocaleString('en'),
    surveyed.real === undefined ? '-' : sizeText(surveyed.real.bytes),
    stateText(surveyed.real === undefined, settingRows(surveyed)),
  ]);
  return [
    ...textTable([['TOPIC', 'PARTITIONS', 'RECORDS', 'SIZE', 'SETTINGS'], ...rows], [1, 2, 3]),
    '',
    'RECORDS are offsets: at most so many, since markers and compacted records are among them. SIZE is one copy on disk.',
    logText(log),
  ].join('\n');
}

export function topicText({ surveyed, ranges }: TopicView, log: TopicsView['log']): string {
  const { topic, real } = surveyed;
  if (real === undefined) return `Topic ${topic} is missing. "ticket-stream topics apply" makes it.`;
  const settings = settingRows(surveyed);
  const partitions = real.partitions.map((partition) => {
    const { start, end } = ranges?.get(partition) ?? { start: 0n, end: 0n };
    return [
      String(partition),
      start.toLocaleString('en'),
      end.toLocaleString('en'),
      (end - start).toLocaleString('en'),
      bytesText(real.bytes?.get(partition)),
    ];
  });
  return [
    `Topic ${topic}: ${count(real.partitions.length, 'partition', 'partitions')}, ${total(ranges).toLocaleString('en')} records at most, ${sizeText(real.bytes)}`,
    logText(log),
    ...(settings.length === 0 ? [] : ['', ...settingsTable(settings, false)]),
    '',
    ...textTable([['PARTITION', 'START', 'END', 'RECORDS', 'SIZE'], ...partitions], [0, 1, 2, 3, 4]),
    '',
    'END is the last stable offset, where reading ends; records of an open transaction come after it.',
  ].join('\n');
}

/** What `apply` does, or would do. */
export function differenceText(view: TopicsView, { executed }: { readonly executed: boolean }): string {
  const rows = view.topics
    .flatMap(({ surveyed }) => settingRows(surveyed))
    .filter(({ verdict }) => verdict !== 'as wanted');
  const changes = changesFor(view.topics.map(({ surveyed }) => surveyed));
  const lines = rows.length === 0 ? [] : [...settingsTable(rows, true), ''];
  if (rows.some(({ verdict }) => verdict === 'stays')) {
    lines.push(
      'Partition counts stay as they are: with another one a ticket would go to another partition, out of its order.',
    );
  }
  return [...lines, conclusion(changes, executed)].join('\n');
}

function conclusion(changes: TopicChanges, executed: boolean): string {
  if (!isChange(changes)) return 'Nothing to do: the topics are as wanted.';
  const parts = [
    changes.create.length > 0 ? count(changes.create.length, 'topic made', 'topics made') : '',
    changes.alter.size > 0
      ? `settings of ${count(changes.alter.size, 'topic', 'topics')} changed, all others left as they were`
      : '',
  ].filter((part) => part !== '');
  return executed
    ? `Done: ${parts.join('; ')}.`
    : `With --dry-run nothing is changed. It would be: ${parts.join('; ')}.`;
}

function settingsTable(rows: readonly SettingRow[], withTopic: boolean): string[] {
  const cells = rows.map(({ topic, setting, wanted, real, from, verdict }) => [
    ...(withTopic ? [topic] : []),
    setting,
    wanted,
    real ?? '-',
    from ?? '',
    verdict,
  ]);
  return textTable([[...(withTopic ? ['TOPIC'] : []), 'SETTING', 'WANTED', 'REAL', 'FROM', ''], ...cells]);
}

function stateText(isMissing: boolean, rows: readonly SettingRow[]): string {
  if (isMissing) return 'the topic is missing';
  if (rows.length === 0) return '';
  const differing = rows.filter(({ verdict }) => verdict === 'differs');
  const stays = rows.some(({ verdict }) => verdict === 'stays') ? ', another partition count' : '';
  if (differing.length === 0) return `as wanted${stays}`;
  return `${count(differing.length, 'setting differs', 'settings differ')}${stays}`;
}

function logText(log: TopicsView['log']): string {
  return log === undefined ? 'Nothing was exported to it yet.' : `Log ${log.logId} of ${log.source}.`;
}

function total(ranges: TopicView['ranges']): bigint {
  return [...(ranges ?? [])].reduce((sum, [, { start, end }]) => sum + end - start, 0n);
}

function sizeText(bytes: ReadonlyMap<number, bigint> | undefined): string {
  return bytes === undefined ? '?' : bytesText([...bytes.values()].reduce((sum, each) => sum + each, 0n));
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** To three digits: "0 B", "12.3 MB". */
function bytesText(bytes: bigint | undefined): string {
  if (bytes === undefined) return '?';
  let value = Number(bytes);
  let unit = 0;
  for (; value >= 999.5 && unit < UNITS.length - 1; unit++) value /= 1000;
  return `${value < 99.5 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}
