import { describe, expect, it } from 'vitest';
import { decodeEvent, encodeEventHeaders, eventId, type TicketEvent } from './ticket-event.ts';

const event: TicketEvent = {
  ticketId: '9123456789012345678',
  kind: 'deleted',
  stamp: 1_700_000_000,
  digest: '0123456789abcdef0123456789abcdef',
  source: 'https://acme.zendesk.com',
  logId: '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b',
};
const key = Buffer.from(event.ticketId);

describe('the event in Kafka', () => {
  it('comes back from its headers', () => {
    expect(decodeEvent(key, encodeEventHeaders(event))).toEqual(event);
  });

  it('comes back from headers as Kafka hands them over, in bytes', () => {
    const headers = Object.entries(encodeEventHeaders(event)).map(([name, value]) => [
      name,
      Buffer.from(value),
    ]);
    expect(decodeEvent(key, Object.fromEntries(headers))).toEqual(event);
  });

  it('has the same id whenever the same version is published', () => {
    expect(eventId(event)).toBe('9123456789012345678-1700000000-0123456789abcdef0123456789abcdef');
    expect(encodeEventHeaders(event)['ce_id']).toBe(eventId(event));
  });

  it.each([
    ['ce_type', undefined],
    ['ce_type', 'com.zendesk.ticket.merged'],
    ['ce_updatedstamp', 'yesterday'],
    ['ce_digest', 'abc'],
    ['ce_logid', 'here'],
    ['ce_logid', ['1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b', '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b']],
  ])('is refused with %s = %s, by name', (header, value) => {
    expect(() => decodeEvent(key, { ...encodeEventHeaders(event), [header]: value })).toThrow(
      expect.objectContaining({ code: 'record.invalid_headers', message: expect.stringContaining(header) }),
    );
  });

  it.each([null, Buffer.from(''), Buffer.from('x'), Buffer.from('042')])(
    'is refused with key %s',
    (badKey) => {
      expect(() => decodeEvent(badKey, encodeEventHeaders(event))).toThrow(
        expect.objectContaining({ code: 'record.invalid_headers' }),
      );
    },
  );
});
