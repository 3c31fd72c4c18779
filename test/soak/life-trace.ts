/** What a producer's life wrote down by kill-point.ts. */
import { existsSync, readFileSync } from 'node:fs';

interface TraceLine {
  readonly point: string;
  /** The simulator's number of the page at work; absent at a claim, and where a checkpoint alone is written. */
  readonly page?: number;
  readonly sequence?: number;
  readonly perPage?: number;
  readonly records?: number;
  /** Of `killed`: the channel. */
  readonly at?: string;
}

export interface Commit {
  readonly sequence: number;
  /** undefined: a checkpoint alone. */
  readonly page: number | undefined;
}

export class LifeTrace {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** As far as it is written: a line that is being written is not there yet. */
  lines(): TraceLine[] {
    if (!existsSync(this.#path)) return [];
    const text = readFileSync(this.#path, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    return whole
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as TraceLine);
  }

  count(point: string): number {
    return this.lines().filter((line) => line.point === point).length;
  }

  /** Records of export pages were on their way to Kafka. */
  get worked(): boolean {
    return this.lines().some(({ point, records = 0 }) => point === 'ticket-stream:send:start' && records > 0);
  }

  /** The point at which the process ended itself. */
  get killedAt(): string | undefined {
    return this.lines().find(({ point }) => point === 'killed')?.at;
  }
}

/** What a life's lines say about its transactions. */
export function commitsOf(lines: readonly TraceLine[]): {
  /** Sequences of claims that the broker has acknowledged. */
  readonly claims: readonly number[];
  /** EndTxn was about to be written: only Kafka knows what came of these, and of two with one sequence only the later can be. */
  readonly begun: readonly Commit[];
  /** The broker has acknowledged these. */
  readonly told: readonly Commit[];
} {
  const commits = (wanted: string): Commit[] =>
    lines.flatMap(({ point, sequence, page }) =>
      point === wanted && sequence !== undefined ? [{ sequence, page }] : [],
    );
  return {
    claims: commits('ticket-stream:claim:after').map(({ sequence }) => sequence),
    begun: commits('ticket-stream:commit:before'),
    told: commits('ticket-stream:commit:after'),
  };
}

/** What was asked for at each page that a life opened, by the page's number. */
export function perPageOf(lines: readonly TraceLine[]): Map<number, number> {
  return new Map(
    lines.flatMap(({ point, page, perPage }) =>
      point === 'ticket-stream:page:fetched' && page !== undefined && perPage !== undefined
        ? [[page, perPage] as const]
        : [],
    ),
  );
}
