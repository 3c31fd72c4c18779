import type { LogRecord } from '@ticket-stream/kafka';
import { encodeEventHeaders, ticketDigest } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { SeenVersions } from './seen-versions.ts';
import { humanLine, jsonLine } from './tail-lines.ts';
import { tailRecord } from './tail-record.ts';

const LOG_ID = '6f1f0c3e-2a1b-4c5d-8e9f-0a1b2c3d4e5f';

function recordOf(ticketId: string, text: string | null, headers?: LogRecord['headers']): LogRecord {
  const value = text === null ? null : Buffer.from(text);
  const event = {
    ...({ ticketId, kind: 'changed', stamp: 1_700_000_000, source: 'test', logId: LOG_ID } as const),
    digest: ticketDigest(value ?? Buffer.alloc(0)),
  };
  return {
    ...{ partition: 2, offset: 77n, publishedAtMs: Date.UTC(2026, 10, 24, 14, 2, 11, 500), value },
    key: Buffer.from(ticketId),
    headers: headers ?? encodeEventHeaders(event),
  };
}

const line = (record: LogRecord, before?: string, style: Partial<Parameters<typeof humanLine>[1]> = {}) =>
  humanLine(
    tailRecord(record, () => (before === undefined ? undefined : Buffer.from(before))),
    { fields: [], width: undefined, ...style },
  );
const json = (record: LogRecord, fields: string[][] = []) =>
  jsonLine(
    tailRecord(record, () => undefined),
    { fields, width: undefined },
  ).toString();

describe('a line for a person', () => {
  it('has time, ticket, kind, status, priority and subject', () => {
    const text = '{"id":35,"status":"open","priority":"high","subject":"Refund\\n please"}';
    expect(line(recordOf('35', text))).toBe(
      '2026-11-24 14:02:11        35  changed  open      high     Refund please',
    );
  });

  it('ends with what changed, which the subject gives way to', () => {
    const now = `{"id":35,"status":"open","subject":"${'long '.repeat(40)}","tags":["a"]}`;
    const before = now.replace('open', 'new').replace('"a"', '');
    const shown = line(recordOf('35', now), before, { width: 100 });
    expect(shown).toMatch(/ {2}\[status, tags\]$/);
    expect(shown.length).toBeLessThanOrEqual(100);
  });

  it('shows the fields asked for, with their digits', () => {
    const text = '{"id":9007199254740993,"a":{"b":1.50},"c":null}';
    const fields = [['id'], ['a', 'b'], ['c'], ['d', 'e']];
    expect(line(recordOf('9007199254740993', text), undefined, { fields })).toMatch(
      /changed {2}id=9007199254740993 {2}a\.b=1\.50 {2}c=null {2}d\.e=null$/,
    );
  });

  it.each([
    [
      'a value that is no JSON',
      recordOf('35', '{"id":35'),
      '! the value is not the JSON of a ticket, at 2@77',
    ],
    ['no value', recordOf('35', null), '! the record has no value, at 2@77'],
    ['no headers', recordOf('35', '{}', {}), '! ce_type of the record is not there, at 2@77'],
    ['a key that is no id', recordOf('\u001b[2J', '{}', {}), '! the key of the record is not'],
  ])('says of %s what is wrong and where it lies', (_, record, words) => {
    expect(line(record)).toContain(words);
    expect(line(record)).not.toContain('\u001b');
  });
});

describe('a line of JSON', () => {
  it("holds the ticket's bytes, not a copy of what they say", () => {
    const text = '{ "id": 9007199254740993, "x": 1.50, "é": "\\u00e9" }';
    const shown = json(recordOf('9007199254740993', text));
    expect(shown).toContain(`"ticket":${text}}\n`);
    expect(JSON.parse(shown)).toMatchObject({
      ...{ partition: 2, offset: '77', ticketId: '9007199254740993', kind: 'changed' },
      ...{ publishedAt: '2026-11-24T14:02:11.500Z', updatedStamp: '2023-11-14T22:13:20Z' },
    });
  });

  it('is one line, also of a ticket of several', () => {
    const shown = json(recordOf('1', '{\r\n  "id": 1,\n  "a": "b\\nc"\n}'));
    expect(shown.split('\n')).toHaveLength(2);
    expect((JSON.parse(shown) as { ticket: unknown }).ticket).toEqual({ id: 1, a: 'b\nc' });
  });

  it('has the fields asked for in the place of the ticket, digit for digit', () => {
    const shown = json(recordOf('7', '{"id":7,"n":123456789012345678901,"o":{"p":[1.0]}}'), [
      ['n'],
      ['o', 'p'],
    ]);
    expect(shown).toContain('"fields":{"n":123456789012345678901,"o.p":[1.0]}');
  });

  it.each([
    ['broken JSON', Buffer.from('{"id":1')],
    ['no UTF-8', Buffer.from('7b22696422 3a31ff7d'.replace(' ', ''), 'hex')],
    ['JSON that is no object', Buffer.from('[1]')],
  ])('is JSON whatever the value: %s stands in base64', (_, value) => {
    const record = { ...recordOf('1', '{}'), value };
    const shown = JSON.parse(json(record)) as { problem: string; valueBase64: string };
    expect(shown.problem).toBe('the value is not the JSON of a ticket');
    expect(Buffer.from(shown.valueBase64, 'base64').equals(value)).toBe(true);
  });
});

describe('versions seen', () => {
  it('are forgotten from the one not seen for longest, by their bytes', () => {
    const seen = new SeenVersions(10);
    const of = (text: string) => Buffer.from(text);
    expect(seen.replace('1', of('aaaa'))).toBeUndefined();
    expect(seen.replace('2', of('bbbb'))).toBeUndefined();
    expect(seen.replace('1', of('cccc'))?.toString()).toBe('aaaa');
    // 12 bytes: the 2 goes, though it came after the first 1.
    expect(seen.replace('3', of('dddd'))).toBeUndefined();
    expect(seen.replace('2', of('e'))).toBeUndefined();
    expect(seen.replace('1', of('f'))?.toString()).toBe('cccc');
  });

  it('of which one is larger than all may be are none', () => {
    const seen = new SeenVersions(10);
    seen.replace('1', Buffer.alloc(11));
    expect(seen.replace('1', Buffer.alloc(1))).toBeUndefined();
  });
});
