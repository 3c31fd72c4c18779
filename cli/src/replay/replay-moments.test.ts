import { fc, it as property } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { parseAgo, parseDateTime } from './replay-moments.ts';

const FLAG = '--to-datetime';
const NOW = Date.parse('2026-11-24T12:00:00Z');
const DAY_MS = 86_400_000;

const refusal = (remedy: RegExp | string) =>
  expect.objectContaining({ code: 'config.invalid', remedy: expect.stringMatching(remedy) });

describe('a moment', () => {
  // The values are what kafka-consumer-groups 4.3.1 made of these texts.
  it.each([
    ['2026-01-02T03:04:05.678', 1_767_323_045_678],
    ['2026-01-02T03:04:05.678Z', 1_767_323_045_678],
    ['2026-01-02T03:04:05.678+02:00', 1_767_315_845_678],
    ['2026-01-02T03:04:05.678-12:30', 1_767_323_045_678 + 12.5 * 3_600_000],
    ['2026-01-02T03:04:05.678+14:00', 1_767_323_045_678 - 14 * 3_600_000],
    ['2026-01-02T03:04:05.678+05', 1_767_305_045_678],
    ['2026-01-02T03:04:05.678+0500', 1_767_305_045_678],
    ['1970-01-01T00:00:00.000', 0],
  ])('%s is what the tool takes it for', (text, ms) => {
    expect(parseDateTime(text, FLAG)).toBe(ms);
  });

  it.each([
    ['2026-01-02', 1_767_312_000_000],
    ['2026-01-02T03:04:05', 1_767_323_045_000],
    ['2026-01-02T03:04:05+02:00', 1_767_315_845_000],
  ])('%s is taken although the tool refuses it: nobody can misread it', (text, ms) => {
    expect(parseDateTime(text, FLAG)).toBe(ms);
  });

  it.each([
    // The tool refuses these.
    ...['', 'yesterday', '2026-02-30T00:00:00.000', '2026-01-02T24:00:00.000', '2026-01-02T03:04:60.000'],
    ...['2026-01-02t03:04:05.678', '2026-01-02T03:04:05.678z', '2026-01-02T03:04:05.678+24:00'],
    ...[
      '2026-01-02T03:04:05.678-23:59',
      '2026-01-02T03:04:05.678-14:00',
      '2026-01-02T03:04:05.678+15',
      '2026-01-02T03:04:05.6789',
      '2026-13-01',
      '2026-01-02T03:04',
      ' 2026-01-02',
    ],
    // It takes these, for something else than they say.
    ...[
      '2026-01-02T03:04:05.678+14:30',
      '2026-01-02T03:04:05.678-13:30',
      '2026-01-02T03:04:05.678+12:60',
      '2026-01-02T03:04:05.7',
      '2026-1-2T3:4:5.7',
      '2026-01-02T03:04:05.678Zfoo',
      '12026-01-02T03:04:05.678',
    ],
  ])('%j is refused', (text) => {
    expect(() => parseDateTime(text, FLAG)).toThrow(refusal('Nothing was changed'));
  });

  it('refuses a zone that the tool would read without its minutes, and writes it as it reads it', () => {
    expect(() => parseDateTime('2026-01-02T03:04:05.678+0530', FLAG)).toThrow(refusal('\\+05:30'));
  });

  it('refuses what lies before 1970, where Kafka has other meanings for the number', () => {
    expect(() => parseDateTime('1969-12-31T23:59:59.999', FLAG)).toThrow(refusal('--to-earliest'));
    expect(() => parseDateTime('1970-01-01T00:00:00.000+01:00', FLAG)).toThrow(refusal('--to-earliest'));
  });

  property.prop([
    fc.integer({ min: 0, max: Date.parse('9999-12-31T00:00:00Z') }),
    fc.integer({ min: -13 * 60, max: 14 * 60 }),
  ])('in any zone is the same moment', (ms, zoneMinutes) => {
    const localMs = ms + zoneMinutes * 60_000;
    fc.pre(localMs >= 0 && localMs < Date.parse('9999-12-31T23:00:00Z'));
    const pad = (value: number): string => String(Math.abs(value)).padStart(2, '0');
    const zone = `${zoneMinutes < 0 ? '-' : '+'}${pad(Math.trunc(zoneMinutes / 60))}:${pad(zoneMinutes % 60)}`;
    const text = new Date(localMs).toISOString().replace('Z', zone);
    expect(parseDateTime(text, FLAG)).toBe(ms);
  });
});

describe('a duration', () => {
  const ago = (text: string): number => NOW - parseAgo(text, NOW, '--by-duration');

  // The values are Java's, in milliseconds.
  it.each([
    ['P1D', 86_400_000],
    ['PT1H', 3_600_000],
    ['P1DT2H3M4S', 93_784_000],
    ['PT0.5S', 500],
    ['PT1,5S', 1_500],
    ['PT1.S', 1_000],
    ['pt1h', 3_600_000],
    ['P-1D', -86_400_000],
    ['-PT1H', -3_600_000],
    ['PT-1H30M', -1_800_000],
    ['+P1D', 86_400_000],
    ['P+1D', 86_400_000],
    ['-PT-0.5S', 500],
    ['PT0S', 0],
  ])('%s is as long as Java has it', (text, ms) => {
    expect(ago(text)).toBe(ms);
  });

  it.each([
    '',
    'P',
    'PT',
    'P1W',
    'P1Y',
    'PT1.5H',
    'P1DT',
    'PT1H1D',
    'PT.5S',
    'PT1S2',
    '1D',
    'PT999999999999999H',
  ])('%j is refused', (text) => {
    expect(() => ago(text)).toThrow(refusal('Nothing was changed'));
  });

  it('refuses one that goes back before 1970', () => {
    expect(() => ago('P100000D')).toThrow(refusal('--to-earliest'));
  });

  property.prop([
    fc.record({
      days: fc.integer({ min: -9_000, max: 9_000 }),
      hours: fc.integer({ min: -999, max: 999 }),
      minutes: fc.integer({ min: -999, max: 999 }),
      milliseconds: fc.integer({ min: -999_999, max: 999_999 }),
      isNegative: fc.boolean(),
    }),
  ])('is the sum of its parts', ({ days, hours, minutes, milliseconds, isNegative }) => {
    const seconds = `${milliseconds < 0 ? '-' : ''}${(Math.abs(milliseconds) / 1000).toFixed(3)}`;
    const sum = days * DAY_MS + hours * 3_600_000 + minutes * 60_000 + milliseconds;
    const wanted = isNegative ? -sum : sum;
    expect(ago(`${isNegative ? '-' : ''}P${days}DT${hours}H${minutes}M${seconds}S`) + 0).toBe(wanted + 0);
  });
});
