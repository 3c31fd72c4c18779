/**
 * What an export shows of itself: counts, waits, how far a backfill is, whether it gets on, metrics. The loop says
 * what happens; who asks reads it here. Nothing runs in between but the backfill's line in the log.
 */
import type { ErrorCode } from '@ticket-stream/errors';
import type { BackfillProgress, Health, Logger, WaitCause } from '@ticket-stream/service-kit';
import type { ExportState } from '@ticket-stream/zendesk-export';
import { startBackfillLog } from './backfill-log.ts';
import { type BackfillTracker, createBackfillTracker } from './backfill-progress.ts';
import { type ExportActivity, exportHealth, exportReadiness } from './export-health.ts';
import { registerExportMetrics } from './export-metrics.ts';
import { createExportProgress, type ExportProgress } from './export-progress.ts';
import { createExportWaits } from './export-waits.ts';
import type { WrittenOutcome } from './letter-outcome.ts';
import type { PageOutcome } from './page-attempt.ts';
import { createRequestWindow } from './request-window.ts';

export interface ExportObservation {
  readonly progress: ExportProgress;
  /** The time of `work` counts as waiting. @param knownMs  how long it will be, where that is known */
  waiting<T>(cause: WaitCause, work: () => Promise<T>, knownMs?: number): Promise<T>;
  /** Said at each vain attempt, so that a Kafka that is away for long does not look like a loop that hangs. */
  waitingFor(reason: string | undefined): void;
  /** From here on the checkpoint is known, and what is told of the export comes from it. */
  opened(log: ObservedLog): void;
  requested(perPage: number): void;
  answered(seconds: number, answer: { readonly status?: number; readonly errorCode?: ErrorCode }): void;
  /** Of the page at work; nothing of it is durable. */
  parsed(tickets: number): void;
  pageFailed(seconds: number, code: ErrorCode): void;
  pageEnded(seconds: number, outcome: PageOutcome): void;
  /** A ticket that was fetched again is durable, or its letter once more. */
  letterDone(outcome: WrittenOutcome): void;
  /** Nothing newer now. */
  caughtUp(): void;
  stopped(): void;

  backfill(): BackfillProgress | undefined;
  ready(): Health;
  healthy(): Health;
}

interface ObservedLog {
  readonly state: () => ExportState;
  /** As `performance.now()`; undefined while no transaction is open. */
  readonly openTransactionSinceMs: () => number | undefined;
  readonly startSecond: number;
}

export interface ObservationSettings {
  readonly logger: Logger;
  readonly perPage: number;
  readonly requestsAllowed: number;
  /** Between two turns of the pace. */
  readonly spacingSeconds: number;
  readonly delaySeconds: number;
  readonly zendeskUrl: string;
  readonly topics: { readonly tickets: string; readonly deadLetters: string };
}

const nowMs = (): number => performance.now();
const nowSecond = (): number => Date.now() / 1000;
const secondsSince = (ms: number): number => (nowMs() - ms) / 1000;

export function createExportObservation(settings: ObservationSettings): ExportObservation {
  const { logger, requestsAllowed, delaySeconds } = settings;
  const progress = createExportProgress(settings.perPage);
  const waits = createExportWaits(nowMs);
  const requests = createRequestWindow(nowMs);
  let log: ObservedLog | undefined;
  let tracker: BackfillTracker | undefined;
  let backfillLog: ReturnType<typeof startBackfillLog> | undefined;
  let movedMs = nowMs();
  let triedMs = movedMs;

  const isBackfilling = (): boolean => progress.stage === 'starting' || progress.stage === 'backfill';
  const tried = (): void => {
    triedMs = nowMs();
  };
  const moved = (): void => {
    movedMs = triedMs = nowMs();
  };
  const activity = (): ExportActivity => ({
    stage: progress.stage,
    secondsSinceMoved: secondsSince(movedMs),
    secondsSinceTried: secondsSince(triedMs),
    spacingSeconds: settings.spacingSeconds,
    waiting: waits.current(),
    waitingFor: progress.waitingFor,
  });

  const recorder = registerExportMetrics({
    counts: () => progress,
    lastGeneratedSecond: () => progress.newestSecond,
    positionSecond: () => log?.state().position,
    secondsSinceMoved: () => secondsSince(movedMs),
    transactionOpenSeconds: () => {
      const sinceMs = log?.openTransactionSinceMs();
      return sinceMs === undefined ? undefined : secondsSince(sinceMs);
    },
    retries: () => progress.retries,
    waitedSeconds: waits.seconds,
    requestsLastMinute: requests.lastMinute,
    requestsAllowed,
    gapsAccepted: () => log?.state().gaps.length,
    boundary: () => log?.state().boundary,
    perPage: () => progress.perPage,
    topics: settings.topics,
    zendeskUrl: settings.zendeskUrl,
  });

  return {
    progress,
    waiting(cause, work, knownMs) {
      tried();
      return waits.during(cause, work, knownMs);
    },
    waitingFor(reason) {
      tried();
      progress.waitingFor = reason;
    },
    opened(opened) {
      log = opened;
      tracker = createBackfillTracker({
        startSecond: opened.startSecond,
        resumedAtSecond: opened.state().position,
        delaySeconds,
        requestsAllowed,
        requests,
        waits,
        clock: { nowMs, nowSecond },
      });
      backfillLog = startBackfillLog({ logger, snapshot: tracker.snapshot });
    },
    requested(perPage) {
      tried();
      requests.note();
      progress.requests++;
      progress.perPage = perPage;
    },
    answered(seconds, answer) {
      tried();
      recorder.requestEnded(seconds, answer);
    },
    parsed(tickets) {
      moved();
      progress.parsing += tickets;
    },
    pageFailed(seconds, code) {
      tried();
      progress.parsing = 0;
      // Too recent is an answer: there is nothing newer.
      if (code === 'zendesk.too_recent') {
        movedMs = triedMs;
        recorder.pageEnded(seconds, 'caught_up');
        return;
      }
      progress.retries.set(code, (progress.retries.get(code) ?? 0) + 1);
      recorder.pageEnded(seconds, 'failed');
    },
    pageEnded(seconds, outcome) {
      moved();
      progress.parsing = 0;
      recorder.pageEnded(seconds, outcome.verdict);
      if (outcome.verdict === 'uncounted') return;
      progress.pages++;
      progress.bytes += outcome.bytes;
      progress.exported += outcome.exported;
      progress.published += outcome.published;
      progress.repeated += outcome.repeated;
      progress.deadLettered += outcome.deadLettered;
      const { newestSecond } = outcome;
      if (newestSecond !== undefined && newestSecond > (progress.newestSecond ?? 0))
        progress.newestSecond = newestSecond;
      if (progress.stage === 'starting') progress.stage = 'backfill';
      if (isBackfilling())
        tracker?.page({ tickets: outcome.exported, positionSecond: log?.state().position });
    },
    letterDone(outcome) {
      if (outcome === 'applied') progress.lettersApplied++;
      if (outcome === 'dead_lettered') progress.lettersFailed++;
    },
    caughtUp() {
      if (!isBackfilling()) return;
      tracker?.end();
      backfillLog?.end();
    },
    stopped: () => backfillLog?.stop(),
    backfill: () => (isBackfilling() ? tracker?.snapshot() : undefined),
    ready: () => exportReadiness(activity()),
    healthy: () => exportHealth(activity()),
  };
}
