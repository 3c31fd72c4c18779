/** What a comparison found: counted in one pass, written in another, so that memory does not grow with the findings. */
import { formatRfc3339Second } from '@ticket-stream/ticket';
import { count } from '../text/count.ts';
import { textTable } from '../text/table.ts';
import type { Comparison, ComparisonStore } from './comparison-store.ts';
import { type Grounds, type Judgement, judge, VERDICTS, type Verdict } from './verdict.ts';

export interface VerifySummary {
  readonly topic: string;
  readonly source: string;
  readonly mode: 'all' | 'sample';
  /** sample: which pages were read. */
  readonly pages?: number;
  readonly seed?: number;
  /** Epoch seconds: what was compared, both ends included. */
  readonly from: number;
  readonly until: number;
  readonly requests: number;
  /** Records of the log that were read, and those that are no events. */
  readonly records: number;
  readonly unreadableRecords: number;
  readonly unreadSeconds: readonly number[];
  /** false: a ticket that Zendesk has may stand among the extra ones. */
  readonly settled: boolean;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** The earliest second of what is missing, older or different; undefined where nothing is. */
  readonly earliest: number | undefined;
}

const AT_RISK: readonly Verdict[] = ['missing', 'older', 'different'];
/** Each of these tickets is named. */
const NAMED: readonly Verdict[] = [...AT_RISK, 'extra', 'on_record', 'dead_lettered'];
const TABLE_ROWS_MAX = 50;

export function tally(store: ComparisonStore, grounds: Grounds): Pick<VerifySummary, 'counts' | 'earliest'> {
  const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0])) as Record<Verdict, number>;
  let earliest: number | undefined;
  for (const comparison of store.comparisons()) {
    const { verdict } = judge(comparison, grounds);
    counts[verdict]++;
    const { shown } = comparison;
    if (AT_RISK.includes(verdict) && shown !== undefined)
      earliest = Math.min(earliest ?? Number.POSITIVE_INFINITY, shown.second);
  }
  return { counts, earliest };
}

/** Going on as it is would leave the log without what Zendesk shows. */
export function isAtRisk({ counts }: Pick<VerifySummary, 'counts'>): boolean {
  return AT_RISK.some((verdict) => counts[verdict] > 0);
}

/** One JSON object, piece by piece; docs/export.md describes its keys. */
export function* reportJson(
  summary: VerifySummary,
  store: ComparisonStore,
  grounds: Grounds,
): Generator<string> {
  const { from, until, earliest, unreadSeconds, ...rest } = summary;
  const head = {
    ...rest,
    from: formatRfc3339Second(from),
    until: formatRfc3339Second(until),
    unreadSeconds: unreadSeconds.map(formatRfc3339Second),
    remedy: remedy(summary) ?? null,
  };
  yield `${JSON.stringify(head).slice(0, -1)},"findings":[`;
  let comma = '';
  for (const { comparison, judgement } of findings(store, grounds)) {
    const { shown, logStamp, key } = comparison;
    const finding = {
      ticketId: key,
      ...judgement,
      zendesk:
        shown === undefined
          ? null
          : { second: formatRfc3339Second(shown.second), stamp: momentOf(shown.stamp), digest: shown.digest },
      topic: logStamp === undefined ? null : { stamp: momentOf(logStamp) },
    };
    yield `${comma}${JSON.stringify(finding)}`;
    comma = ',';
  }
  yield ']}\n';
}

export function* reportText(
  summary: VerifySummary,
  store: ComparisonStore,
  grounds: Grounds,
): Generator<string> {
  const { counts } = summary;
  yield `${heading(summary)}\n\n`;
  const rows: string[][] = [['TICKET', 'VERDICT', 'ZENDESK SHOWS', 'TOPIC HOLDS', '']];
  for (const { comparison, judgement } of findings(store, grounds)) {
    rows.push(row(comparison, judgement));
    if (rows.length > TABLE_ROWS_MAX) break;
  }
  if (rows.length > 1) {
    for (const line of textTable(rows)) yield `${line}\n`;
    const more = NAMED.reduce((sum, verdict) => sum + counts[verdict], 0) - (rows.length - 1);
    if (more > 0) yield `and ${more.toLocaleString('en')} more; --json names them all\n`;
    yield '\n';
  }
  yield `${conclusion(summary).join('\n')}\n`;
}

