/** What a reset would do, said before it is done; what must not be done is refused here. Nothing is written. */
import { TicketStreamError } from '@ticket-stream/errors';
import { durationText } from '@ticket-stream/service-kit';
import { formatRfc3339Second } from '@ticket-stream/ticket';
import { type ExportState, type Gap, resetTo, type Unseen } from '@ticket-stream/zendesk-export';
import { count } from '../text/count.ts';
import { momentText, stretchText, unseenWords } from './moments.ts';

export interface ResetPlan {
  /** Epoch seconds. */
  readonly from: number;
  readonly to: number;
  readonly direction: 'backwards' | 'forwards' | 'none';
  readonly after: ExportState;
  /** Of the stretches on record, what is shown again, and so no longer missing. */
  readonly unseenBroughtBack: readonly Unseen[];
  /** The scope of now hides it still. */
  readonly unseenStill: readonly Unseen[];
  readonly gapsBroughtBack: readonly Gap[];
}

/**
 * @param now  epoch seconds
 * @throws config.invalid  the future; forwards without `acceptGap`
 */
export function planReset(
  state: ExportState,
  to: number,
  { acceptGap, now }: { readonly acceptGap: boolean; readonly now: number },
): ResetPlan {
  const from = state.next.startTime;
  if (to > now) {
    throw refused(
      `--to ${formatRfc3339Second(to)} is in the future`,
      'Give the moment from which tickets are to be exported.',
    );
  }
  if (to > from && !acceptGap) {
    throw refused(
      `--to ${formatRfc3339Second(to)} lies ahead of the export, which goes on at ${formatRfc3339Second(from)}: what changed in between would never be published`,
      'Give an earlier moment, or accept the gap with --accept-gap; it stays on record.',
    );
  }
  // A second being read to its end is read again as part of what follows.
  const mode = state.next.mode === 'cursor' ? 'cursor' : 'time';
  const unseen = state.unseen.flatMap((each) => shownAgain(each, to));
  const after = resetTo(state, to, mode, now);
  return {
    from,
    to,
    direction: to < from ? 'backwards' : to > from ? 'forwards' : 'none',
    after,
    unseenBroughtBack: unseen.filter(({ what }) => state.hiddenSince[what] === undefined),
    unseenStill: unseen.filter(({ what }) => state.hiddenSince[what] !== undefined),
    gapsBroughtBack: state.gaps.flatMap((each) => shownAgain(each, to)),
  };
}

/** The part of a stretch at or after a second. */
function shownAgain<T extends { readonly from: number; readonly until: number }>(each: T, to: number): T[] {
  return each.until < to ? [] : [{ ...each, from: Math.max(each.from, to) }];
}

export function planText(plan: ResetPlan, facts: PlanFacts): string {
  const { from, to, direction, unseenBroughtBack, gapsBroughtBack } = plan;
  const { nowMs } = facts;
  const lines = [
    `The export of ${facts.source} to ${facts.topic}`,
    `  goes on at  ${momentText(from, nowMs)}`,
    `  instead at  ${momentText(to, nowMs)}`,
    '',
    ...consequences(direction, from, to),
    ...unseenBroughtBack.map((each) => `  + brings back ${unseenWords[each.what]} of ${stretchText(each)}`),
    ...plan.unseenStill.map(
      (each) =>
        `  ! ${unseenWords[each.what]} of ${stretchText(each)} stay left out: the scope hides them still`,
    ),
    ...gapsBroughtBack.map((each) => `  + closes the gap ${stretchText(each)}`),
    ...warnings(facts),
  ];
  return lines.join('\n');
}

interface PlanFacts {
  readonly source: string;
  readonly topic: string;
  readonly nowMs: number;
  readonly checkpointAtMs: number;
  /** On this data folder, and about to be ended. */
  readonly producerAtWork: boolean;
}

function consequences(direction: ResetPlan['direction'], from: number, to: number): string[] {
  switch (direction) {
    case 'none':
      return [
        '  The place stays; the tickets of its second are published again, as copies that consumers count as duplicates.',
      ];
    case 'backwards':
      return [
        `  Every ticket that Zendesk shows there is published again: ${durationText(from - to)} of changes, each ticket once, in its latest state.`,
        '  What is in the log already comes as a copy with the same ce_id, which consumers count as a duplicate.',
      ];
    case 'forwards':
      return [
        `  What changed in the ${durationText(to - from)} between is NOT published; the gap ${stretchText({ from, until: to - 1 })} stays on record.`,
      ];
  }
}

/** A producer in reach of this data folder was looked for; one elsewhere can only be guessed at. */
const RECENT_MS = 2 * 60 * 1000;

function warnings({ producerAtWork, nowMs, checkpointAtMs }: PlanFacts): string[] {
  if (producerAtWork)
    return ['  ! The producer of this data folder ends with exit code 4, and "npm start" with it.'];
  const ageMs = nowMs - checkpointAtMs;
  const recent =
    ageMs < RECENT_MS
      ? ` The last checkpoint is ${count(Math.max(0, Math.round(ageMs / 1000)), 'second', 'seconds')} old: one seems to be at work.`
      : '';
  return [`  ! A producer that runs elsewhere loses the export and ends with exit code 4.${recent}`];
}

function refused(message: string, remedy: string): TicketStreamError {
  return new TicketStreamError('config.invalid', message, { remedy: `${remedy} Nothing was changed.` });
}
