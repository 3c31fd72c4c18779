/**
 * What Kafka says was committed: every checkpoint of the log, read by its own console consumer, and from it which
 * pages' transactions were. A life's transaction of a sequence was committed exactly where the checkpoint of that
 * sequence has this life's owner; of two attempts of one life at a sequence only the later can have been, because a
 * life goes on to the next sequence when it finds its own.
 */
import { consoleConsume } from '@ticket-stream/dev-stack/testing';
import type { Commit, commitsOf } from './life-trace.ts';

export interface LoggedCheckpoint {
  readonly sequence: number;
  readonly owner: string;
  readonly exportState: {
    readonly next: { readonly mode: string; readonly startTime: number };
    readonly position?: number;
  };
}

/** In the order of the log. The broker must not have compacted the topic. */
export async function readCheckpoints(
  brokers: string,
  topic: string,
  timeoutMs: number,
): Promise<LoggedCheckpoint[]> {
  const checkpoints: LoggedCheckpoint[] = [];
  for await (const { value } of consoleConsume({ brokers, topic, timeoutMs })) {
    const { sequence, owner, exportState } = JSON.parse(String(value)) as LoggedCheckpoint;
    const { next, position } = exportState;
    checkpoints.push({ sequence, owner, exportState: { next, ...(position == null ? {} : { position }) } });
  }
  return checkpoints;
}

export interface CommitFindings {
  /** Numbers of the simulator's pages. */
  readonly committedPages: ReadonlySet<number>;
  /** What is wrong with the checkpoints, in sentences. */
  readonly violations: readonly string[];
}

/** @param lives  what each life wrote down of its commits */
export function committedPages(
  checkpoints: readonly LoggedCheckpoint[],
  lives: readonly ReturnType<typeof commitsOf>[],
): CommitFindings {
  const violations: string[] = [];
  const owners = new Map<number, string>();
  let before: LoggedCheckpoint | undefined;
  for (const checkpoint of checkpoints) {
    owners.set(checkpoint.sequence, checkpoint.owner);
    violations.push(...goesOn(before, checkpoint));
    before = checkpoint;
  }
  const pages = new Set<number>();
  for (const { claims, begun, told } of lives) {
    const claim = claims.at(-1);
    if (claim === undefined) continue;
    const owner = owners.get(claim);
    if (owner === undefined) violations.push(`claim ${claim} was acknowledged and is not in the log`);
    const isCommitted = ({ sequence }: Commit): boolean =>
      owner !== undefined && owners.get(sequence) === owner;
    const lastOfSequence = new Map(begun.map((commit) => [commit.sequence, commit]));
    for (const commit of lastOfSequence.values()) {
      if (isCommitted(commit) && commit.page !== undefined) pages.add(commit.page);
    }
    for (const commit of told) {
      if (!isCommitted(commit))
        violations.push(`commit ${commit.sequence} was acknowledged and is not in the log`);
    }
  }
  return { committedPages: pages, violations };
}

/** One checkpoint after the other, and nothing that goes back. */
function goesOn(before: LoggedCheckpoint | undefined, after: LoggedCheckpoint): string[] {
  if (before === undefined) return after.sequence === 1 ? [] : [`the first checkpoint is ${after.sequence}`];
  const violations: string[] = [];
  const [from, to] = [before.exportState, after.exportState];
  const where = `between checkpoints ${before.sequence} and ${after.sequence}`;
  if (after.sequence !== before.sequence + 1) violations.push(`something is missing ${where}`);
  if (to.next.startTime < from.next.startTime) violations.push(`the start goes back ${where}`);
  if ((to.position ?? 0) < (from.position ?? 0)) violations.push(`the position goes back ${where}`);
  return violations;
}
