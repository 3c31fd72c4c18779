/** Which pages a comparison reads: the whole export, or some of it at random. */
import { hash } from 'node:crypto';
import {
  type ExportMode,
  type ExportScope,
  type ExportState,
  startState,
} from '@ticket-stream/zendesk-export';
import type { ExportReading } from './export-reading.ts';

export interface Walked {
  readonly state: ExportState;
  /** Up to which second everything was shown, epoch seconds. */
  readonly reached: number;
}

interface Asked {
  readonly mode: ExportMode;
  readonly scope: ExportScope;
  /** Epoch seconds. */
  readonly start: number;
  /** Epoch seconds: up to there, the log is compared. */
  readonly position: number;
  readonly onState: (state: ExportState) => void;
}

/** Answers in a row that bring nothing and say nothing of the end; by then it is the end. */
const QUIET_MAX = 3;

/** From the start to the end of the stream. */
export async function walkExport(reading: ExportReading, asked: Asked): Promise<Walked> {
  const { position, onState } = asked;
  let state = startState(asked.start, asked.mode, asked.scope);
  for (let quiet = 0; quiet < QUIET_MAX; ) {
    const read = await reading.readPage(state);
    state = read.state;
    onState(state);
    if (read.verdict === 'caught_up' && reachedBy(state) >= position) break;
    quiet = read.verdict === 'caught_up' || read.verdict === 'ask_again' ? quiet + 1 : 0;
  }
  return { state, reached: reachedBy(state) };
}

/**
 * Goes on reading until everything up to now was shown, by Zendesk's clock: the export leaves the newest time out.
 * @returns reached: false where that moment did not come, because the clock stands or says nothing
 */
export async function readOn(
  reading: Pick<ExportReading, 'readPage'>,
  from: ExportState,
  {
    delaySeconds,
    onState,
    nowMs,
  }: {
    readonly delaySeconds: number;
    readonly onState: (state: ExportState) => void;
    /** Milliseconds that only grow. */
    readonly nowMs: () => number;
  },
): Promise<{ readonly state: ExportState; readonly reached: boolean }> {
  let state = from;
  let now: number | undefined;
  const deadlineMs = nowMs() + (2 * (delaySeconds + 1) + 10) * 1000;
  do {
    const read = await reading.readPage(state);
    state = read.state;
    now ??= read.date;
    onState(state);
    if (now !== undefined && reachedBy(state) >= now) return { state, reached: true };
  } while (nowMs() <= deadlineMs);
  return { state, reached: false };
}

/**
 * Single pages: the first one of the export, which tells where its tickets begin, then each from a moment after it that
 * the seed and the page's number give.
 */
export async function samplePages(
  reading: ExportReading,
  asked: Asked & { readonly pages: number; readonly seed: number },
): Promise<void> {
  const { position, pages, seed, onState, mode, scope } = asked;
  let first = asked.start;
  for (let page = 0; page < pages; page++) {
    const second = first + (page === 0 ? 0 : Math.floor(fraction(seed, page) * (position - first + 1)));
    const read = await reading.readPage(startState(second, mode, scope));
    if (page === 0) first = Math.min(read.oldestSecond ?? first, position);
    onState(read.state);
  }
}

/** 0 ≤ x < 1, the same for the same seed and number. */
function fraction(seed: number, page: number): number {
  return Number.parseInt(hash('sha256', `${seed}/${page}`, 'hex').slice(0, 13), 16) / 2 ** 52;
}

function reachedBy(state: ExportState): number {
  return state.position ?? -1;
}
