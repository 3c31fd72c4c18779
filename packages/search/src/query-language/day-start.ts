import { parseRfc3339Second } from '@ticket-stream/ticket';

/** `2026-03-01` as the epoch second it begins with in UTC; undefined for what is no day since 1970. */
export function dayStart(day: string): number | undefined {
  // The first second of 1970 is no usable stamp, but it does begin a day.
  const second = parseRfc3339Second(`${day}T00:00:01Z`);
  return second === undefined ? undefined : second - 1;
}
