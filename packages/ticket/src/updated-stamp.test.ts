import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { deriveUpdatedStamp, formatRfc3339Second, parseRfc3339Second } from './updated-stamp.ts';

describe('the updated stamp', () => {
  it.each([
    [
      'the generated second when it is the latest',
      { generated_timestamp: 1_700_000_100, updated_at: '2023-11-14T22:13:20Z' },
      1_700_000_100,
    ],
    [
      'updated_at when it is the latest',
      { generated_timestamp: 5, updated_at: '2023-11-14T22:13:20Z' },
      1_700_000_000,
    ],
    [
      'created_at when nothing else counts',
      { generated_timestamp: 0, updated_at: 'soon', created_at: '2023-11-14T22:13:20Z' },
      1_700_000_000,
    ],
    [
      "Zendesk's own updated_stamp when a ticket carries one",
      { updated_stamp: '2023-11-14T22:13:21Z', updated_at: '2023-11-14T22:13:20Z' },
      1_700_000_001,
    ],
    ['whole seconds where a fraction comes', { updated_at: '2023-11-14T22:13:20.999Z' }, 1_700_000_000],
    ['nothing for milliseconds taken for seconds', { generated_timestamp: 1_700_000_000_000 }, undefined],
    ['nothing for a number given as text', { generated_timestamp: '1700000000' }, undefined],
    [
      'nothing for negative, zero and non-numbers',
      { generated_timestamp: -1, created_at: null, updated_at: 7 },
      undefined,
    ],
    ['nothing for an empty ticket', {}, undefined],
  ])('is %s', (_, fields, expected) => {
    expect(deriveUpdatedStamp(fields)).toBe(expected);
  });

  it.each([
    '2023-02-30T00:00:00Z',
    '2023-13-01T00:00:00Z',
    '2023-11-14T24:00:00Z',
    '2023-11-14 22:13:20',
    '2023-11-14',
    '14 Nov 2023 22:13:20 UTC',
    '1969-12-31T23:59:59Z',
    `2023-11-14T22:13:20.${'9'.repeat(50)}Z`,
  ])('refuses %s', (text) => {
    expect(parseRfc3339Second(text)).toBeUndefined();
  });

  it('reads zones', () => {
    expect(parseRfc3339Second('2023-11-15T03:43:20+05:30')).toBe(1_700_000_000);
    expect(parseRfc3339Second('2023-11-14T14:13:20-08:00')).toBe(1_700_000_000);
  });

  const twoDigits = (max: number) => fc.nat(max).map((number) => String(number).padStart(2, '0'));
  test.prop([
    fc.integer({ min: 1970, max: 9999 }),
    fc.tuple(twoDigits(14), twoDigits(33), twoDigits(25), twoDigits(62), twoDigits(59)),
    fc.constantFrom('Z', 'z', '.5Z', '+00:00', '-08:00', '+05:30', '+23:59', '.123456-00:30'),
  ])(
    'is what Date makes of a text, or nothing where Date takes none or moves on to another day',
    (year, [month, day, hour, minute, second], zone) => {
      const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
      const asUtc = new Date(`${local}Z`);
      const isOfCalendar = !Number.isNaN(asUtc.getTime()) && asUtc.toISOString().startsWith(local);
      const moment = Math.floor(Date.parse(`${local}${zone.replace('z', 'Z')}`) / 1000);
      const expected = isOfCalendar && moment > 0 && moment <= 253_402_300_799 ? moment : undefined;
      expect(parseRfc3339Second(`${local}${zone}`)).toBe(expected);
    },
  );

  // 2000 and 2400 are leap years, 2100 is none; chance alone seldom comes to a 29 February.
  it.each([1970, 2000, 2023, 2024, 2100, 2400])(
    'has the days that the year %i has, and no others',
    (year) => {
      for (const text of Array.from({ length: 12 * 32 }, (_, n) => {
        const [month, day] = [Math.floor(n / 32) + 1, n % 32].map((number) =>
          String(number).padStart(2, '0'),
        );
        return `${year}-${month}-${day}T12:00:00`;
      })) {
        const date = new Date(`${text}Z`);
        const isOfCalendar = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
        expect(parseRfc3339Second(`${text}Z`), text).toBe(isOfCalendar ? date.getTime() / 1000 : undefined);
      }
    },
  );

  it('takes a leap second for the last one of its minute', () => {
    expect(parseRfc3339Second('2016-12-31T23:59:60Z')).toBe(1_483_228_799);
  });

  test.prop([fc.integer({ min: 1, max: 253_402_300_799 })])('comes back from its RFC 3339 form', (second) => {
    expect(parseRfc3339Second(formatRfc3339Second(second))).toBe(second);
  });

  test.prop([
    fc.record(
      {
        generated_timestamp: fc.anything(),
        updated_at: fc.anything(),
        created_at: fc.oneof(
          fc.anything(),
          fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        ),
      },
      { requiredKeys: [] },
    ),
  ])('is a whole positive second or nothing, whatever a ticket holds', (fields) => {
    const stamp = deriveUpdatedStamp(fields);
    expect(stamp === undefined || (Number.isSafeInteger(stamp) && stamp > 0)).toBe(true);
  });
});
