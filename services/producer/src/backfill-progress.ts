/**
 * How far a backfill is and when it will end, told by time: the position moves from where the tickets begin to now
 * less the export's delay. Nothing says how many tickets are still to come, so nothing is guessed from their number.
 *
 * The end is estimated from the position's speed (seconds of history a second) over the last five minutes: the median
 * of the slopes between any two pages (Theil–Sen), so that one page that jumps over a quiet year, or one that stood
 * in a 429, does not move it. Now moves on too, a second a second, which is taken off the speed.
 */
import type { BackfillProgress } from '@ticket-stream/service-kit';
import { type ExportWaits, tenths } from './export-waits.ts';
import type { RequestWindow } from './request-window.ts';

interface BackfillClock {
  /** Only ever grows, ms. */
  nowMs(): number;
  /** The wall's, epoch seconds. */
  nowSecond(): number;
}

export interface BackfillTracker {
  /**
   * After each page that is durable.
   * @param page.tickets         of this page
   * @param page.positionSecond  as of the checkpoint now
   */
  page(page: { readonly tickets: number; readonly positionSecond: number | undefined }): void;
  /** Caught up: everything is done, whatever the clocks say. From then on `snapshot` tells what the backfill was. */
  end(): void;
  snapshot(): BackfillProgress;
}

export interface BackfillSettings {
  /** START_TIME, epoch seconds. */
  readonly startSecond: number;
  /** The checkpoint's position when the run began; undefined: the export begins with it. */
  readonly resumedAtSecond: number | undefined;
  /** What the export leaves out of the newest time. */
  readonly delaySeconds: number;
  readonly requestsAllowed: number;
  readonly requests: Pick<RequestWindow, 'lastMinute'>;
  readonly waits: Pick<ExportWaits, 'seconds' | 'current'>;
  readonly clock: BackfillClock;
}

const SPEED_WINDOW_MS = 5 * 60_000;
const RATE_WINDOW_MS = 60_000;
/** 1,770 slopes at most. */
const SAMPLES_MAX = 60;
/** Before that, no estimate: the first pages of a history are the least like the rest. */
const SAMPLES_MIN = 4;
const SPAN_MS_MIN = 3_000;
/** Longer without a page (or three times the longest pause so far): it stands, and the estimate is void. */
const STANDS_MS = 60_000;
/** An estimate beyond a year says "not at this pace", and is left out. */
const ENDS_IN_SECONDS_MAX = 366 * 86_400;
/** Zendesk began in October 2007: an earlier START_TIME says "everything", not where the tickets begin. */
const ZENDESK_BEGAN_SECOND = Date.UTC(2007, 9, 1) / 1000;

interface Sample {
  readonly atMs: number;
  readonly tickets: number;
  readonly positionSecond: number | undefined;
}

