/**
 * What the two sides of a ticket say about the log. P is the position of the checkpoint when the comparison began: up
 * to there the log says it is complete.
 *
 *   shown at or before P   the log must hold exactly that version or a newer one; otherwise
 *     missing              nothing of the ticket is in the log
 *     older                only versions of an earlier second are
 *     different            the same second with other content
 *   shown later            it changed since; only known to be there
 *   not shown              the log has it, and Zendesk did not show it anywhere: extra
 *   shown by its id alone  it changed again and again since, as one shown later
 *
 * A version that the producer set aside, that the export is asked to leave out, or that stands on record as a gap is
 * told apart: nothing new is wrong with it.
 */
import type { ExportState } from '@ticket-stream/zendesk-export';
import type { Comparison } from './comparison-store.ts';

export const VERDICTS = [
  'equal',
  'missing',
  'older',
  'different',
  'extra',
  'on_record',
  'dead_lettered',
  'left_out',
  'changed_since',
  'not_compared',
] as const;
export type Verdict = (typeof VERDICTS)[number];

export interface Judgement {
  readonly verdict: Verdict;
  /** on_record: what it would be otherwise, and which record explains it. */
  readonly would?: 'missing' | 'older' | 'different';
  readonly record?: 'gap' | 'unseen';
  /** dead_lettered: why it was set aside. */
  readonly code?: string;
}

export interface Grounds {
  /** P, epoch seconds. */
  readonly position: number;
  /** Where the walk began; epoch seconds. */
  readonly start: number;
  /** Up to which second the walk is known to have shown everything. */
  readonly reached: number;
  /** Seconds that the walk could not read to their end. */
  readonly unreadSeconds: ReadonlySet<number>;
  /** As of the checkpoint. */
  readonly state: Pick<ExportState, 'scope' | 'hiddenSince' | 'unseen' | 'gaps'>;
}

type Shown = NonNullable<Comparison['shown']>;

export function judge(comparison: Comparison, grounds: Grounds): Judgement {
  const { shown, held, letter, logStamp } = comparison;
  if (shown === undefined) return { verdict: notShown(comparison, grounds) };
  if (shown.second > grounds.position) return { verdict: 'changed_since' };
  if (held) return { verdict: 'equal' };
  // Letters are kept for 30 days; what can never be published explains itself.
  const code = letter ?? shown.refusedBecause;
  if (code !== undefined) return { verdict: 'dead_lettered', code };
  if (isLeftOut(shown, grounds.state)) return { verdict: 'left_out' };
  const would = logStamp === undefined ? 'missing' : logStamp === shown.stamp ? 'different' : 'older';
  const record = onRecord(shown, grounds.state);
  return record === undefined ? { verdict: would } : { verdict: 'on_record', would, record };
}

function notShown({ logStamp, shownById }: Comparison, grounds: Grounds): Verdict {
  const { start, position, reached, unreadSeconds } = grounds;
  if (logStamp === undefined || logStamp < start || logStamp > Math.min(position, reached))
    return 'not_compared';
  if (unreadSeconds.has(logStamp)) return 'not_compared';
  return shownById ? 'changed_since' : 'extra';
}

/** By the scope that is asked for now, since it is. */
function isLeftOut(
  { deleted, supportType, second }: Shown,
  { scope, hiddenSince }: Grounds['state'],
): boolean {
  if (deleted && scope.excludeDeleted && second >= (hiddenSince.deleted ?? 0)) return true;
  if (scope.supportTypes === 'all' || scope.supportTypes === supportType) return false;
  return second >= (hiddenSince[supportType] ?? 0);
}

function onRecord({ second, deleted, supportType }: Shown, { gaps, unseen }: Grounds['state']) {
  const lies = ({ from, until }: { readonly from: number; readonly until: number }): boolean =>
    from <= second && second <= until;
  if (gaps.some(lies)) return 'gap';
  const isOfKind = (what: string): boolean => (what === 'deleted' ? deleted : what === supportType);
  return unseen.some((each) => isOfKind(each.what) && lies(each)) ? 'unseen' : undefined;
}
