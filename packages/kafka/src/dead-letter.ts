import { createHash } from 'node:crypto';
import type { ErrorCode } from '@ticket-stream/errors';
import type { RawHeaders } from '@ticket-stream/ticket';

/**
 * A ticket or record set aside because it can never work, with all that is needed to look at it and to try again.
 * The value is the original's, its headers are the original's too, and `dlq-*` headers beside them carry the facts;
 * above the size limit the first 64 KiB of the value stand for it.
 *
 * A letter's life is a row of records under one key, the newest of which says how it stands: a letter is *open*; a
 * letter of state (`DeadLetterState`) says that it is being tried again, what came of it, or that somebody dropped it;
 * a letter under the same key after that is a repeat, open again.
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
        readonly headers: RawHeaders | undefined;
      };
  readonly ticketId?: string | undefined;
  readonly bytes: Buffer;
  /** Given when `bytes` is only the head: length in bytes and SHA-256 of the whole. */
  readonly whole?: { readonly byteLength: number; readonly sha256: string };
}

/** A ticket that could not become a record. */
export type ExportDeadLetter = DeadLetter & { readonly origin: { readonly kind: 'export' } };

export const DEAD_LETTER_HEAD_BYTES = 64 * 1024;
/** Ours are below 1 KB. Nobody can tell what a stranger sends; more than this stays with the record in its log. */
const ORIGINAL_HEADERS_BYTES_MAX = 64 * 1024;
const OWN_HEADERS = 'dlq-';

export type DeadLetterOutcome = 'applied' | 'duplicate' | 'stale' | 'skipped';

/** What became of the letter of that key since it was written. */
export interface DeadLetterState {
  readonly key: string;
  readonly state: 'retrying' | DeadLetterOutcome | 'dropped';
  /** Who retries or drops: user@host. */
  readonly by?: string;
  readonly reason?: string;
}

export interface EncodedDeadLetter<Header = Buffer | string | (Buffer | string)[]> {
  readonly key: string;
  readonly value: Buffer;
  readonly headers: Record<string, Header>;
}

/**
 * The key of a consumer's letter is its place, so that a repeat after a crash shows once; a producer's letter is
 * keyed by ticket id, or by digest where there is none.
 * @param bytesMax  what the dead-letter topic takes; larger originals are cut to their head
 */
export function encodeDeadLetter(letter: ExportDeadLetter, bytesMax: number): EncodedDeadLetter<string>;
export function encodeDeadLetter(letter: DeadLetter, bytesMax: number): EncodedDeadLetter;
export function encodeDeadLetter(letter: DeadLetter, bytesMax: number): EncodedDeadLetter {
  const { origin } = letter;
  let value = letter.bytes;
  let whole = letter.whole;
  if (value.byteLength > bytesMax) {
    whole = { byteLength: value.byteLength, sha256: sha256(value) };
    value = value.subarray(0, Math.min(DEAD_LETTER_HEAD_BYTES, bytesMax));
  }
  const headers: EncodedDeadLetter['headers'] = {
    ...(origin.kind === 'record' ? originalHeaders(origin.headers) : {}),
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
  return { key: recordLetterKey(origin), value, headers };
}

function recordLetterKey(origin: Extract<DeadLetter['origin'], { readonly kind: 'record' }>): string {
  return `${origin.group}/${origin.topic}/${origin.partition}/${origin.offset}`;
}

/** No value: the letter of that key has it. */
export function encodeDeadLetterState({ key, state, by, reason }: DeadLetterState): EncodedDeadLetter {
  return {
    key,
    value: Buffer.alloc(0),
    headers: {
      'dlq-state': state,
      ...(by === undefined ? {} : { 'dlq-by': by }),
      ...(reason === undefined ? {} : { 'dlq-reason': reason.slice(0, 1_000) }),
    },
  };
}

/**
 * Those of a stranger that are named like ours are left out: a letter must not say it was dropped. A null value
 * becomes an empty one: Kafka knows it, kafkajs throws a TypeError where it is to write it, and the record that
 * brought it would stop the whole log.
 */
function originalHeaders(headers: RawHeaders | undefined): EncodedDeadLetter['headers'] {
  const kept: [string, Buffer | string | (Buffer | string)[]][] = [];
  let bytes = 0;
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined || name.startsWith(OWN_HEADERS)) continue;
    const written = Array.isArray(value) ? value.map((each) => each ?? '') : (value ?? '');
    kept.push([name, written]);
    for (const each of [written].flat()) bytes += name.length + each.length;
  }
  if (bytes > ORIGINAL_HEADERS_BYTES_MAX) return { 'dlq-headers-left-out': String(bytes) };
  return Object.fromEntries(kept);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
