/** Tickets as nobody expects them: each is in the log byte for byte, or a dead letter with its code; none is lost. */
import { createHash } from 'node:crypto';
import { ticketDigest } from '@ticket-stream/ticket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommittedVersion } from '../support/committed-log.ts';
import { createScriptedProducer, type DeadLetterRecord, START_SECOND } from '../support/scripted-producer.ts';

const SECOND = START_SECOND + 10;
const TIME = `"generated_timestamp":${SECOND}`;
const bytes = (text: string): Buffer => Buffer.from(text);
const HUGE_BYTES = 100_000_000;

/** As they are in the page; what they must be in the log. */
const published: Readonly<Record<string, readonly [id: string, ticket: Buffer]>> = {
  'an id given as a string': ['41', bytes(`{"id":"41",${TIME}}`)],
  'an id beyond 2^53, and a number of twenty digits': [
    '9007199254740993',
    bytes(`{"id":9007199254740993,"custom_fields":[{"id":1,"value":12345678901234567890}],${TIME}}`),
  ],
  'an escaped NUL': ['42', bytes(`{"id":42,"subject":"a\\u0000b",${TIME}}`)],
  'invalid UTF-8 in a string': [
    '43',
    Buffer.concat([
      bytes('{"id":43,"subject":"'),
      Buffer.from([0xc3, 0x28, 0xff, 0xfe]),
      bytes(`",${TIME}}`),
    ]),
  ],
  'half of a surrogate pair': ['44', bytes(`{"id":44,"subject":"\\ud83d",${TIME}}`)],
  'white space everywhere': ['45', bytes(`{ "id" :\n45 ,\r\n\t${TIME} }`)],
  'keys that hide others': ['46', bytes(`{"id":46,"via":{"tickets":[{"id":666}],"end_time":1},${TIME}}`)],
  '500 levels of nesting': ['47', bytes(`{"id":47,"x":${'['.repeat(500)}${']'.repeat(500)},${TIME}}`)],
};

const deep = bytes(`{"id":51,"x":${'{"y":'.repeat(10_000)}1${'}'.repeat(10_000)},${TIME}}`);
const embedded = bytes(`{"id":52,${TIME},"_embedded":{"users":[]}}`);
const hugeHead = bytes('{"id":53,"description":"');
const hugeTail = bytes(`",${TIME}}`);

let rig: Awaited<ReturnType<typeof createScriptedProducer>>;
let versions: CommittedVersion[];
let letters: DeadLetterRecord[];

beforeAll(async () => {
  rig = await createScriptedProducer('odd-tickets');
  const small = Object.values(published).map(([, ticket]) => ticket);
  const [twice = Buffer.alloc(0)] = small;
  const parts = [...small, deep, embedded, twice];
  rig.producer.start();
  await rig.zendesk.play(async (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const write = (chunk: Buffer) => new Promise<void>((resolve) => response.write(chunk, () => resolve()));
    await write(bytes('\ufeff{"tickets":['));
    for (const part of parts) await write(Buffer.concat([part, bytes(',')]));
    await write(hugeHead);
    const megabyte = Buffer.alloc(1_000_000, 'a');
    for (let sent = 0; sent < HUGE_BYTES; sent += megabyte.length) await write(megabyte);
    await write(hugeTail);
    response.end(`],"count":${parts.length + 1},"end_of_stream":true,"end_time":${SECOND}}`);
  });
  versions = await rig.versions();
  letters = await rig.deadLetters();
}, 180_000);
afterAll(() => rig[Symbol.asyncDispose]());

describe('an odd ticket', () => {
  it.each(Object.entries(published))('with %s is in the log byte for byte, once', (_name, [id, ticket]) => {
    const found = versions.filter(({ ticketId }) => ticketId === id);
    expect(found.map(({ digest }) => digest)).toEqual([ticketDigest(ticket)]);
  });

  it.each([
    ['10,000 levels deep', '51', 'ticket.too_deep', deep],
    ['with an _embedded of its own', '52', 'ticket.own_embedded', embedded],
  ] as const)('%s is a dead letter with its bytes', (_name, id, code, ticket) => {
    const letter = letters.find(({ named }) => named['dlq-ticket-id'] === id);
    expect(letter?.named['dlq-code']).toBe(code);
    expect(letter?.value?.equals(ticket.subarray(0, 65_536))).toBe(true);
  });

  it('of 100 MB is a dead letter with its head, length and hash', () => {
    const hash = createHash('sha256').update(hugeHead);
    for (let sent = 0; sent < HUGE_BYTES; sent += 1_000_000) hash.update(Buffer.alloc(1_000_000, 'a'));
    const letter = letters.find(({ named }) => named['dlq-ticket-id'] === '53');
    expect(letter?.named).toMatchObject({
      'dlq-code': 'ticket.too_large',
      'dlq-bytes': String(HUGE_BYTES + hugeHead.length + hugeTail.length),
      'dlq-sha256': hash.update(hugeTail).digest('hex'),
    });
    expect(letter?.value).toHaveLength(65_536);
  });

  it('costs nobody anything: all else is there, and everything is counted', async () => {
    expect(versions).toHaveLength(Object.keys(published).length);
    expect(letters).toHaveLength(3);
    const { exported, published: written, repeated, deadLettered } = await rig.status();
    expect([exported, written, repeated, deadLettered]).toEqual([
      Object.keys(published).length + 4,
      Object.keys(published).length,
      1,
      3,
    ]);
  });
});
