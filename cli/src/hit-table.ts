import { styleText } from 'node:util';
import stringWidth from 'string-width';
import { cutToWidth, fillToWidth, oneLine } from './text/line.ts';

/** One line of the table; every field as it came, from people nobody here knows. */
export interface HitRow {
  readonly id: string;
  readonly status: string;
  readonly priority: string;
  readonly updated: string;
  readonly subject: string;
}

const columns = [
  ['id', 'ID', 19],
  ['status', 'STATUS', 10],
  ['priority', 'PRIORITY', 10],
  ['updated', 'UPDATED (UTC)', 20],
  ['subject', 'SUBJECT', Number.POSITIVE_INFINITY],
] as const;

const GAP = '  ';
/** A terminal narrower than its columns gets this much of the subject all the same, and wraps. */
const SUBJECT_WIDTH_MIN = 16;

/**
 * The hits as lines of a terminal.
 * @param width    columns of the terminal; undefined: not a terminal, nothing is cut off
 * @param styled   whether the heading is set apart by a style
 */
export function hitTable(rows: readonly HitRow[], width: number | undefined, styled: boolean): string[] {
  const plain = rows.map((row) => columns.map(([name]) => oneLine(row[name])));
  const widths = columns.map(([, title, most], at) =>
    Math.min(most, Math.max(stringWidth(title), ...plain.map((cells) => stringWidth(cells[at] ?? '')))),
  );
  const subjectAt = columns.length - 1;
  if (width !== undefined) {
    const before = widths.slice(0, subjectAt).reduce((sum, each) => sum + each + GAP.length, 0);
    widths[subjectAt] = Math.max(SUBJECT_WIDTH_MIN, width - before);
  }
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) =>
        at === subjectAt ? cutToWidth(cell, widths[at]) : fillToWidth(cell, widths[at] ?? 0),
      )
      .join(GAP);
  const heading = line(columns.map(([, title]) => title));
  return [styled ? styleText('bold', heading) : heading, ...plain.map(line)].map((text) => text.trimEnd());
}
