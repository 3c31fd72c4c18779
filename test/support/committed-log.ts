import { consoleConsume } from '@ticket-stream/dev-stack/testing';
import { ticketDigest } from '@ticket-stream/ticket';

export interface CommittedVersion {
  readonly ticketId: string;
  readonly eventId: string;
  readonly stamp: string;
  /** SHA-256 of the value's bytes, first 32 hex digits: computed here, not read from the header. */
  readonly digest: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly partition: number;
  readonly offset: bigint;
}

/** The whole topic as Kafka's own console consumer shows it, read_committed, in the order of each partition. No transaction is open. */
export async function readCommitted(brokers: string, topic: string): Promise<CommittedVersion[]> {
  const versions: CommittedVersion[] = [];
  for await (const { key, value, headers, partition, offset } of consoleConsume({ brokers, topic })) {
    const names = new Map(headers.map(([name, bytes]) => [name, bytes?.toString('utf8') ?? '']));
    versions.push({
      ticketId: key?.toString('utf8') ?? '',
      eventId: names.get('ce_id') ?? '',
      stamp: names.get('ce_updatedstamp') ?? '',
      digest: ticketDigest(value ?? Buffer.alloc(0)),
      headers: names,
      partition,
      offset,
    });
  }
  return versions;
}

/** Event ids that stand more than once in the log. */
export function copies(versions: readonly CommittedVersion[]): string[] {
  const seen = new Set<string>();
  return versions.filter(({ eventId }) => seen.size === seen.add(eventId).size).map(({ eventId }) => eventId);
}
