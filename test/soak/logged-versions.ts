import { consoleConsume } from '@ticket-stream/dev-stack/testing';
import { ticketDigest } from '@ticket-stream/ticket';
import type { LoggedVersion } from './log-check.ts';

/** The tickets topic as Kafka's own console consumer shows it, read_committed; values are not kept. */
export async function* loggedVersions(
  brokers: string,
  topic: string,
  timeoutMs: number,
): AsyncGenerator<LoggedVersion> {
  for await (const { key, value, headers, partition, offset } of consoleConsume({
    brokers,
    topic,
    timeoutMs,
  })) {
    const header = (wanted: string): string =>
      headers.find(([name]) => name === wanted)?.[1]?.toString('utf8') ?? '';
    yield {
      ticketId: Number(key),
      // Its own sum of the value's bytes: what the header says is compared with it.
      digest: ticketDigest(value ?? Buffer.alloc(0)),
      eventId: header('ce_id'),
      stamp: header('ce_updatedstamp'),
      partition,
      offset,
    };
  }
}
