/** A backfill in one line, for the display of `up` and for the log of a producer that runs by itself. */
import type { BackfillProgress, WaitCause } from './progress.ts';

const waitWords: Readonly<Record<WaitCause, string>> = {
  pace: 'the pace',
  rate_limit: 'a 429',
  zendesk: 'Zendesk',
  kafka: 'Kafka',
};

/** Less is the ordinary course of things and would only flicker. */
const WAITED_SECONDS_SHOWN = 1;
const WAITING_SECONDS_SHOWN = 5;

/** One line of a log. E.g. "backfill 2024-03-07 · 41 % · 9,600/s · ends in 4 min · 10 of 10 requests a minute · waited 12 s for the pace" */
export function backfillText(progress: BackfillProgress): string {
  const { waiting } = progress;
  const parts = backfillParts(progress);
  if (waiting !== undefined && waiting.cause !== 'pace' && waiting.forSeconds >= WAITING_SECONDS_SHOWN) {
    const left = waiting.leftSeconds === undefined ? '' : `, ${durationText(waiting.leftSeconds)} left`;
    parts.push(`waiting for ${waitWords[waiting.cause]}${left}`);
  }
  return `backfill ${parts.join(' · ')}`;
}

/** What there is to say of a backfill, the most important first; the wait of this moment left out. */
export function backfillParts(progress: BackfillProgress): string[] {
  const { positionSecond, fraction, ticketsPerSecond, endsInSeconds } = progress;
  const waited = waitedText(progress);
  const parts = [
    positionSecond === undefined ? '' : new Date(positionSecond * 1000).toISOString().slice(0, 10),
    // Rounded down: 100 % is said when it is so.
    fraction === undefined ? '' : `${Math.floor(fraction * 100)} %`,
    `${Math.round(ticketsPerSecond).toLocaleString('en')}/s`,
    endsInSeconds === undefined ? '' : `ends in ${durationText(endsInSeconds)}`,
    `${progress.requestsLastMinute} of ${progress.requestsAllowed} requests a minute`,
    waited,
  ];
  return parts.filter((part) => part !== '');
}

/** What a backfill comes to when it has caught up. */
export function backfillEndText(progress: BackfillProgress): string {
  const { tickets, elapsedSeconds } = progress;
  const rate = elapsedSeconds > 0 ? Math.round(tickets / elapsedSeconds) : 0;
  const text = `backfill done: ${tickets.toLocaleString('en')} tickets in ${durationText(elapsedSeconds)}, ${rate.toLocaleString('en')}/s`;
  const waited = waitedText(progress);
  return waited === '' ? text : `${text}; ${waited}`;
}

function waitedText({ waitedSeconds }: BackfillProgress): string {
  const waits = (Object.entries(waitedSeconds) as [WaitCause, number][])
    .filter(([, seconds]) => seconds >= WAITED_SECONDS_SHOWN)
    .map(([cause, seconds]) => `${durationText(seconds)} for ${waitWords[cause]}`);
  return waits.length === 0 ? '' : `waited ${waits.join(', ')}`;
}

/** To two places at most: "12 s", "4 min", "3 h 20 min", "5 days". @param seconds  0 or more */
export function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return `${Math.round(minutes / 60 / 24)} days`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
