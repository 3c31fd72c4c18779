import { isTicketId } from '@ticket-stream/ticket';
import { letterHeader } from './letter-state.ts';
import type { LogReader } from './log-reader.ts';
import { retryHeaders } from './retry-topics.ts';

/** Somebody wants a ticket to be fetched again, because of a dead letter about it. */
export interface RetryRequest {
  readonly offset: bigint;
  /** Both undefined where the record is no such request: to be passed over. */
  readonly ticketId: string | undefined;
  readonly letterKey: string | undefined;
}

/**
 * The requests from an offset on, at most one fetch of them.
 * @param from  undefined, or what the topic does not have, since it forgot it or was made anew: from its beginning
 * @throws kafka.unavailable  also where the topic is not there; kafka.not_allowed
 */
export async function readRetryRequests(
  reader: LogReader,
  topic: string,
  from: bigint | undefined,
): Promise<readonly RetryRequest[]> {
  const [starts, ends] = await Promise.all([reader.startOffsets(topic), reader.stableEndOffsets(topic)]);
  const start = starts.get(0) ?? 0n;
  const end = ends.get(0) ?? 0n;
  const at = from === undefined || from < start || from > end ? start : from;
  const range = { from: new Map([[0, at]]), to: new Map([[0, end]]) };
  for await (const records of reader.read(topic, range)) {
    return records.map(({ offset, key, headers }) => {
      const ticketId = key?.toString('latin1') ?? '';
      const letterKey = letterHeader(headers, retryHeaders.letter);
      const isRequest = isTicketId(ticketId) && letterKey !== undefined;
      return {
        offset,
        ticketId: isRequest ? ticketId : undefined,
        letterKey: isRequest ? letterKey : undefined,
      };
    });
  }
  return [];
}
