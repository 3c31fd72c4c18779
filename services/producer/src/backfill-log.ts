import {
  type BackfillProgress,
  backfillEndText,
  backfillText,
  isSupervised,
} from '@ticket-stream/service-kit';

const EVERY_MS = 10_000;

/**
 * A backfill in the log: a line every ten seconds, and one when it has caught up. Only of a service that runs by
 * itself; under `up` the display shows the same. Its timer ends with the backfill.
 * @returns end  says that it has caught up; stop  ends it without a word
 */
export function startBackfillLog(settings: {
  readonly logger: { readonly info: (fields: object, text: string) => void };
  readonly snapshot: () => BackfillProgress;
  readonly supervised?: boolean;
  readonly everyMs?: number;
}): { readonly end: () => void; readonly stop: () => void } {
  const { logger, snapshot, supervised = isSupervised(), everyMs = EVERY_MS } = settings;
  if (supervised) return { end: () => {}, stop: () => {} };
  const timer = setInterval(() => {
    const backfill = snapshot();
    logger.info({ backfill }, backfillText(backfill));
  }, everyMs);
  timer.unref();
  let ended = false;
  const stop = (): void => {
    ended = true;
    clearInterval(timer);
  };
  return {
    stop,
    end: () => {
      if (ended) return;
      stop();
      const backfill = snapshot();
      logger.info({ backfill }, backfillEndText(backfill));
    },
  };
}
