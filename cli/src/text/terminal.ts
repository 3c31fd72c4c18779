/** Text beside the terminal it goes to: as wide and as high as that is, or as it is where there is none. */
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';

/** Its columns; undefined: a file or a pipe, where nothing is broken or cut off. */
export function widthOf(stream: NodeJS.WriteStream): number | undefined {
  return stream.isTTY ? stream.columns : undefined;
}

const INDENT = 4;

/** Lines no wider than the terminal, broken at spaces; what is broken off is indented. */
export function wrapLines(text: string, width: number | undefined): string {
  if (width === undefined) return text;
  return text
    .split('\n')
    .flatMap((line) => wrapLine(line, width))
    .join('\n');
}

/** As above, of one line. */
export function wrapLine(line: string, width: number): string[] {
  if (stringWidth(line) <= width) return [line];
  const lines = wrapAnsi(line, width - INDENT, { trim: false }).split('\n');
  return lines.map((each, at) => (at === 0 ? each.trimEnd() : ' '.repeat(INDENT) + each.trim()));
}

/** Its first lines, and how many are left out where it is higher than `rows`: a heading is worth more than an end. */
export function firstLines(text: string, rows: number): string {
  const lines = text.split('\n');
  if (lines.length <= rows) return text;
  const shown = Math.max(1, rows - 1);
  return [...lines.slice(0, shown), `… and ${lines.length - shown} more lines`].join('\n');
}
