import { setTimeout as wait } from 'node:timers/promises';
import { connectKafka, silentLogger } from '@ticket-stream/kafka';
import {
  batchesOnDisk,
  createTopic,
  eagerCompaction,
  type RecordBatchOnDisk,
  writeRounds,
} from '@ticket-stream/kafka/testing';
import { until } from '../support/condition.ts';
import { type MadeVersion, openTicketsLog, type TicketsLog } from '../support/tickets-log.ts';

const ROUNDS = 8;
const TICKETS = 150;
/** Enough that each partition gets one. */
const LAST_TICKETS = 10;
export const COMPACTED_TICKETS = TICKETS + LAST_TICKETS;
const SEGMENT_MS = Number(eagerCompaction['segment.ms']);
const PARTITIONS = 2;

/**
 * A tickets topic as it looks after years, made in seconds: every version but the newest compacted away, and batches
 * left behind without a record in them.
 * @param broker  one whose cleaner looks every moment (`log.cleaner.backoff.ms`)
 */
export async function writeCompactedTickets(
  broker: { readonly brokers: string; readonly dataDir: string },
  topic: string,
): Promise<{ readonly log: TicketsLog; readonly emptied: number }> {
  const kafka = connectKafka({ brokers: broker.brokers.split(',') }, silentLogger);
  await createTopic(kafka, topic, PARTITIONS, eagerCompaction);
  const log = await openTicketsLog(broker.brokers, topic);
  await writeRounds(kafka, topic, ROUNDS, (round, end) =>
    versions(round, end).map((version) => ({
      key: String(version.id),
      value: version.value,
      headers: log.headersOf(version),
    })),
  );
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
