/** Letters as a person reads them, and as JSON. */
import { type ErrorCode, errorTable } from '@ticket-stream/errors';
import type { LetterRow } from '@ticket-stream/kafka';
import { cutToWidth, oneLine } from '../text/line.ts';
import { textTable } from '../text/table.ts';

/** What the table of errors says to do; undefined for a code of another version. */
export function remedyOf(code: string | undefined): string | undefined {
  return code !== undefined && Object.hasOwn(errorTable, code)
    ? errorTable[code as ErrorCode].remedy
    : undefined;
}

const HEADING = ['ID', 'LAST WRITTEN (UTC)', 'STATE', 'CODE', 'FROM', 'TICKET', 'TIMES', 'CAUSE'];
const [FROM, TIMES, CAUSE] = ['FROM', 'TIMES', 'CAUSE'].map((name) => HEADING.indexOf(name)) as [
  number,
  number,
  number,
];
const CAUSE_WIDTH_MIN = 20;
const INDENT = ' '.repeat(10);

/**
 * A line a letter; on a terminal too narrow for that, two: where it comes from and its cause stand below it.
 * @param width  columns of the terminal; undefined: not a terminal, nothing is cut off
 */
export function letterTable(rows: readonly LetterRow[], width: number | undefined): string[] {
  const cells = rows.map((row) =>
    [
      row.id,
      second(row.lastAtMs),
      row.state,
      row.code ?? '?',
      fromText(row),
      row.ticketId ?? '-',
      String(row.letters),
      row.cause ?? '',
    ].map(oneLine),
  );
  const lines = textTable([HEADING, ...cells], [TIMES]);
  if (width === undefined) return lines;
  if ((lines[0]?.lastIndexOf('CAUSE') ?? 0) + CAUSE_WIDTH_MIN <= width) {
    return lines.map((line) => cutToWidth(line, width));
  }
  const [heading = '', ...facts] = textTable(
    [HEADING, ...cells].map((row) => row.filter((_, at) => at !== FROM && at !== CAUSE)),
    [TIMES - 1],
  );
  const below = cells.map((row) => cutToWidth(`${INDENT}${row[FROM]}: ${row[CAUSE]}`, width));
  return [heading, ...facts.flatMap((line, at) => [line, below[at] ?? ''])];
}

export function fromText({ origin }: LetterRow): string {
  if (origin === undefined) return '?';
  if (origin.kind === 'export') return 'export';
  return `${origin.group} ${origin.partition}@${origin.offset}`;
}

function second(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
}

/** "12 letters: 10 open, 2 retrying." */
export function letterSummary(shown: readonly LetterRow[], all: number): string {
  const byState = new Map<string, number>();
  for (const { state } of shown) byState.set(state, (byState.get(state) ?? 0) + 1);
  const parts = [...byState].map(([state, number]) => `${number.toLocaleString('en')} ${state}`);
  const others = all - shown.length;
  const rest = others === 0 ? '' : `; ${others.toLocaleString('en')} not shown (--state all, fewer filters)`;
  if (shown.length === 0) return all === 0 ? 'No dead letters.' : `No such dead letter${rest}.`;
  const total = shown.length.toLocaleString('en');
  return `${total} ${shown.length === 1 ? 'letter' : 'letters'}: ${parts.join(', ')}${rest}.`;
}

/** The keys of `--json`; docs/dead-letters.md describes them. Offsets are text: JSON's numbers end at 2^53. */
export function letterJson(row: LetterRow): object {
  const { origin, whole, bytesAt } = row;
  return {
    id: row.id,
    key: row.key,
    state: row.state,
    code: row.code ?? null,
    cause: row.cause ?? null,
    remedy: remedyOf(row.code) ?? null,
    ticketId: row.ticketId ?? null,
    origin: origin === undefined ? null : originJson(origin),
    times: row.letters,
    firstWrittenAt: iso(row.firstAtMs),
    lastWrittenAt: iso(row.lastAtMs),
    stateSince: iso(row.stateAtMs),
    by: row.by ?? null,
    reason: row.reason ?? null,
    bytes: bytesAt?.length ?? 0,
    whole: whole ?? null,
    fetchAgain: row.fetchAgain ?? null,
  };
}

function originJson(origin: NonNullable<LetterRow['origin']>): object {
  if (origin.kind === 'export') return origin;
  const { recordKey, offset, ...place } = origin;
  return { ...place, offset: String(offset), recordKey: recordKey?.toString('utf8') ?? null };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
