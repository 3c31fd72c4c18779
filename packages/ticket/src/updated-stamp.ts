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

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

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
  const match = RFC_3339.exec(value);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, sign, zoneHour, zoneMinute] = match;
  const [y, mo, d, h, mi, s] = [year, month, day, hour, minute, second].map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (h > 23 || mi > 59 || s > 60) return undefined;
  // A leap second (:60) counts as the last second of its minute; Date.UTC has no other place for it.
  const utcMs = Date.UTC(y, mo - 1, d, h, mi, Math.min(s, 59));
  const date = new Date(utcMs);
  if (date.getUTCMonth() !== mo - 1 || date.getUTCDate() !== d || y < 1970) return undefined;
  let offsetMinutes = 0;
  if (sign !== undefined) {
    const [zh, zm] = [Number(zoneHour), Number(zoneMinute)];
    if (zh > 23 || zm > 59) return undefined;
    offsetMinutes = (sign === '-' ? -1 : 1) * (zh * 60 + zm);
  }
  const epochSecond = Math.floor(utcMs / 1000) - offsetMinutes * 60;
  return epochSecond > 0 && epochSecond <= LATEST_SECOND ? epochSecond : undefined;
}

/** Epoch seconds as RFC 3339 UTC without a fraction: the form of the header `ce_updatedstamp`. */
export function formatRfc3339Second(epochSecond: number): string {
  return `${new Date(epochSecond * 1000).toISOString().slice(0, 19)}Z`;
}
