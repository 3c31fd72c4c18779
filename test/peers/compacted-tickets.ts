import { setTimeout as wait } from 'node:timers/promises';
import { connectKafka, silentLogger } from '@ticket-stream/kafka';
import { batchesOnDisk, type RecordBatchOnDisk } from '@ticket-stream/kafka/testing';
import { encodeEventHeaders, ticketDigest } from '@ticket-stream/ticket';
import { until } from '../support/condition.ts';
import { type MadeVersion, openTicketsLog, type TicketsLog } from '../support/tickets-log.ts';

const ROUNDS = 8;
const TICKETS = 150;
/** Enough that each partition gets one. */
const LAST_TICKETS = 10;
export const COMPACTED_TICKETS = TICKETS + LAST_TICKETS;
const SEGMENT_MS = 100;
const PARTITIONS = 2;
const ZSTD = 4;
const SOURCE = 'https://acme.zendesk.com';

/**
 * A tickets topic as it looks after years, made in seconds: every version but the newest compacted away, and batches
 * left behind without a record in them. Kafka keeps the last batch of each producer, emptied, so each round is a
 * producer of its own: a transaction that is aborted and one that is committed, over the same tickets.
 * @param broker  one whose cleaner looks every moment (`log.cleaner.backoff.ms`)
 */
export async function writeCompactedTickets(
  broker: { readonly brokers: string; readonly dataDir: string },
  topic: string,
): Promise<{ readonly log: TicketsLog; readonly emptied: number }> {
  await createEagerTopic(broker.brokers, topic);
  const log = await openTicketsLog(broker.brokers, topic);
  const anHourAgo = Date.now() - 3_600_000;
  for (let round = 0; round < ROUNDS; round++) {
    // A segment ends by its records' own times, so a second between the rounds makes a segment of each.
    const timestamp = String(anHourAgo + round * 1_000);
    for (const end of ['abort', 'commit'] as const) {
      const producer = log.kafka.producer({
        transactionalId: `${topic}-${round}-${end}`,
        idempotent: true,
        maxInFlightRequests: 1,
      });
      await producer.connect();
      const transaction = await producer.transaction();
      await transaction.send({
        topic,
        acks: -1,
        compression: ZSTD,
        messages: versions(round, end).map((version) => ({ ...messageOf(version, log), timestamp })),
      });
      await transaction[end]();
      await producer.disconnect();
    }
  }
  await log.publish(versions(ROUNDS, 'the newest'));
  // The cleaner leaves the segment alone that is being written: a later record in each partition begins another one.
  await wait(2 * SEGMENT_MS);
  await log.publish(
    versions(ROUNDS, 'the last', LAST_TICKETS).map((version) => ({ ...version, id: version.id + TICKETS })),
  );
  const emptied = await until(
    'the cleaner has left one record a ticket',
    () => {
      const batches = bothPartitions(broker.dataDir, topic);
      const records = batches.reduce((sum, batch) => sum + batch.records, 0);
      const without = batches.filter(({ records: left }) => left === 0).length;
      return records === COMPACTED_TICKETS && without > 0 && without;
    },
    60_000,
  );
  return { log, emptied };
}

function bothPartitions(dataDir: string, topic: string): RecordBatchOnDisk[] {
  return Array.from({ length: PARTITIONS }, (_, partition) =>
    batchesOnDisk(dataDir, topic, partition).filter(({ control }) => !control),
  ).flat();
}

function versions(round: number, what: string, tickets = TICKETS): MadeVersion[] {
  return Array.from({ length: tickets }, (_, n) => ({
    id: n + 1,
    stamp: 1_700_000_000 + round,
    value: Buffer.from(
      JSON.stringify({ id: n + 1, subject: `${what} of round ${round}: žluťoučký 🐎 ${n}` }),
    ),
  }));
}

function messageOf({ id, stamp, value }: MadeVersion, { logId }: TicketsLog) {
  const event = { ticketId: String(id), kind: 'changed', stamp, digest: ticketDigest(value) } as const;
  return { key: String(id), value, headers: encodeEventHeaders({ ...event, source: SOURCE, logId }) };
}

async function createEagerTopic(brokers: string, topic: string): Promise<void> {
  const admin = connectKafka({ brokers: brokers.split(',') }, silentLogger).admin();
  await admin.connect();
  const settings = {
    'cleanup.policy': 'compact',
    'max.message.bytes': '8404992',
    'segment.ms': String(SEGMENT_MS),
    'min.cleanable.dirty.ratio': '0',
    'min.compaction.lag.ms': '0',
    'max.compaction.lag.ms': '1',
    'delete.retention.ms': '0',
  };
  await admin.createTopics({
    waitForLeaders: true,
    topics: [
      {
        topic,
        numPartitions: PARTITIONS,
        configEntries: Object.entries(settings).map(([name, value]) => ({ name, value })),
      },
    ],
  });
  await admin.disconnect();
}
