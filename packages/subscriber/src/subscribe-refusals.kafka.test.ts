import { randomBytes } from 'node:crypto';
import { TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { emptyBooks } from './books.ts';
import { groupOffsets, nameOf, testReadings } from './testing/reading.ts';
import { ticket } from './testing/tickets-log.ts';
import { memoryVersionStore } from './version-store/memory.ts';

const { openLog, read } = testReadings();

describe('what can never work', () => {
  it('is set aside with its code under its place in the log; everything else is applied', async () => {
    const log = await openLog('dead');
    const good = ticket(1, 100);
    const headers = log.headersOf(good);
    const { value } = good;
    const { ce_updatedstamp: _left, ...noStamp } = headers;
    await log.write([
      { key: '1', value, headers },
      { key: '1', value },
      { key: '1', value, headers: noStamp },
      { key: '1', value, headers: { ...headers, ce_updatedstamp: 'yesterday' } },
      { key: '1', value, headers: { ...headers, ce_type: 'com.zendesk.ticket.merged' } },
      { key: 'no id', value, headers },
      { key: '', value, headers },
      { key: '1', value, headers: { ...headers, ce_digest: [headers['ce_digest'] ?? '', 'twice'] } },
      { key: '2', value: 'not JSON', headers: log.headersOf(ticket(2, 100)) },
      { key: '3', value: null, headers: log.headersOf(ticket(3, 100)) },
      { key: '4', value, headers: log.headersOf(ticket(4, 100)) },
      { key: '5', value: ticket(5, 100).value, headers: log.headersOf(ticket(5, 100)) },
    ]);
    const reading = await read(log, { until: 'end' });
    await reading.subscription.done;
    expect(reading.applied).toEqual(['1@100', '5@100']);
    expect(reading.subscription.books()).toEqual({
      ...emptyBooks,
      consumed: 12,
      applied: 2,
      deadLettered: 10,
    });
    const place = (offset: number) => `${log.topic}.group/${log.topic}/0/${offset}`;
    const letters = await log.deadLetters();
    expect(letters.map(({ key, code }) => ({ key, code }))).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7].map((offset) => ({ key: place(offset), code: 'record.invalid_headers' })),
      ...[8, 9, 10].map((offset) => ({ key: place(offset), code: 'record.invalid_value' })),
    ]);
    expect(letters.find(({ key }) => key === place(8))?.value).toBe('not JSON');
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
    await expect(reading.subscription.done).rejects.toMatchObject({ code: 'internal.defect', exitCode: 1 });
    expect(tries).toBe(5);
    expect(reading.subscription.books()).toEqual(emptyBooks);
    expect(await groupOffsets(log)).toEqual(new Map());
  });
});
