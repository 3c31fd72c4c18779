import { createHash } from 'node:crypto';
import { DEAD_LETTER_HEAD_BYTES } from '@ticket-stream/kafka';
import { ticketDigest } from '@ticket-stream/ticket';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  byText,
  createScriptedProducer,
  type DeadLetterRecord,
  START_SECOND,
} from '../support/scripted-producer.ts';
import { page, ticket } from '../support/scripted-zendesk.ts';

const SECOND = START_SECOND + 10;
const MB = 1024 * 1024;
const withoutId = JSON.stringify({ subject: 'nobody', generated_timestamp: SECOND });
const withoutTime = '{"id": 71, "subject": "when?", "generated_timestamp": 0, "updated_at": "soon"}';
const overLimit = JSON.stringify(ticket(81, SECOND, { description: 'a'.repeat(8 * MB) }));
const farOverLimit = JSON.stringify(ticket(82, SECOND, { description: 'ß'.repeat(10 * MB) }));
/** Compresses to nothing, and is still too large for its topic's dead letters to hold it whole. */
const justUnderLimit = JSON.stringify(ticket(83, SECOND, { description: 'x'.repeat(8 * MB - 2_000) }));
const noObject = '"a ticket"';
/** Beyond 2^53, where doubles skip every other number: three neighbours are three tickets. */
const largeIds = ['9007199254740992', '9007199254740993', '9223372036854775807'];
const large = largeIds.map((id) => JSON.stringify(ticket(1, SECOND)).replace('"id":1,', `"id":${id},`));
const twice = [ticket(91, SECOND, { subject: 'one' }), ticket(91, SECOND, { subject: 'two' })];
const normal = [ticket(1, SECOND), ticket(2, SECOND)];

const tickets = [
  ...[normal[0] ?? {}, withoutId, overLimit, withoutTime, ...large, ...twice, noObject],
  ...[farOverLimit, justUnderLimit, normal[1] ?? {}],
];
const sideloads = { users: [{ id: 5, tickets: [{ id: 666 }] }] };

let rig: Awaited<ReturnType<typeof createScriptedProducer>>;
let letters: DeadLetterRecord[];

beforeAll(async () => {
  rig = await createScriptedProducer('dead-letters');
  // Live polling shows the newest second again and again.
  const control = { end_time: SECOND, ...sideloads };
  // Of a ticket that changed, the export shows the latest state alone from then on.
  const again = tickets.filter((shown) => shown !== twice[0]);
  rig.producer.start();
  await rig.zendesk.play(
    page([...tickets, ...normal], control),
    page(again, control),
    page(again.toReversed(), control),
  );
  await rig.zendesk.play(page([ticket(3, SECOND + 1)], { end_time: SECOND + 1 }));
  letters = await rig.deadLetters();
});
afterAll(() => rig[Symbol.asyncDispose]());

function letterOf(predicate: (letter: DeadLetterRecord) => boolean): DeadLetterRecord {
  const found = letters.filter(predicate);
  expect(found).toHaveLength(1);
  return found[0] as DeadLetterRecord;
}

describe('a ticket that can never work', () => {
  it.each([
    ['without an id', 'ticket.no_id', withoutId, undefined],
    ['without any time', 'ticket.no_version', withoutTime, '71'],
    ['that is no object', 'ticket.no_id', noObject, undefined],
  ])('%s is a dead letter with its bytes, written once', (_, code, bytes, id) => {
    const letter = letterOf(({ value }) => value?.toString() === bytes);
    expect(letter.named).toMatchObject({
      'dlq-code': code,
      'dlq-origin': 'export',
      'dlq-source': 'test:dead-letters',
      'dlq-start-time': String(START_SECOND),
    });
    expect(letter.named['dlq-ticket-id']).toBe(id);
    expect(letter.key?.toString()).toBe(id ?? ticketDigest(Buffer.from(bytes)));
  });

  it.each([
    ['over the limit of 8 MB', overLimit, '81'],
    ['of 20 MB', farOverLimit, '82'],
  ])(
    'because it is %s is a dead letter with its head, length and hash, and where to fetch it',
    (_, text, id) => {
      const bytes = Buffer.from(text);
      const letter = letterOf(({ named }) => named['dlq-ticket-id'] === id);
      expect(letter.value?.equals(bytes.subarray(0, DEAD_LETTER_HEAD_BYTES))).toBe(true);
      expect(letter.named).toMatchObject({
        'dlq-code': 'ticket.too_large',
        'dlq-bytes': String(bytes.byteLength),
        'dlq-sha256': createHash('sha256').update(bytes).digest('hex'),
        'dlq-fetch-again': `/api/v2/tickets/${id}.json`,
      });
    },
  );

  it('stops nobody: the rest of its page is in the log, once, and nothing else', async () => {
    const versions = await rig.versions();
    const ids = versions.map(({ ticketId }) => ticketId).toSorted(byText);
    expect(ids).toEqual([...largeIds, '1', '2', '3', '83', '91', '91'].toSorted(byText));
    expect(versions.find(({ ticketId }) => ticketId === '83')?.digest).toBe(
      ticketDigest(Buffer.from(justUnderLimit)),
    );
  });

  it('is counted: exported is published, repeated and dead-lettered', async () => {
    const status = await rig.status();
    expect(letters).toHaveLength(5);
    expect(status.deadLettered).toBe(5);
    expect(status.published).toBe(9);
    expect(status.exported).toBe(status.published + status.repeated + status.deadLettered);
  });
});

it('two versions of a ticket on one page are both in the log, in the order of the page', async () => {
  const versions = (await rig.versions()).filter(({ ticketId }) => ticketId === '91');
  const digests = twice.map((version) => ticketDigest(Buffer.from(JSON.stringify(version))));
  expect(versions.map(({ digest }) => digest)).toEqual(digests);
});
