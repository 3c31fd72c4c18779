import { fc, test } from '@fast-check/vitest';
import { CloudEvent, Kafka, type KafkaMessage } from 'cloudevents';
import { describe, expect, it } from 'vitest';
import { ticketDigest } from './digest.ts';
import { decodeEvent, encodeEventHeaders, eventId, eventTypes, type TicketEvent } from './ticket-event.ts';
import { formatRfc3339Second } from './updated-stamp.ts';

/**
 * The oracle is the reader of the CloudEvents project's own SDK: what it makes of our records is what a foreign
 * consumer sees. It throws where an attribute that 1.0 requires is missing or malformed (strict, in `validate`).
 */
function readBySdk(event: TicketEvent, value: Buffer): CloudEvent<{ id: number }> {
  const message: KafkaMessage = {
    key: event.ticketId,
    value,
    headers: encodeEventHeaders(event),
    body: value,
    timestamp: '1700000000000',
  };
  expect(Kafka.isEvent(message)).toBe(true);
  const read = Kafka.toEvent<{ id: number }>(message);
  if (!(read instanceof CloudEvent)) throw new Error('the SDK read several events');
  read.validate();
  return read;
}

const ticketId = fc.bigInt({ min: 1n, max: 9_999_999_999_999_999_999n }).map(String);
const hex = (length: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((digits) => digits.map((digit) => digit.toString(16)).join(''));
const anyEvent: fc.Arbitrary<TicketEvent> = fc.record({
  ticketId,
  kind: fc.constantFrom('changed', 'deleted'),
  stamp: fc.integer({ min: 1, max: 253_402_300_799 }),
  digest: hex(32),
  source: fc.oneof(
    fc.webUrl({ validSchemes: ['https'], withQueryParameters: true }),
    fc.constantFrom(
      new URL('https://hilfe.müller.example').origin,
      'simulator:seed=1;tickets=10000;start=1790000000',
    ),
  ),
  logId: fc.uuid(),
});
const anyText = fc.string({ unit: 'binary' });
const anyName = fc
  .tuple(
    fc.constantFrom('', 'x:', 'http://[::1]:80', 'https://a/'),
    fc.oneof(
      anyText,
      fc.string(),
      fc.string({ unit: fc.constantFrom('%', '#', '[', ':', '/', '?', 'a', '2') }),
    ),
  )
  .map((parts) => parts.join(''))
  .filter((name) => name !== '');

describe('the record as the CloudEvents SDK reads it', () => {
  test.prop([anyEvent, anyText])('is a valid 1.0 event with every attribute', (event, subject) => {
    const value = Buffer.from(JSON.stringify({ id: 1, subject }));
    const read = readBySdk(event, value);
    const time = formatRfc3339Second(event.stamp);
    expect(read.specversion).toBe('1.0');
    expect(read.id).toBe(eventId(event));
    expect(read.type).toBe(eventTypes[event.kind]);
    expect(read.source).toBe(event.source);
    expect(read.subject).toBe(event.ticketId);
    expect(Date.parse(read.time ?? '')).toBe(event.stamp * 1000);
    expect(read.datacontenttype).toBe('application/json');
    expect(read.dataschema).toMatch(/^urn:ticket-stream:schema:ticket:\d+$/);
    expect(read['updatedstamp']).toBe(time);
    expect(read['digest']).toBe(event.digest);
    expect(read['logid']).toBe(event.logId);
    expect(read['partitionkey']).toBe(event.ticketId);
    expect(read.data).toEqual(JSON.parse(value.toString()));
  });

  test.prop([anyEvent, anyName], { numRuns: 1_000 })(
    'has a URI for a source also where an operator named it otherwise',
    (event, source) => {
      const named = { ...event, source };
      const read = readBySdk(named, Buffer.from('{"id":1}'));
      expect(read.source).toMatch(/^[\x21-\x7e]+$/);
      expect(decodeEvent(Buffer.from(event.ticketId), encodeEventHeaders(named)).source).toBe(read.source);
    },
  );

  it('has an id that tells versions apart, and repeats it for a repeat', () => {
    const event: TicketEvent = {
      ticketId: '42',
      kind: 'changed',
      stamp: 1_700_000_000,
      digest: ticketDigest(Buffer.from('{"id":42}')),
      source: 'https://acme.zendesk.com',
      logId: '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b',
    };
    const id = (other: Partial<TicketEvent>) =>
      readBySdk({ ...event, ...other }, Buffer.from('{"id":42}')).id;
    expect(id({ logId: '00000000-0000-4000-8000-000000000000' })).toBe(id({}));
    expect(
      new Set([id({}), id({ stamp: 1 }), id({ digest: 'a'.repeat(32) }), id({ ticketId: '43' })]).size,
    ).toBe(4);
  });
});

/** As kafkajs hands them over: names and raw bytes. */
const inBytes = (event: TicketEvent): Record<string, Buffer> =>
  Object.fromEntries(
    Object.entries(encodeEventHeaders(event)).map(([name, value]) => [name, Buffer.from(value, 'utf8')]),
  );

const READ = ['ce_type', 'ce_updatedstamp', 'ce_digest', 'ce_logid', 'ce_source'] as const;

describe('reading it back', () => {
  test.prop([anyEvent])('gives the same event, from text and from bytes', (event) => {
    const key = Buffer.from(event.ticketId);
    expect(decodeEvent(key, encodeEventHeaders(event))).toEqual(event);
    expect(decodeEvent(key, inBytes(event))).toEqual(event);
  });

  const broken = fc.oneof(
    fc.constant({ how: 'missing', value: undefined }),
    fc.constant({ how: 'null', value: null }),
    fc.constant({ how: 'empty', value: Buffer.alloc(0) }),
    fc.constant({ how: 'no UTF-8', value: Buffer.from([0xff, 0xfe, 0x80, 0xc3]) }),
    fc.constant({
      how: 'cut inside a character',
      value: Buffer.from('https://acme.example/\u00fc').subarray(0, -1),
    }),
  );
  const good = fc.sample(anyEvent, { seed: 1, numRuns: 1 })[0] as TicketEvent;

  test.prop([fc.constantFrom(...READ), broken])(
    'refuses a header that is broken, by name',
    (header, { value }) => {
      expect(() => decodeEvent(Buffer.from(good.ticketId), { ...inBytes(good), [header]: value })).toThrow(
        expect.objectContaining({ code: 'record.invalid_headers', message: expect.stringContaining(header) }),
      );
    },
  );

  test.prop([fc.constantFrom(...READ), fc.integer({ min: 2, max: 3 })])(
    'refuses a header given twice, also with the same value',
    (header, times) => {
      const headers = inBytes(good);
      const value = Array.from({ length: times }, () => headers[header] as Buffer);
      expect(() => decodeEvent(Buffer.from(good.ticketId), { ...headers, [header]: value })).toThrow(
        expect.objectContaining({ code: 'record.invalid_headers', message: expect.stringContaining(header) }),
      );
    },
  );

  const anyBytes = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes));
  const anyHeader = fc.oneof(
    anyBytes,
    anyText,
    fc.constant(null),
    fc.array(fc.oneof(anyBytes, fc.constant(null)), { maxLength: 3 }),
  );
  test.prop(
    [
      fc.option(anyBytes),
      fc.dictionary(fc.oneof(fc.constantFrom(...READ, '__proto__', 'constructor'), anyText), anyHeader),
      fc.boolean(),
    ],
    { numRuns: 2_000 },
  )('gives an event or record.invalid_headers, whatever a record carries', (key, headers, amongGood) => {
    try {
      const event = decodeEvent(key, amongGood ? { ...inBytes(good), ...headers } : headers);
      expect(event.ticketId).toMatch(/^[1-9]\d{0,18}$/);
      expect(event.digest).toMatch(/^[0-9a-f]{32}$/);
      expect(event.source).not.toBe('');
      expect(Number.isSafeInteger(event.stamp) && event.stamp > 0).toBe(true);
    } catch (error) {
      expect(error).toMatchObject({ code: 'record.invalid_headers' });
    }
  });

  it('refuses a record without headers', () => {
    expect(() => decodeEvent(Buffer.from('1'), undefined)).toThrow(
      expect.objectContaining({ code: 'record.invalid_headers' }),
    );
  });
});
