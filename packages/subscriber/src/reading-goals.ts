/** How far reading is: by position, since commit markers and compacted records take offsets too. */
export type Positions = ReadonlyMap<number, bigint>;

/** Whether each partition now assigned is where it was to come; no partition is nowhere yet. */
export function reached(positions: Positions, targets: Positions): boolean {
  if (positions.size === 0) return false;
  for (const [partition, position] of positions) {
    if (position < (targets.get(partition) ?? 0n)) return false;
  }
  return true;
}

/** Partition by partition the lower of both; what `bounds` does not have is as `ends` say. */
export function lowerOf(ends: Positions, bounds: Positions | undefined): Positions {
  if (bounds === undefined) return ends;
  return new Map(
    [...ends].map(([partition, end]) => {
      const bound = bounds.get(partition);
      return [partition, bound !== undefined && bound < end ? bound : end];
    }),
  );
}

/** Partition by partition the higher of both; what only `others` have is left out. */
export function furtherOf(positions: Positions, others: Positions): Positions {
  return new Map(
    [...positions].map(([partition, position]) => {
      const other = others.get(partition);
      return [partition, other !== undefined && other > position ? other : position];
    }),
  );
}

/** Offsets between the positions and those ends. */
export function lagBetween(positions: Positions, ends: Positions): number {
  let lag = 0n;
  for (const [partition, position] of positions) {
    const end = ends.get(partition) ?? position;
    if (end > position) lag += end - position;
  }
  return Number(lag);
}
