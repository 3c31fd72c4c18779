/** Progress, a line each. */
export type Say = (line: string) => void;

/** A measurement: two or more things run in turn in one session, so that the machine's mood cancels out. */
export interface Bench {
  readonly summary: string;
  run(say: Say): Promise<BenchResult>;
}

export interface BenchResult {
  /** Medians and the runs they come from; units end the names. */
  readonly figures: Readonly<Record<string, number | readonly number[]>>;
  readonly targets: Readonly<
    Record<string, { readonly value: number; readonly target: number; readonly met: boolean }>
  >;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits));
}