export function createBackfillTracker(settings: BackfillSettings): BackfillTracker {
  const { clock, requests, requestsAllowed, waits } = settings;
  const startedMs = clock.nowMs();
  const isResumed = settings.resumedAtSecond !== undefined;
  let tickets = 0;
  let positionSecond = settings.resumedAtSecond;
  let fraction: number | undefined;
  // A new export learns from its first page where the tickets begin: what lies before its end is empty, give or take
  // that page. After a restart START_TIME has to do, where it says anything.
  let originSecond =
    isResumed && settings.startSecond >= ZENDESK_BEGAN_SECOND ? settings.startSecond : undefined;
  let samples: Sample[] = [{ atMs: startedMs, tickets, positionSecond }];
  let speed: number | undefined;
  let speedIsOf: Sample | undefined;
  let atEnd: BackfillProgress | undefined;

  const targetSecond = (): number => clock.nowSecond() - settings.delaySeconds;

  function noteFraction(): void {
    if (originSecond === undefined || positionSecond === undefined) return;
    const whole = targetSecond() - originSecond;
    const done = whole <= 0 ? 1 : Math.min(1, Math.max(0, positionSecond - originSecond) / whole);
    // Now moves on while a page is on its way; what was done does not become undone.
    fraction = Math.max(fraction ?? 0, done);
  }

  function endsInSeconds(nowMs: number): number | undefined {
    const last = samples.at(-1);
    if (positionSecond === undefined || last === undefined) return undefined;
    const remaining = targetSecond() - positionSecond;
    if (remaining <= 0) return 0;
    if (speedIsOf !== last) [speed, speedIsOf] = [medianSpeed(samples), last];
    // Now runs away at the speed of one.
    if (speed === undefined || speed <= 1) return undefined;
    const wait = waits.current();
    const leftSeconds = wait === undefined || wait.cause === 'pace' ? undefined : wait.leftSeconds;
    const standsMs = Math.max(STANDS_MS, 3 * longestPauseMs(samples));
    if (leftSeconds === undefined && nowMs - last.atMs > standsMs) return undefined;
    const seconds = remaining / (speed - 1) + (leftSeconds ?? 0);
    return seconds > ENDS_IN_SECONDS_MAX ? undefined : tenths(seconds);
  }

  return {
    page(page) {
      tickets += page.tickets;
      if (page.positionSecond !== undefined)
        positionSecond = Math.max(positionSecond ?? page.positionSecond, page.positionSecond);
      if (!isResumed) originSecond ??= positionSecond;
      samples = kept([...samples, { atMs: clock.nowMs(), tickets, positionSecond }]);
      noteFraction();
    },
    end() {
      atEnd ??= { ...snapshot(), fraction: 1, endsInSeconds: 0 };
    },
    snapshot: () => atEnd ?? snapshot(),
  };

  function snapshot(): BackfillProgress {
    const nowMs = clock.nowMs();
    return {
      tickets,
      ticketsPerSecond: tenths(ticketRate(samples, tickets, nowMs)),
      positionSecond,
      // Rounded down: it is 1 at the end only.
      fraction: fraction === undefined ? undefined : Math.floor(fraction * 10_000) / 10_000,
      endsInSeconds: endsInSeconds(nowMs),
      elapsedSeconds: tenths(Math.max(0, nowMs - startedMs) / 1000),
      requestsLastMinute: requests.lastMinute(),
      requestsAllowed,
      waitedSeconds: waits.seconds(),
      waiting: waits.current(),
    };
  }
}

/** Those of the window, and the one before it; every other one goes when they are too many, never the newest. */
function kept(samples: readonly Sample[]): Sample[] {
  const newest = samples.at(-1)?.atMs ?? 0;
  const inWindow = samples.filter((_, index) => {
    const next = samples[index + 1];
    return next === undefined || newest - next.atMs <= SPEED_WINDOW_MS;
  });
  if (inWindow.length <= SAMPLES_MAX) return inWindow;
  return inWindow.filter((_, index) => (inWindow.length - 1 - index) % 2 === 0);
}

/** Since the last sample that is a minute old, or the first; 0 before any time has gone by. */
function ticketRate(samples: readonly Sample[], tickets: number, nowMs: number): number {
  const since = samples.findLast(({ atMs }) => nowMs - atMs >= RATE_WINDOW_MS) ?? samples[0];
  if (since === undefined || nowMs <= since.atMs) return 0;
  return ((tickets - since.tickets) * 1000) / (nowMs - since.atMs);
}

function longestPauseMs(samples: readonly Sample[]): number {
  const pauses = samples.map(({ atMs }, index) => atMs - (samples[index - 1]?.atMs ?? atMs));
  return Math.max(0, ...pauses);
}

/** Seconds of history a second; undefined while there is too little to tell. */
function medianSpeed(samples: readonly Sample[]): number | undefined {
  const known = samples.flatMap(({ atMs, positionSecond }) =>
    positionSecond === undefined ? [] : [{ atMs, positionSecond }],
  );
  const spanMs = (known.at(-1)?.atMs ?? 0) - (known[0]?.atMs ?? 0);
  if (known.length < SAMPLES_MIN || spanMs < SPAN_MS_MIN) return undefined;
  const slopes = known.flatMap((later, index) =>
    known
      .slice(0, index)
      .filter((earlier) => later.atMs > earlier.atMs)
      .map(
        (earlier) => ((later.positionSecond - earlier.positionSecond) * 1000) / (later.atMs - earlier.atMs),
      ),
  );
  slopes.sort((a, b) => a - b);
  return slopes[Math.floor(slopes.length / 2)];
}
