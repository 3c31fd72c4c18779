import { ticketDigest } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { readLetterContent, readLetters, readRecord } from './dead-letter-log.ts';
import { openDeadLetterWriter } from './dead-letter-writer.ts';
import { openLetterDesk, originalHeaders } from './letter-desk.ts';
import type { LetterRow } from './letter-fold.ts';
import { ensureRetryTopic, retryTopic } from './retry-topics.ts';
import { testKafka } from './testing/test-kafka.ts';
import { ticket } from './testing/test-publisher.ts';
import { readAll, type TestLog } from './testing/ticket-log.ts';

const kafka = testKafka();

const letterOf = (offset: bigint, bytes: Buffer) =>
  ({
    code: 'record.invalid_value',
    cause: 'no JSON',
    origin: {
      kind: 'record',
      ...{ group: 'a-group', topic: 'tickets', partition: 2, offset },
      recordKey: Buffer.from('7'),
      headers: { ce_subject: '7' },
    },
    bytes,
  }) as const;

async function rowsOf({ reader, names }: TestLog): Promise<LetterRow[]> {
  return [...(await readLetters(reader, names.deadLetters)).rows.rows()];
}

describe('the letters of a topic', () => {
  it("are the producer's and the consumers', one row each, with their bytes to be had", async () => {
    const log = await kafka.log('letters');
    const publisher = await kafka.publisher(log);
    const page = await publisher.beginPage();
    await page.deadLetter({
      code: 'ticket.no_id',
      cause: 'no id',
      origin: { kind: 'export', source: 'https://acme.zendesk.com', startTime: 1_700_000_000 },
      bytes: Buffer.from('{"no":"id"}'),
    });
    await page.commit({ page: 1 });
    // Of a page that never was: no letter either.
    const aborted = await publisher.beginPage();
    await aborted.deadLetter({
      ...{ code: 'ticket.no_version', cause: 'no time', ticketId: '1', bytes: Buffer.from('lost') },
      origin: { kind: 'export', source: 'https://acme.zendesk.com', startTime: 1 },
    });
    await aborted.abort();
    const writer = openDeadLetterWriter(log.kafka, log.names.deadLetters);
    await writer.write([letterOf(40n, Buffer.from('not JSON')), letterOf(40n, Buffer.from('not JSON'))]);
    await writer.close();

    await expect.poll(async () => (await rowsOf(log)).length, { timeout: 20_000 }).toBe(2);
    const [ofProducer, ofConsumer] = (await rowsOf(log)) as [LetterRow, LetterRow];
    expect(ofProducer).toMatchObject({ code: 'ticket.no_id', ticketId: undefined, letters: 1 });
    expect(ofConsumer).toMatchObject({ key: 'a-group/tickets/2/40', letters: 2, ticketId: '7' });
    const content = await readLetterContent(log.reader, log.names.deadLetters, ofConsumer);
    expect(content?.value.toString()).toBe('not JSON');
    expect(
      await readRecord(log.reader, log.names.deadLetters, { partition: 0, offset: 99n }),
    ).toBeUndefined();
  });

  it('written before a moment are not read', async () => {
    const log = await kafka.log('letters-since');
    const writer = openDeadLetterWriter(log.kafka, log.names.deadLetters);
    await writer.write([letterOf(1n, Buffer.from('a'))]);
    const [first] = await rowsOf(log);
    await expect.poll(() => Date.now()).toBeGreaterThan(first?.lastAtMs ?? 0);
    const sinceMs = Date.now();
    await writer.write([letterOf(2n, Buffer.from('b'))]);
    await writer.close();
    const { rows } = await readLetters(log.reader, log.names.deadLetters, { sinceMs });
    expect([...rows.rows()].map(({ key }) => key)).toEqual(['a-group/tickets/2/2']);
  });
});

describe('a retry', () => {
  it('is the record as it was, in its partition, with the place it came from', async () => {
    const log = await kafka.log('retry', { partitions: 3 });
    const topic = retryTopic(log.names.tickets, `${log.names.tickets}.search.1`);
    expect(topic).toBe(`${log.names.tickets}.retry.search.1`);
    await ensureRetryTopic(log.kafka, topic, 3);
    await ensureRetryTopic(log.kafka, topic, 3);
    await expect(ensureRetryTopic(log.kafka, topic, 4)).rejects.toMatchObject({
      code: 'kafka.topic_settings',
    });

    const { value } = ticket(7, 100);
    const headers = {
      ce_digest: ticketDigest(value),
      twice: ['a', 'b'],
      none: null,
      'dlq-code': 'x',
      'retry-offset': '1',
    };
    const desk = await openLetterDesk(log.kafka, log.names.deadLetters);
    await desk.retryRecord({
      ...{ topic, partition: 2, key: Buffer.from('7'), value, letterKey: 'the/letter' },
      headers: originalHeaders(headers),
      originOffset: 12_345n,
    });
    await desk.setState({ key: 'the/letter', state: 'retrying', by: 'ana@desk' }, {});
    await desk.close();

    const [record] = await readAll(log.reader, topic);
    expect(record).toMatchObject({ partition: 2, key: Buffer.from('7'), value });
    const named = Object.fromEntries(
      Object.entries(record?.headers ?? {}).map(([name, each]) => [name, String(each)]),
    );
    expect(named).toEqual({
      ce_digest: ticketDigest(value),
      twice: 'a,b',
      none: '',
      'retry-partition': '2',
      'retry-offset': '12345',
      'retry-letter': 'the/letter',
    });
    expect((await rowsOf(log))[0]).toMatchObject({ state: 'retrying', by: 'ana@desk', letters: 0 });
  });

  it('has no topic where the group has a name that is none, or the one of the producer', () => {
    for (const group of ['a group', 'ö', 'producer', 'tickets.producer', 'x'.repeat(250)])
      expect(() => retryTopic('tickets', group)).toThrow(expect.objectContaining({ code: 'config.invalid' }));
  });
});
