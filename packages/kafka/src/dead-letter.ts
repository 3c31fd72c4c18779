import { createHash } from 'node:crypto';
import type { ErrorCode } from '@ticket-stream/errors';
import type { RawHeaders } from '@ticket-stream/ticket';
import type { LetterState } from './letter-state.ts';

/** A ticket of the export that could not become a record. */
interface ExportOrigin {
  readonly kind: 'export';
  readonly source: string;
  readonly startTime: number;
}

/** A record that a group could not apply. */
interface RecordOrigin {
  readonly kind: 'record';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly recordKey: Buffer | null;
}

/** Where a letter comes from, as its own headers tell. */
export type LetterOrigin = ExportOrigin | RecordOrigin;

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
  readonly origin: ExportOrigin | (RecordOrigin & { readonly headers: RawHeaders | undefined });
  readonly ticketId?: string | undefined;
  readonly bytes: Buffer;
  /** Given when `bytes` is only the head: length in bytes and SHA-256 of the whole. */
  readonly whole?: { readonly byteLength: number; readonly sha256: string };
}

/** A ticket that could not become a record. */
export type ExportDeadLetter = DeadLetter & { readonly origin: ExportOrigin };

export const DEAD_LETTER_HEAD_BYTES = 64 * 1024;
/** Ours are below 1 KB. Nobody can tell what a stranger sends; more than this stays with the record in its log. */
const ORIGINAL_HEADERS_BYTES_MAX = 64 * 1024;
/** That of a ticket is its id. */
const RECORD_KEY_BYTES_MAX = 1_024;
const OWN_HEADERS = 'dlq-';
const TEXT_CHARACTERS_MAX = 1_000;

/** What became of the letter of that key since it was written. */
export interface DeadLetterState {
  readonly key: string;
  readonly state: Exclude<LetterState, 'open'>;
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
    whole ??= { byteLength: value.byteLength, sha256: sha256(value) };
    value = value.subarray(0, Math.min(DEAD_LETTER_HEAD_BYTES, bytesMax));
  }
  const headers: EncodedDeadLetter['headers'] = {
    ...(origin.kind === 'record' ? keptHeaders(origin.headers) : {}),
    ...factHeaders(letter),
  };
  if (whole !== undefined) {
    headers['dlq-bytes'] = String(whole.byteLength);
    headers['dlq-sha256'] = whole.sha256;
    if (origin.kind === 'export' && letter.ticketId !== undefined) {
      headers['dlq-fetch-again'] = `/api/v2/tickets/${letter.ticketId}.json`;
    }
  }
  const key =
    origin.kind === 'record'
      ? `${origin.group}/${origin.topic}/${origin.partition}/${origin.offset}`
      : (letter.ticketId ?? sha256(letter.bytes).slice(0, 32));
  return { key, value, headers };
}

/** What a letter says of itself, also for a record of its state that must tell what it is about. */
export function factHeaders({
  code,
  cause,
  ticketId,
  origin,
}: {
  readonly code: string | undefined;
  readonly cause: string | undefined;
  readonly ticketId?: string | undefined;
  readonly origin: LetterOrigin | undefined;
}): Record<string, string> {
  return {
    ...(code === undefined ? {} : { 'dlq-code': code }),
    ...(cause === undefined ? {} : { 'dlq-cause': cause.slice(0, TEXT_CHARACTERS_MAX) }),
    ...(ticketId === undefined ? {} : { 'dlq-ticket-id': ticketId }),
    ...(origin === undefined ? {} : originHeaders(origin)),
  };
}

function originHeaders(origin: LetterOrigin): Record<string, string> {
  if (origin.kind === 'export') {
    return {
      'dlq-origin': 'export',
      'dlq-source': origin.source,
      'dlq-start-time': String(origin.startTime),
    };
  }
  return {
    'dlq-origin': 'record',
    'dlq-group': origin.group,
    'dlq-topic': origin.topic,
    'dlq-partition': String(origin.partition),
    'dlq-offset': String(origin.offset),
    ...(origin.recordKey === null ? {} : keptKey(origin.recordKey)),
  };
}

function keptKey(key: Buffer): Record<string, string> {
  return key.byteLength > RECORD_KEY_BYTES_MAX
    ? { 'dlq-record-key-left-out': String(key.byteLength) }
    : { 'dlq-record-key': key.toString('base64') };
}

/** No value: the letter of that key has it. */
export function encodeDeadLetterState({
  key,
  state,
  by,
  reason,
}: DeadLetterState): EncodedDeadLetter<string> {
  return {
    key,
    value: Buffer.alloc(0),
    headers: {
      'dlq-state': state,
      ...(by === undefined ? {} : { 'dlq-by': by }),
      ...(reason === undefined ? {} : { 'dlq-reason': reason.slice(0, TEXT_CHARACTERS_MAX) }),
    },
  };
}

/** Those of a stranger that are named like ours are left out: a letter must not say it was dropped. */
function keptHeaders(headers: RawHeaders | undefined): EncodedDeadLetter['headers'] {
  const kept = Object.entries(writableHeaders(headers)).filter(([name]) => !name.startsWith(OWN_HEADERS));
  let bytes = 0;
  for (const [name, value] of kept) {
    for (const each of [value].flat()) bytes += name.length + each.length;
  }
  if (bytes > ORIGINAL_HEADERS_BYTES_MAX) return { 'dlq-headers-left-out': String(bytes) };
  return Object.fromEntries(kept);
}

/**
 * A null value becomes an empty one: Kafka knows it, kafkajs throws a TypeError where it is to write it, and the record
 * that brought it would stop the whole log.
 */
export function writableHeaders(headers: RawHeaders | undefined): EncodedDeadLetter['headers'] {
  const written: [string, Buffer | string | (Buffer | string)[]][] = [];
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined) continue;
    written.push([name, Array.isArray(value) ? value.map((each) => each ?? '') : (value ?? '')]);
  }
  return Object.fromEntries(written);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
