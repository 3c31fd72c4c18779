/** What `ticket-stream replay` was asked for: one place to go, said by exactly one flag. */
import { readOffsetFile } from './offset-file.ts';
import { refused } from './refused-request.ts';
import { parseAgo, parseDateTime } from './replay-moments.ts';
import type { ReplayTarget } from './replay-plan.ts';

export interface ReplayFlags {
  readonly toEarliest?: true;
  readonly toLatest?: true;
  readonly toCurrent?: true;
  readonly toOffset?: string;
  readonly toDatetime?: string;
  readonly byDuration?: string;
  readonly shiftBy?: string;
  readonly fromFile?: string;
  readonly partition?: readonly number[];
  readonly into?: string;
  readonly until?: string;
  readonly execute?: true;
  readonly dryRun?: true;
  readonly export?: true;
  readonly json?: true;
  readonly create?: true;
  /** Seconds; true: as long as the flag's default says. */
  readonly wait?: number | true;
  readonly dataDir?: string;
}

const TARGETS = [
  ['toEarliest', '--to-earliest'],
  ['toLatest', '--to-latest'],
  ['toCurrent', '--to-current'],
  ['toOffset', '--to-offset'],
  ['toDatetime', '--to-datetime'],
  ['byDuration', '--by-duration'],
  ['shiftBy', '--shift-by'],
  ['fromFile', '--from-file'],
] as const;

/** Java's long, as the tool reads it. */
const LONG_MAX = 2n ** 63n - 1n;

/** @throws config.invalid  flags that contradict each other, before anything is asked of the cluster */
export function checkFlags(flags: ReplayFlags): void {
  const given = TARGETS.filter(([key]) => flags[key] !== undefined).map(([, flag]) => flag);
  if (given.length !== 1) {
    const found = given.length === 0 ? 'none is given' : `${given.join(' and ')} are given`;
    throw refused(
      `a replay needs exactly one place to go: ${found}`,
      `Give one of ${TARGETS.map(([, flag]) => flag).join(', ')}.`,
    );
  }
  const contradictions: readonly (readonly [boolean, string, string])[] = [
    [
      flags.execute === true && flags.dryRun === true,
      '--execute and --dry-run contradict each other',
      'Give one.',
    ],
    [
      flags.export === true && flags.json === true,
      '--export and --json both are what is printed',
      'Give one.',
    ],
    [
      flags.until !== undefined && flags.into === undefined,
      '--until ends a side replay; the group itself goes on for ever',
      'Name a group of its own with --into.',
    ],
    [
      flags.wait !== undefined && flags.into !== undefined,
      '--wait has nothing to wait for: --into leaves the group alone',
      'Leave --wait out.',
    ],
    [
      flags.wait !== undefined && flags.execute !== true,
      '--wait waits before something is done, and without --execute nothing is',
      'Give --execute too, or leave --wait out.',
    ],
  ];
  for (const [isSo, message, remedy] of contradictions) if (isSo) throw refused(message, remedy);
}

/**
 * @param group  its full name, for the lines of a file
 * @param now    epoch milliseconds
 * @throws config.invalid
 */
export function readTarget(flags: ReplayFlags, topic: string, group: string, now: number): ReplayTarget {
  const { toOffset, toDatetime, byDuration, shiftBy, fromFile } = flags;
  if (toOffset !== undefined) return { kind: 'offset', offset: long(toOffset, '--to-offset') };
  if (toDatetime !== undefined) return { kind: 'time', timeMs: parseDateTime(toDatetime, '--to-datetime') };
  if (byDuration !== undefined) return { kind: 'time', timeMs: parseAgo(byDuration, now, '--by-duration') };
  if (shiftBy !== undefined) return { kind: 'shift', by: long(shiftBy, '--shift-by') };
  if (fromFile !== undefined) {
    const flag = `--from-file ${fromFile}`;
    return { kind: 'file', offsets: readOffsetFile(fromFile, { topic, group, flag }) };
  }
  if (flags.toLatest === true) return { kind: 'latest' };
  return { kind: flags.toCurrent === true ? 'current' : 'earliest' };
}

/** Where a side replay ends: `now`, a moment, or a file. */
export type ReplayUntil =
  | { readonly kind: 'now' }
  | { readonly kind: 'time'; readonly timeMs: number }
  | { readonly kind: 'file'; readonly offsets: ReadonlyMap<number, bigint> };

export function readUntil(until: string, topic: string, group: string): ReplayUntil {
  if (until === 'now') return { kind: 'now' };
  if (/^\d{4}-\d{2}-/.test(until)) return { kind: 'time', timeMs: parseDateTime(until, '--until') };
  return { kind: 'file', offsets: readOffsetFile(until, { topic, group, flag: `--until ${until}` }) };
}

/** @throws config.invalid  a partition that the topic does not have */
export function choosePartitions(
  flags: Pick<ReplayFlags, 'partition'>,
  target: ReplayTarget,
  all: readonly number[],
  topic: string,
): number[] {
  const chosen = flags.partition ?? (target.kind === 'file' ? [...target.offsets.keys()] : all);
  const unknown = chosen.find((partition) => !all.includes(partition));
  if (unknown !== undefined) {
    throw refused(
      `${topic} has no partition ${unknown}`,
      all.length === 1 ? 'It has one, 0.' : `It has ${all.length}, 0 to ${all.length - 1}.`,
    );
  }
  return [...new Set(chosen)].sort((a, b) => a - b);
}

function long(text: string, flag: string): bigint {
  const value = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text.replace(/^\+/, '')) : undefined;
  if (value !== undefined && value <= LONG_MAX && value >= -LONG_MAX) return value;
  throw refused(
    `${flag} ${text} is no whole number of offsets`,
    'Give digits, with - before them to go back.',
  );
}
