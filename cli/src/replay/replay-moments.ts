/**
 * Moments and durations in the words of kafka-consumer-groups (4.3.1), read as it reads them, or refused.
 *
 * Two of its readings are surprises and are refused here rather than repeated: `…05.7` is 7 ms to it, where ISO 8601
 * means 700, and `+0530` is five hours (tried 2026-11-24). What it refuses and nobody can misread, a date alone or a
 * time without milliseconds, is taken.
 */
import { refused } from './refused-request.ts';

const DATE_TIME = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}:\d{2})(?:\.(\d{3}))?(Z|[+-]\d{2}(?::?\d{2})?)?)?$/;
/** Java's own limits, which no place on earth is beyond; past them the tool forgets the minutes, or refuses. */
const WEST_MINUTES_MAX = -13 * 60;
const EAST_MINUTES_MAX = 14 * 60;
const MS_PER_DAY = 86_400_000;

/**
 * @param text  `YYYY-MM-DDTHH:mm:SS.sss`, with `Z`, `±HH` or `±HH:MM` after it; UTC without
 * @param flag  named in the error
 * @returns     epoch milliseconds
 * @throws config.invalid
 */
export function parseDateTime(text: string, flag: string): number {
  const [matched, date, time = '00:00:00', fraction = '000', zone = 'Z'] = DATE_TIME.exec(text) ?? [];
  if (matched === undefined) {
    throw refused(
      `${flag} ${text} is no moment`,
      'Write YYYY-MM-DDTHH:mm:SS.sss, all digits of it, with Z or a zone as +05:30 after it; without one it is UTC.',
    );
  }
  const [, sign, hours = '00', minutes = '00'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  if (zone.length === 5 && minutes !== '00') {
    throw refused(
      `${flag} ${text}: kafka-consumer-groups reads the zone ${zone} as ${zone.slice(0, 3)}:00`,
      `Write it with a colon: ${zone.slice(0, 3)}:${minutes}.`,
    );
  }
  const local = `${date}T${time}.${fraction}Z`;
  const localMs = Date.parse(local);
  // V8 takes 30 February for 2 March, and 24:00 for the next day.
  const exists = !Number.isNaN(localMs) && new Date(localMs).toISOString() === local;
  const east = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  if (!exists || Number(minutes) > 59 || east < WEST_MINUTES_MAX || east > EAST_MINUTES_MAX) {
    throw refused(`${flag} ${text} does not exist`, 'Correct the date, the time or the zone.');
  }
  return notBefore1970(localMs - east * 60_000, `${flag} ${text}`);
}

const DURATION =
  /^([-+]?)P(?:([-+]?\d+)D)?(T(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+)(?:[.,](\d{0,9}))?S)?)?$/i;

/**
 * @param text  `PnDTnHnMnS`, as Java's Duration: a part may have a sign of its own, and so may the whole
 * @param now   epoch milliseconds
 * @returns     that long before now, epoch milliseconds; a negative duration lies ahead
 * @throws config.invalid
 */
export function parseAgo(text: string, now: number, flag: string): number {
  const [matched, sign, days, times, hours, minutes, seconds, fraction = ''] = DURATION.exec(text) ?? [];
  const isEmpty = days === undefined && hours === undefined && minutes === undefined && seconds === undefined;
  if (matched === undefined || isEmpty || times?.toUpperCase() === 'T') {
    throw refused(`${flag} ${text} is no duration`, 'Write PnDTnHnMnS, such as P1D, PT6H or P1DT2H30M.');
  }
  const wholeSeconds = number(days) * 86_400 + number(hours) * 3_600 + number(minutes) * 60 + number(seconds);
  const fractionMs = Number(fraction.padEnd(9, '0')) / 1e6;
  const ms = wholeSeconds * 1000 + (seconds?.startsWith('-') === true ? -fractionMs : fractionMs);
  // Java's moments end at 31556889864403199 s; ours where milliseconds are still whole numbers.
  if (!Number.isSafeInteger(Math.round(ms)) || Math.abs(ms) > MS_PER_DAY * 1e8) {
    throw refused(`${flag} ${text} is too long`, 'Give at most 100 million days.');
  }
  return notBefore1970(Math.floor(now - (sign === '-' ? -ms : ms)), `${flag} ${text}`);
}

function number(text: string | undefined): number {
  return text === undefined ? 0 : Number(text);
}

/** Kafka takes −1 and −2 for its latest and earliest offsets, and refuses what lies before. */
function notBefore1970(ms: number, what: string): number {
  if (ms >= 0) return ms;
  throw refused(`${what} lies before 1970`, 'Give a later moment, or --to-earliest.');
}
