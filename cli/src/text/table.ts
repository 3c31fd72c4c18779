/** Cells in columns as wide as their widest; nothing is padded to the right of a line's last cell. */
export function textTable(
  rows: readonly (readonly string[])[],
  /** Columns of numbers, counted from 0: they line up at the right. */
  numbers: readonly number[] = [],
): string[] {
  const columns = Math.max(0, ...rows.map(({ length }) => length));
  const widths = Array.from({ length: columns }, (_, at) =>
    Math.max(...rows.map((cells) => cells[at]?.length ?? 0)),
  );
  return rows.map((cells) =>
    cells
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        return numbers.includes(at) ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd(),
  );
}
