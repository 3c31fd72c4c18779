/** Cells in columns as wide as their widest; nothing is padded to the right of a line's last cell. */
export function textTable(
  rows: readonly (readonly string[])[],
  /** Columns of numbers, counted from 0: they line up at the right. */
  numbers: readonly number[] = [],
): string[] {
  // Row by row: as arguments of one call, more than some 120,000 rows are more than a stack holds.
  const widths: number[] = [];
  for (const cells of rows) {
    for (const [at, { length }] of cells.entries()) widths[at] = Math.max(widths[at] ?? 0, length);
  }
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