function* findings(store: ComparisonStore, grounds: Grounds) {
  for (const comparison of store.comparisons()) {
    const judgement = judge(comparison, grounds);
    if (NAMED.includes(judgement.verdict)) yield { comparison, judgement };
  }
}

function heading(summary: VerifySummary): string {
  const { mode, pages, seed, from, until, topic, source, requests, records } = summary;
  const what =
    mode === 'all'
      ? `The whole export of ${source}`
      : `${count(pages ?? 0, 'page', 'pages')} of the export of ${source} (seed ${seed})`;
  return [
    `${what} beside ${topic}`,
    `${formatRfc3339Second(from)} to ${formatRfc3339Second(until)}; ${count(requests, 'request', 'requests')}, ${count(records, 'record', 'records')} read`,
  ].join('\n');
}

function row({ key, shown, logStamp }: Comparison, judgement: Judgement): string[] {
  const shownAt = shown === undefined ? 'nothing' : formatRfc3339Second(shown.stamp ?? shown.second);
  const logAt = logStamp === undefined ? 'nothing' : formatRfc3339Second(logStamp);
  return [key, judgement.would ?? judgement.verdict.replace('_', '-'), shownAt, logAt, note(judgement)];
}

function note({ verdict, record, code }: Judgement): string {
  if (verdict === 'different') return 'the same second, other content';
  if (verdict === 'dead_lettered') return code ?? '';
  if (record === 'gap') return '(in an accepted gap)';
  if (record === 'unseen') return '(left out by the scope of that time, on record)';
  return '';
}

function conclusion(summary: VerifySummary): string[] {
  const { counts, settled, unreadSeconds, unreadableRecords } = summary;
  const lines = [
    `${counts.equal.toLocaleString('en')} equal · ${counts.missing.toLocaleString('en')} missing · ${counts.older.toLocaleString('en')} older · ${counts.different.toLocaleString('en')} different${summary.mode === 'all' ? ` · ${counts.extra.toLocaleString('en')} extra` : ''}`,
  ];
  const apart = [
    counts.dead_lettered > 0 ? `${count(counts.dead_lettered, 'ticket', 'tickets')} dead-lettered` : '',
    counts.on_record > 0 ? `${count(counts.on_record, 'ticket', 'tickets')} missing on record` : '',
    counts.left_out > 0 ? `${count(counts.left_out, 'ticket', 'tickets')} left out, as asked` : '',
    counts.changed_since > 0 ? `${count(counts.changed_since, 'ticket', 'tickets')} changed since` : '',
  ].filter((text) => text !== '');
  if (apart.length > 0) lines.push(`besides: ${apart.join(' · ')}`);
  if (!settled && counts.extra > 0)
    lines.push(
      'Not of every extra ticket could it be found out whether Zendesk has it: it may have changed. Run it again.',
    );
  for (const second of unreadSeconds)
    lines.push(
      `Zendesk did not show the second ${formatRfc3339Second(second)} to its end; what else it holds was not compared.`,
    );
  if (unreadableRecords > 0)
    lines.push(
      `${count(unreadableRecords, 'record is', 'records are')} no event of this project: something else writes to the topic.`,
    );
  const help = remedy(summary);
  if (help !== undefined)
    lines.push(`→ The log lacks what Zendesk shows. To publish it: ${help}, and start the producer.`);
  return lines;
}

function remedy({ earliest }: VerifySummary): string | undefined {
  return earliest === undefined
    ? undefined
    : `ticket-stream export reset --to ${formatRfc3339Second(earliest)}`;
}

function momentOf(second: number | undefined): string | null {
  return second === undefined ? null : formatRfc3339Second(second);
}
