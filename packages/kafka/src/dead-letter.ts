import { createHash } from 'node:crypto';
import type { ErrorCode } from '@ticket-stream/errors';

/**
 * A ticket or record set aside because it can never work, with all that is needed to look at it and to try again.
 * Headers carry the facts, the value the original bytes; above the size limit the first 64 KiB stand for them.
 */
export interface DeadLetter {
  readonly code: ErrorCode;
  /** One sentence, without a stack and without ticket text. */
  readonly cause: string;
  readonly origin:
    | { readonly kind: 'export'; readonly source: string; readonly startTime: number }
    | {
        readonly kind: 'record';
        readonly group: string;
        readonly topic: string;
        readonly partition: number;
        readonly offset: bigint;
        readonly recordKey: Buffer | null;
      };
  readonly ticketId?: string | undefined;
  readonly bytes: Buffer;
  /** Given when `bytes` is only the head: length in bytes and SHA-256 of the whole. */
  readonly whole?: { readonly byteLength: number; readonly sha256: string };
}

export const DEAD_LETTER_HEAD_BYTES = 64 * 1024;

export interface EncodedDeadLetter {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, string>;
}

/**
 * The key of a consumer's letter is its place, so that a repeat after a crash shows once; a producer's letter is
 * keyed by ticket id, or by digest where there is none.
 * @param bytesMax  what the dead-letter topic takes; larger originals are cut to their head
 */
export function encodeDeadLetter(letter: DeadLetter, bytesMax: number): EncodedDeadLetter {
  const { origin } = letter;
  let value = letter.bytes;
  let whole = letter.whole;
  if (value.byteLength > bytesMax) {
    whole = { byteLength: value.byteLength, sha256: sha256(value) };
    value = value.subarray(0, Math.min(DEAD_LETTER_HEAD_BYTES, bytesMax));
  }
  const headers: Record<string, string> = {
    'dlq-code': letter.code,
    'dlq-cause': letter.cause.slice(0, 1_000),
    ...(letter.ticketId === undefined ? {} : { 'dlq-ticket-id': letter.ticketId }),
  };
  if (whole !== undefined) {
    headers['dlq-bytes'] = String(whole.byteLength);
    headers['dlq-sha256'] = whole.sha256;
  }
  if (origin.kind === 'export') {
    headers['dlq-origin'] = 'export';
    headers['dlq-source'] = origin.source;
    headers['dlq-start-time'] = String(origin.startTime);
    if (whole !== undefined && letter.ticketId !== undefined) {
      headers['dlq-fetch-again'] = `/api/v2/tickets/${letter.ticketId}.json`;
    }
    return { key: letter.ticketId ?? sha256(letter.bytes).slice(0, 32), value, headers };
  }
  headers['dlq-origin'] = 'record';
  headers['dlq-group'] = origin.group;
  headers['dlq-topic'] = origin.topic;
  headers['dlq-partition'] = String(origin.partition);
  headers['dlq-offset'] = String(origin.offset);
  if (origin.recordKey !== null) headers['dlq-record-key'] = origin.recordKey.toString('base64');
  return {
    key: `${origin.group}/${origin.topic}/${origin.partition}/${origin.offset}`,
    value,
    headers,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
