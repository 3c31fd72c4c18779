import { styleText } from 'node:util';
import stringWidth from 'string-width';

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
      .map((cell, at) => (at === subjectAt ? cut(cell, widths[at]) : fill(cell, widths[at] ?? 0)))
      .join(GAP);
  const heading = line(columns.map(([, title]) => title));
  return [styled ? styleText('bold', heading) : heading, ...plain.map(line)].map((text) => text.trimEnd());
}

/**
 * Text on one line, as nothing but text: a ticket's subject comes from outside, and could otherwise move the cursor,
 * recolour the screen, or show itself backwards.
 */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\s]+/gu, ' ').trim();
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Never between the parts of what is seen as one character, and a wide one counts for two. */
function cut(text: string, width: number | undefined): string {
  if (width === undefined || stringWidth(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const { segment } of graphemes.segment(text)) {
    used += stringWidth(segment);
    if (used > width - 1) break;
    kept += segment;
  }
  return `${kept.trimEnd()}…`;
}

function fill(text: string, width: number): string {
  const shown = cut(text, width);
  return shown + ' '.repeat(Math.max(0, width - stringWidth(shown)));
}
