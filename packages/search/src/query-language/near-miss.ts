/**
 * The name that was probably meant: the nearest by edits (one letter added, dropped, changed, or two neighbours
 * swapped), if it is near enough not to be a guess.
 */
export function nearMiss(given: string, names: Iterable<string>): string | undefined {
  const lower = given.toLowerCase();
  let best: string | undefined;
  // A third of the letters may be wrong, and one or two in any case but the shortest.
  let bestEdits = Math.min(3, Math.max(1, Math.ceil(lower.length / 3))) + 1;
  for (const name of names) {
    if (Math.abs(name.length - lower.length) >= bestEdits) continue;
    const edits = editDistance(lower, name);
    if (edits < bestEdits && edits < name.length) {
      best = name;
      bestEdits = edits;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let edits = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        edits = Math.min(edits, (beforeLast[column - 2] ?? 0) + 1);
      }
      current.push(edits);
    }
    beforeLast = last;
    last = current;
  }
  return last[b.length] ?? 0;
}
