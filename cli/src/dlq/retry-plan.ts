/**
 * What a retry of a letter is. Keeps this: a retried record is what it was, byte for byte and header for header, at
 * the place where it came from, so that it is compared as it would have been; and nothing is retried that cannot be.
 *
 * - A consumer's letter goes to the retry topic of its group, into the partition of its origin. The member that reads
 *   that partition takes it in between and compares it by its origin offset: what is older than what is stored by now
 *   is stale.
 * - A producer's letter names a ticket, which the producer fetches again: as it is now.
 */
import { createHash } from 'node:crypto';
import { isTicketStreamError } from '@ticket-stream/errors';
import {
  type LetterContent,
  type LetterRow,
  type LogReader,
  originalHeaders,
  producerRetryTopic,
  readLetterContent,
  readRecord,
  retryTopic,
} from '@ticket-stream/kafka';

type RecordOrigin = Extract<LetterRow['origin'], { kind: 'record' }>;

export type Retry =
  | { readonly kind: 'record'; readonly topic: string; readonly origin: RecordOrigin }
  | { readonly kind: 'ticket'; readonly topic: string; readonly ticketId: string }
  | { readonly kind: 'refused'; readonly because: string };

const SETTLED = ['applied', 'duplicate', 'stale', 'skipped'];

/** @param tickets  the topic that the producer writes */
export function planRetry(row: LetterRow, tickets: string): Retry {
  const { origin, ticketId, state } = row;
  if (SETTLED.includes(state)) return refused(`an earlier retry of it was ${state}: there is nothing to do`);
  if (origin === undefined) return refused('it does not say where it came from');
  if (origin.kind === 'export') {
    if (ticketId === undefined) return refused('it has no id by which the ticket could be fetched again');
    return { kind: 'ticket', topic: producerRetryTopic(tickets), ticketId };
  }
  try {
    return { kind: 'record', topic: retryTopic(origin.topic, origin.group), origin };
  } catch (error) {
    if (!isTicketStreamError(error, 'config.invalid')) throw error;
    return refused(`${error.message}. ${error.remedy}`);
  }
}

function refused(because: string): Retry & { kind: 'refused' } {
  return { kind: 'refused', because };
}

/** The record as it was when it was set aside; a text says why it cannot be had. */
export async function originalRecord(
  reader: LogReader,
  deadLetters: string,
  row: LetterRow,
  origin: RecordOrigin,
): Promise<(Pick<LetterContent, 'headers'> & { readonly value: Buffer | null }) | string> {
  const { whole } = row;
  const content = await readLetterContent(reader, deadLetters, row);
  const headers = content === undefined ? {} : originalHeaders(content.headers);
  // A letter of before letters kept their record's headers has none; the origin is then the place to look first.
  const isWhole = content !== undefined && whole === undefined;
  // Nor does a letter tell an empty value from none.
  if (isWhole && content.value.length > 0 && Object.keys(headers).length > 0) {
    return { value: content.value, headers };
  }
  const found = await readRecord(reader, origin.topic, origin);
  if (found === undefined || !sameKey(found.key, origin.recordKey)) {
    if (isWhole) return { value: content.value.length === 0 ? null : content.value, headers };
    return `only its head was kept, and ${origin.topic} no longer has the record`;
  }
  if (whole !== undefined && sha256(found.value) !== whole.sha256) {
    return `only its head was kept, and another record lies at offset ${origin.offset} of ${origin.topic} now`;
  }
  return { value: found.value, headers: found.headers ?? {} };
}

function sameKey(one: Buffer | null, other: Buffer | null): boolean {
  return one === null || other === null ? one === other : one.equals(other);
}

function sha256(value: Buffer | null): string {
  return createHash('sha256')
    .update(value ?? '')
    .digest('hex');
}
