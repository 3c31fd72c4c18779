import type { RawHeaders } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { type DeadLetter, encodeDeadLetter, encodeDeadLetterState } from './dead-letter.ts';

const letterOf = (headers: RawHeaders | undefined, recordKey = Buffer.from('42')): DeadLetter => ({
  code: 'record.invalid_value',
  cause: 'it is not JSON',
  origin: {
    kind: 'record',
    group: 'tickets.search.1',
    topic: 'tickets',
    partition: 3,
    offset: 17n,
    recordKey,
    headers,
  },
  bytes: Buffer.from('not JSON'),
});

describe("a consumer's dead letter", () => {
  it('is the record itself, its headers as they were, the facts beside them', () => {
    const bytes = Buffer.from([0xff, 0x00, 0xfe]);
    const { key, value, headers } = encodeDeadLetter(
      letterOf({ ce_type: 'com.zendesk.ticket.changed', odd: bytes, twice: [Buffer.from('a'), 'b'] }),
      1_000,
    );
    expect(key).toBe('tickets.search.1/tickets/3/17');
    expect(value.toString()).toBe('not JSON');
    expect(headers).toEqual({
      ce_type: 'com.zendesk.ticket.changed',
      odd: bytes,
      twice: [Buffer.from('a'), 'b'],
      'dlq-code': 'record.invalid_value',
      'dlq-cause': 'it is not JSON',
      'dlq-origin': 'record',
      'dlq-group': 'tickets.search.1',
      'dlq-topic': 'tickets',
      'dlq-partition': '3',
      'dlq-offset': '17',
      'dlq-record-key': 'NDI=',
    });
  });

  it('has an empty header where the record has a null one, which kafkajs reads but cannot write', () => {
    const headers = { ce_type: null, twice: [Buffer.from('a'), null] };
    expect(encodeDeadLetter(letterOf(headers), 1_000).headers).toMatchObject({
      ce_type: '',
      twice: [Buffer.from('a'), ''],
    });
  });

  it('takes no fact and no state from the headers of a stranger', () => {
    const { headers } = encodeDeadLetter(
      letterOf({ 'dlq-state': 'dropped', 'dlq-code': 'ticket.no_id' }),
      1_000,
    );
    expect(headers['dlq-code']).toBe('record.invalid_value');
    expect(headers).not.toHaveProperty('dlq-state');
  });

  it('is written without its headers where they alone are larger than a letter may be, and says so', () => {
    const { headers } = encodeDeadLetter(
      letterOf({ a: Buffer.alloc(40_000), b: Buffer.alloc(40_000) }),
      1_000,
    );
    expect(headers).not.toHaveProperty('a');
    expect(headers['dlq-headers-left-out']).toBe('80002');
  });

  it('is written without the key of its record where that is longer than any of ours, and says so', () => {
    const { headers } = encodeDeadLetter(letterOf({}, Buffer.alloc(7_000_000)), 1_000);
    expect(headers).not.toHaveProperty('dlq-record-key');
    expect(headers['dlq-record-key-left-out']).toBe('7000000');
  });

  it('whose bytes are a head already tells of the whole, also where that head is cut', () => {
    const whole = { byteLength: 9_000_000, sha256: 'of the whole' };
    const { value, headers } = encodeDeadLetter(
      { ...letterOf({}), bytes: Buffer.alloc(65_536), whole },
      1_000,
    );
    expect(value).toHaveLength(1_000);
    expect(headers).toMatchObject({ 'dlq-bytes': '9000000', 'dlq-sha256': 'of the whole' });
  });
});

describe('a letter of state', () => {
  it('stands under the key of its letter, with who and why', () => {
    const key = 'tickets.search.1/tickets/3/17';
    expect(encodeDeadLetterState({ key, state: 'dropped', by: 'ann@ops', reason: 'a test' })).toEqual({
      key,
      value: Buffer.alloc(0),
      headers: { 'dlq-state': 'dropped', 'dlq-by': 'ann@ops', 'dlq-reason': 'a test' },
    });
  });
});
