/** A log of tickets with letters of a consumer about some of them. */
import { randomUUID } from 'node:crypto';
import { sharedKafka, topicPrefix } from '@ticket-stream/dev-stack/testing';
import {
  connectKafka,
  type DeadLetter,
  ensureTopics,
  openDeadLetterWriter,
  openLogReader,
  openPagePublisher,
  silentLogger,
  topicNames,
} from '@ticket-stream/kafka';
import { ticketDigest } from '@ticket-stream/ticket';
import { until } from '../support/condition.ts';

export async function createLetterLog(name: string) {
  const { brokers } = sharedKafka();
  const tickets = `${topicPrefix(name)}tickets`;
  const names = topicNames(tickets);
  const kafka = connectKafka({ brokers: brokers.split(',') }, silentLogger);
  const topics = await ensureTopics(kafka, names, { acceptSettings: false, logger: silentLogger });
  const reader = await openLogReader(kafka);
  const publisher = await openPagePublisher({
    ...{ kafka, reader, names, topics, logger: silentLogger },
    source: `test:${name}`,
    initialState: () => ({ page: 0 }),
    parseState: (value) => value as { page: number },
    signal: new AbortController().signal,
  });
  const writer = openDeadLetterWriter(kafka, names.deadLetters);

  /** @returns where each lies, by ticket id */
  async function publish(values: ReadonlyMap<string, Buffer>): Promise<Map<string, Place>> {
    const before = await reader.stableEndOffsets(tickets);
    const page = await publisher.beginPage();
    for (const [ticketId, value] of values) {
      await page.publish(
        { ticketId, kind: 'changed', stamp: 1_700_000_000, digest: ticketDigest(value) },
        value,
      );
    }
    await page.commit({ page: publisher.checkpoint.exportState.page + 1 });
    const places = new Map<string, Place>();
    await until('the tickets to be readable', async () => {
      const to = await reader.stableEndOffsets(tickets);
      for await (const records of reader.read(tickets, { from: before, to })) {
        for (const { key, partition, offset } of records) places.set(String(key), { partition, offset });
      }
      return places.size === values.size;
    });
    return places;
  }

  return {
    ...{ brokers, tickets, names, kafka, reader, publisher, publish, writer },
    group: `${tickets}.search.${randomUUID()}`,
    env: { KAFKA_BROKERS: brokers, TICKETS_TOPIC: tickets, DATA_DIR: '/nonexistent' },
    async [Symbol.asyncDispose]() {
      await writer.close();
      await publisher.close();
      await reader.close();
    },
  };
}

interface Place {
  readonly partition: number;
  readonly offset: bigint;
}

/** The letter of a group about a record. */
export function letterAbout(
  { tickets, group }: { readonly tickets: string; readonly group: string },
  ticketId: string,
  place: Place,
  bytes: Buffer,
  whole?: DeadLetter['whole'],
): DeadLetter {
  return {
    code: 'record.invalid_value',
    cause: 'its value is no JSON',
    origin: {
      kind: 'record',
      ...{ group, topic: tickets, ...place, recordKey: Buffer.from(ticketId) },
      headers: { ce_subject: ticketId },
    },
    bytes,
    ...(whole === undefined ? {} : { whole }),
  };
}
