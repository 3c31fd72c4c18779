import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import { TicketStreamError } from '@ticket-stream/errors';
import {
  connectKafka,
  type DeadLetter,
  ensureTopics,
  type LogReader,
  openDeadLetterWriter,
  openLogReader,
  readLetters,
  silentLogger,
  topicNames,
} from '@ticket-stream/kafka';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { retryLetters } from './retry-letters.ts';

const { brokers } = sharedKafka();
const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
const names = topicNames(`${topicPrefix('retry-letters')}tickets`);
const IDS = ['1', '2', '3', '4'];
let reader: LogReader;

/** A letter of a group that nobody runs: sent and not waited for. */
function letterAbout(id: string): DeadLetter {
  return {
    ...{ code: 'record.invalid_value', cause: 'no JSON', bytes: Buffer.from(`{"id":${id}}`) },
    origin: {
      kind: 'record',
      ...{ group: 'nobody', topic: names.tickets, partition: 0, offset: BigInt(id) },
      recordKey: Buffer.from(id),
      headers: { ce_subject: id },
    },
  };
}

/** As the producer writes it, whose letters are always waited for. */
const ofProducer: DeadLetter = {
  ...{ code: 'ticket.too_deep', cause: 'too deep', ticketId: '9', bytes: Buffer.from('{"id":9}') },
  origin: { kind: 'export', source: 'https://acme.zendesk.com', startTime: 1 },
};

beforeAll(async () => {
  await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
  reader = await openLogReader(kafka);
  const writer = openDeadLetterWriter(kafka, names.deadLetters);
  // Set aside the other way round, as letters of several members may be: they go in the order of their log all the same.
  await writer.write([ofProducer, ...IDS.toReversed().map(letterAbout)]);
  await writer.close();
});
afterAll(() => reader.close());

/** @param given.afterSend  told how many were sent by then */
async function outcomesOf(given: {
  readonly reader?: LogReader;
  readonly signal?: AbortSignal;
  readonly afterSend?: (sent: number) => void;
}) {
  const read = await readLetters(reader, names.deadLetters);
  const outcomes: [string, string][] = [];
  let failure: unknown;
  await retryLetters({
    cluster: { kafka, reader: given.reader ?? reader, names },
    ...{ rows: [...read.rows.rows()], from: read.nextOffsets, wait: true },
    signal: given.signal ?? new AbortController().signal,
    onOutcome: ({ row, outcome }) => outcomes.push([row.ticketId ?? '', outcome]),
    onProgress: (sent) => given.afterSend?.(sent),
    onIdleGroup() {},
    onRefusedTopic() {},
  }).catch((error: unknown) => {
    failure = error;
  });
  return { outcomes: Object.fromEntries(outcomes), told: outcomes.length, failure };
}

describe('a retry of many letters that ends before its last', () => {
  it('because somebody stopped it tells of each: what is on its way, and what was not sent', async () => {
    const stop = new AbortController();
    const { outcomes, told, failure } = await outcomesOf({
      signal: stop.signal,
      afterSend(sent) {
        if (sent === 3) stop.abort();
      },
    });
    expect(failure).toBeUndefined();
    expect(outcomes).toEqual({ 1: 'sent', 2: 'sent', 3: 'unsent', 4: 'unsent', 9: 'sent' });
    expect(told).toBe(5);
  });

  it('because the cluster went away tells of each, and then why', async () => {
    let sent = 0;
    const away = new TicketStreamError('kafka.unavailable', 'the cluster is away');
    const { outcomes, told, failure } = await outcomesOf({
      reader: {
        ...reader,
        async startOffsets(topic) {
          if (sent === 2) throw away;
          return reader.startOffsets(topic);
        },
      },
      afterSend(so) {
        sent = so;
      },
    });
    expect(failure).toBe(away);
    expect(outcomes).toEqual({ 1: 'sent', 2: 'unsent', 3: 'unsent', 4: 'unsent', 9: 'sent' });
    expect(told).toBe(5);
  });
});
