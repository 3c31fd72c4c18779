import { randomBytes } from 'node:crypto';
import { TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import { ticket } from './testing/log-record.ts';
import { groupOffsets, nameOf, testReadings } from './testing/reading.ts';
import { memoryVersionStore } from './version-store/memory.ts';

const { openLog, read } = testReadings();

describe('what can never work', () => {
  it('is set aside with its code under its place in the log, as it was; everything else is applied', async () => {
    const log = await openLog('dead');
    const good = ticket(1, 100);
    const headers = log.headersOf(good);
    const { value } = good;
    const { ce_updatedstamp: _left, ...noStamp } = headers;
    const noise = randomBytes(64);
    const bad: [code: string, record: Parameters<typeof log.write>[0][number]][] = [
      ['record.invalid_headers', { key: '1', value }],
      ['record.invalid_headers', { key: '1', value, headers: noStamp }],
      ['record.invalid_headers', { key: '1', value, headers: { ...headers, ce_updatedstamp: 'yesterday' } }],
      ['record.invalid_headers', { key: '1', value, headers: { ...headers, ce_type: 'com.acme.merged' } }],
      ['record.invalid_headers', { key: 'no id', value, headers }],
      ['record.invalid_headers', { key: '', value, headers }],
      ['record.invalid_headers', { key: '1', value, headers: { ...headers, ce_digest: ['a', 'twice'] } }],
      [
        'record.invalid_headers',
        { key: noise, value: noise, headers: { [noise.toString('latin1')]: noise } },
      ],
      ['record.invalid_value', { key: '2', value: 'not JSON', headers: log.headersOf(ticket(2, 100)) }],
      ['record.invalid_value', { key: '3', value: null, headers: log.headersOf(ticket(3, 100)) }],
      ['record.invalid_value', { key: '4', value, headers: log.headersOf(ticket(4, 100)) }],
      ['record.invalid_value', { key: '6', value: noise, headers: log.headersOf(ticket(6, 100)) }],
    ];
    const foreign = ticket(7, 100);
    await log.write([
      { key: '1', value, headers },
      ...bad.map(([, record]) => record),
      { key: '5', value: ticket(5, 100).value, headers: log.headersOf(ticket(5, 100)) },
      // An event of another account is an event: nothing of it says that it is not meant to be here.
      {
        key: '7',
        value: foreign.value,
        headers: { ...log.headersOf(foreign), ce_source: 'https://other.io' },
      },
    ]);
    const reading = await read(log, { until: 'end' });
    await reading.subscription.done;
    expect(reading.applied).toEqual(['1@100', '5@100', '7@100']);
    expect(reading.subscription.books()).toEqual({
      ...emptyBooks,
      consumed: bad.length + 3,
      applied: 3,
      deadLettered: bad.length,
    });
    const letters = await log.deadLetters();
    expect(letters.map(({ key, code, state }) => [key, code, state])).toEqual(
      bad.map(([code], index) => [`${log.topic}.group/${log.topic}/0/${index + 1}`, code, 'open']),
    );
    const notJson = letters.find(({ value }) => value === 'not JSON');
    for (const [name, said] of Object.entries(log.headersOf(ticket(2, 100)))) {
      expect(notJson?.headers[name]?.toString()).toBe(said);
    }
    const twice = letters.find(({ headers: each }) => Array.isArray(each['ce_digest']));
    expect(twice?.headers['ce_digest']?.toString()).toBe('a,twice');
  });

  it('is set aside by its head where the topic for it takes no more', async () => {
    const log = await openLog('dead-large');
    const admin = log.kafka.admin();
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: 2, // a topic's, in Kafka's protocol
          name: log.names.deadLetters,
          configEntries: [{ name: 'max.message.bytes', value: '200000' }],
        },
      ],
    });
    await admin.disconnect();
    const value = `not JSON ${randomBytes(200_000).toString('hex')}`;
    await log.write([{ key: '1', value, headers: log.headersOf(ticket(1, 100)) }]);
    await log.publish([ticket(2, 100)]);
    const reading = await read(log, { until: 'end' });
    await reading.subscription.done;
    expect(reading.applied).toEqual(['2@100']);
    const [letter] = await log.deadLetters();
    expect(letter).toMatchObject({ code: 'record.invalid_value', value: value.slice(0, 64 * 1024) });
  });

  it('is set aside before the position moves past it', async () => {
    const log = await openLog('dead-first');
    await log.write([{ key: '1', value: 'no ticket' }]);
    const lettersAtStep: number[] = [];
    const versions = memoryVersionStore();
    const reading = await read(log, {
      until: 'end',
      versions: {
        ...versions,
        async record(step, effect) {
          lettersAtStep.push((await log.deadLetters()).length);
          await versions.record(step, effect);
        },
      },
    });
    await reading.subscription.done;
    expect(lettersAtStep).toEqual([1]);
  });

  it('by the handler’s word is set aside alone, and the rest of its batch is applied', async () => {
    const log = await openLog('refused');
    await log.publish([1, 2, 3, 4].map((id) => ticket(id, 100)));
    const applied: string[] = [];
    const reading = await read(log, {
      until: 'end',
      handle(changes) {
        if (changes.some(({ ticketId }) => ticketId === '3')) {
          throw new TicketStreamError('ticket.too_deep', 'ticket 3 nests too deep');
        }
        applied.push(...changes.map(nameOf));
      },
    });
    await reading.subscription.done;
    expect(applied).toEqual(['1@100', '2@100', '4@100']);
    const books = { ...emptyBooks, consumed: 4, applied: 3, deadLettered: 1 };
    expect(reading.subscription.books()).toEqual(books);
    expect(await reading.versions.readBooks()).toEqual(books);
    expect(await reading.versions.readPositions()).toMatchObject([{ partition: 0, nextOffset: 5n }]);
    expect(await log.deadLetters()).toMatchObject([
      {
        key: `${log.topic}.group/${log.topic}/0/2`,
        code: 'ticket.too_deep',
        value: ticket(3, 100).value.toString(),
      },
    ]);
  });

  it('is no unknown error: after five tries it ends the subscription as a defect', async () => {
    const log = await openLog('defect');
    await log.publish([ticket(1, 100)]);
    let tries = 0;
    const reading = await read(log, {
      handle() {
        tries++;
        throw new Error('nobody foresaw this');
      },
    });
    await expect(reading.subscription.done).rejects.toMatchObject({
      code: 'internal.defect',
      exitCode: 1,
      cause: expect.objectContaining({ message: 'nobody foresaw this' }),
    });
    expect(tries).toBe(5);
    expect(reading.subscription.books()).toEqual(emptyBooks);
    expect(await groupOffsets(log)).toEqual(new Map());
  });

  it('and is too much of it ends the subscription before one too many is set aside, and loses nothing', async () => {
    const log = await openLog('too-many');
    const broken = (id: number) => ({ key: String(id), value: 'x', headers: log.headersOf(ticket(id, 100)) });
    await log.publish([ticket(1, 100)]);
    await log.write([2, 3, 4].map(broken));
    const limited = { deadLetterWindow: { size: 10, letters: 2 } };
    const first = await read(log, limited);
    await expect(first.subscription.done).rejects.toMatchObject({
      code: 'subscriber.too_many_dead_letters',
      exitCode: 5,
      message: expect.stringContaining('offset 2 of partition 0: record.invalid_value'),
    });
    expect(await log.deadLetters()).toEqual([]);
    const second = await read(log, { versions: first.versions, until: 'end' });
    await second.subscription.done;
    const books = await second.versions.readBooks();
    expect(books).toMatchObject({ consumed: 4, applied: 1, deadLettered: 3 });
    expect((await log.deadLetters()).length).toBe(3);
  });

  it('is also what a callback throws: it ends the subscription and not the process', async () => {
    const log = await openLog('callback');
    await log.publish([ticket(1, 100)]);
    for (const options of [
      { onProgress: fail },
      { onWaiting: fail, handle: () => Promise.reject(new TicketStreamError('sink.unavailable', 'down')) },
    ]) {
      const reading = await read(log, { group: `${log.topic}.${Object.keys(options)[0]}`, ...options });
      await expect(reading.subscription.done).rejects.toMatchObject({
        code: 'internal.defect',
        message: 'a callback failed',
      });
    }
    function fail(): never {
      throw new Error('a callback failed');
    }
  });
});
