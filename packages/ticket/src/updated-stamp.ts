/**
 * `updated_stamp`: the moment that makes one copy of a ticket newer than another (docs/adr/0001).
 *
 * Zendesk's own `updated_stamp` is write-only and `updated_at` stands still on system updates (automations, the
 * scrub of a deleted ticket), so the producer derives it: the latest of the times the ticket carries.
 *
 * Whole epoch seconds. Zendesk's clock ticks in seconds; a fraction, should one come, is dropped, so that every
 * store compares the same number. Within one second the order of the log decides (ticket-version.ts).
 */

/** 9999-12-31T23:59:59Z: beyond it RFC 3339 ends, and a number is more likely milliseconds than a date. */
const LATEST_SECOND = 253_402_300_799;

/** Without groups: the numbers stand in fixed places, and each group would be a string, a million times a page. */
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const ZONE_LENGTH = '+00:00'.length;

export interface StampFields {
  readonly generated_timestamp?: unknown;
  readonly updated_stamp?: unknown;
  readonly updated_at?: unknown;
  readonly created_at?: unknown;
}

/**
 * @returns the latest of `generated_timestamp` (a number of epoch seconds), `updated_stamp`, `updated_at` and
 *          `created_at` (RFC 3339), in whole epoch seconds; absent, unparsable and ≤ 0 values do not count;
 *          undefined where none counts: such a ticket is a dead letter
 */
export function deriveUpdatedStamp(fields: StampFields): number | undefined {
  let latest = 0;
  for (const candidate of [
    usableSecond(fields.generated_timestamp),
    parseRfc3339Second(fields.updated_stamp),
    parseRfc3339Second(fields.updated_at),
    parseRfc3339Second(fields.created_at),
  ]) {
    if (candidate !== undefined && candidate > latest) latest = candidate;
  }
  return latest > 0 ? latest : undefined;
}

/** A number of epoch seconds that can be a moment of this world, fraction dropped; undefined otherwise. */
export function usableSecond(value: unknown): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  const second = Math.floor(value);
  return second > 0 && second <= LATEST_SECOND ? second : undefined;
}

/**
 * RFC 3339 to whole epoch seconds, strictly: `Date.parse` also takes "2026-13" as text of other shapes and rolls
 * 31 February over to March. @returns undefined for anything that is not a date-time with a zone, or is ≤ 0
 */
export function parseRfc3339Second(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.length > 40) return undefined;
  if (!RFC_3339.test(value)) return undefined;
  const [year, month, day] = [digitsAt(value, 0, 4), digitsAt(value, 5, 2), digitsAt(value, 8, 2)];
  const [hour, minute, second] = [digitsAt(value, 11, 2), digitsAt(value, 14, 2), digitsAt(value, 17, 2)];
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > lastDayOf(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 60) return undefined;
  const offset = zoneMinutes(value);
  if (offset === undefined) return undefined;
  // A leap second (:60) counts as the last second of its minute; Date.UTC has no other place for it.
  const utcMs = Date.UTC(year, month - 1, day, hour, minute, Math.min(second, 59));
  const epochSecond = utcMs / 1000 - offset * 60;
  return epochSecond > 0 && epochSecond <= LATEST_SECOND ? epochSecond : undefined;
}

function digitsAt(text: string, at: number, count: number): number {
  let number = 0;
  for (let place = at; place < at + count; place++) number = number * 10 + text.charCodeAt(place) - 48;
  return number;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function lastDayOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
}

/** @returns how far the zone of an RFC 3339 text is ahead of UTC; undefined for one that no clock shows */
function zoneMinutes(text: string): number | undefined {
  const at = text.length - ZONE_LENGTH;
  const sign = text[at];
  if (sign !== '+' && sign !== '-') return 0;
  const [hours, minutes] = [digitsAt(text, at + 1, 2), digitsAt(text, at + 4, 2)];
  if (hours > 23 || minutes > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (hours * 60 + minutes);
}

/** Epoch seconds as RFC 3339 UTC without a fraction: the form of the header `ce_updatedstamp`. */
export function formatRfc3339Second(epochSecond: number): string {
  return `${new Date(epochSecond * 1000).toISOString().slice(0, 19)}Z`;
}
