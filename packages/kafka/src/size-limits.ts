import { TicketStreamError } from '@ticket-stream/errors';
import type { Kafka, Transaction } from 'kafkajs';
import type { Logger } from './kafka-connection.ts';
import type { ChunkLimits, OutgoingRecord } from './record-chunk.ts';
import { findRefused } from './refused-records.ts';
import { sendRecords } from './send-records.ts';
import { type EnsuredTopics, ensureTopics, type TopicNames } from './topics.ts';

/** Well below the usual 1 MB limit; measured: larger batches are no faster. */
const PARTITION_BYTES_MAX = 900 * 1024;
/**
 * A page of 1,000 tickets of 4 KB makes two sends, the first of which overlaps with parsing the second half. Page →
 * committed with 4 MiB: 4.8, 4.4, 5.0 s a 40,000 tickets; 2.5 MiB: 4.7, 3.9, 4.3; 1.25 MiB: 4.8, 5.4, 3.8; 0.75 MiB:
 * 5.0, 5.6, 4.7 (2026-11-24, two busy cores). At most two chunks are held.
 */
const CHUNK_BYTES_MAX = 2.5 * 1024 * 1024;
const CHUNK_RECORDS_MAX = 1_000;

/**
 * How much a batch, a ticket and a dead letter may hold, as the brokers have it now. A refusal does not say why, so
 * it is settled before the page is done again: where the topic's limit was lowered, the new one is kept to and a
 * ticket above it is a dead letter; where it was not, the records that are refused even alone are found, and these
 * are dead letters.
 */
export interface SizeLimits {
  readonly topics: EnsuredTopics;
  readonly chunk: ChunkLimits;
  isRefused(record: OutgoingRecord): boolean;
  /** @param records  what was sent to the tickets topic; undefined for a dead letter */
  onRefused(records: readonly OutgoingRecord[] | undefined): void;
  /** The page is durable: what it set aside does not come again. */
  onCommitted(): void;
  /**
   * Does nothing unless something was refused. Called right after the export was taken and its owner checked; where
   * it fails, all of that is to be done again.
   * @param begin  begins a transaction of the producer that took it
   * @throws kafka.topic_settings  the topic of dead letters refuses one within its limit: it has nowhere to go
   */
  settle(begin: Begin): Promise<void>;
}

type Begin = () => Promise<Transaction>;

export function createSizeLimits(options: {
  readonly kafka: Kafka;
  readonly names: TopicNames;
  readonly topics: EnsuredTopics;
  readonly logger: Logger;
}): SizeLimits {
  const { kafka, names, logger } = options;
  let { topics } = options;
  let partitionBytesMax = PARTITION_BYTES_MAX;
  let refusal: { readonly records: readonly OutgoingRecord[] | undefined } | undefined;
  /** Of the page at work only, so at most a page of them. */
  const refusedAlone = new Set<string>();

  async function probe(records: readonly OutgoingRecord[], begin: Begin): Promise<void> {
    const transaction = await begin();
    // One partition a send: a refused one then takes back no other partition's sequence numbers.
    const found = await findRefused(records, async (ofOnePartition) => {
      await sendRecords(transaction, names.tickets, ofOnePartition);
    });
    await transaction.abort();
    for (const record of found.records) refusedAlone.add(nameOf(record));
    if (found.partitionBytesMax !== undefined) partitionBytesMax = found.partitionBytesMax;
    logger.warn(
      { topic: names.tickets, refused: found.records.length, partitionBytesMax },
      'the broker refused a batch as too large',
    );
  }

  return {
    get topics() {
      return topics;
    },
    get chunk() {
      return {
        partitionBytesMax: Math.min(partitionBytesMax, topics.ticketBytesMax),
        chunkBytesMax: CHUNK_BYTES_MAX,
        recordsMax: CHUNK_RECORDS_MAX,
      };
    },
    isRefused: (record) => refusedAlone.size > 0 && refusedAlone.has(nameOf(record)),
    onRefused(records) {
      refusal = { records };
    },
    onCommitted() {
      refusedAlone.clear();
    },

    async settle(begin) {
      if (refusal === undefined) return;
      const { records } = refusal;
      const before = topics;
      topics = await ensureTopics(kafka, names, { acceptSettings: true, logger });
      if (records === undefined) {
        if (topics.deadLetterBytesMax >= before.deadLetterBytesMax) {
          throw new TicketStreamError(
            'kafka.topic_settings',
            `${names.deadLetters} refuses a dead letter that its max.message.bytes allows`,
            {
              context: { topic: names.deadLetters, deadLetterBytesMax: topics.deadLetterBytesMax },
              remedy: `Raise segment.bytes of ${names.deadLetters}, or the limit of the cluster, and start again; nothing is lost.`,
            },
          );
        }
      } else if (topics.ticketBytesMax >= before.ticketBytesMax) {
        await probe(records, begin);
      }
      refusal = undefined;
    },
  };
}

/**
 * A version of a ticket, with the sideloads it was sent with or without; the same one published again has the same
 * id.
 */
function nameOf({ headers, key, value }: OutgoingRecord): string {
  return `${key} ${headers['ce_id']} ${value.byteLength}`;
}
