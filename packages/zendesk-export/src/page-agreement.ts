/** For tests: what the page stream finds in a page, and whether stream-json alone finds the same. */
import { isDeepStrictEqual } from 'node:util';
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import type { ExportMode, PageTail } from './page-fields.ts';
import { PageReader } from './page-reader.ts';
import { oraclePage, oracleValue } from './page-stream.oracle.ts';
import { type PageLimits, piecesOf, type ReadTicket, streamPage, type TicketSlice } from './page-stream.ts';

interface PageContent {
  readonly slices: readonly TicketSlice[];
  /** The records of each sideload that was lifted, byte for byte. */
  readonly records: ReadonlyMap<string, readonly Buffer[]>;
  readonly tail: PageTail;
}
export type PageOutcome = PageContent | { readonly refused: TicketStreamError };

export interface PageRequest {
  readonly mode: ExportMode;
  /** Sideloads to lift; without any it is `streamPage` that reads. */
  readonly lifted: readonly string[];
  readonly limits: PageLimits;
}

/** Some of the sideloads that are lifted where asked for. */
export const SIDELOADS: readonly string[] = ['users', 'groups', 'organizations', 'metric_sets'];

/** @param sizes  of chunks in bytes, used in turn */
export function chunksOf(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

/** A body that overwrites each chunk as soon as the next is asked for, as a reader of files may. */
export async function* reusing(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    yield lent;
    lent.fill(0x58);
  }
}

/** Every error that is none of ours is thrown on: a defect. */
export async function outcomeOf(chunks: readonly Buffer[], request: PageRequest): Promise<PageOutcome> {
  try {
    return request.lifted.length === 0
      ? await readPlain(chunks, request)
      : await readLifting(chunks, request);
  } catch (error) {
    if (!isTicketStreamError(error)) throw error;
    return { refused: error };
  }
}

async function readPlain(chunks: readonly Buffer[], { limits, mode }: PageRequest): Promise<PageContent> {
  const slices: TicketSlice[] = [];
  const pages = streamPage(reusing(chunks), limits, mode);
  for (;;) {
    const step = await pages.next();
    if (step.done === true) return { slices, records: new Map(), tail: step.value };
    slices.push(...step.value);
  }
}

async function readLifting(
  chunks: readonly Buffer[],
  { limits, mode, lifted }: PageRequest,
): Promise<PageContent> {
  const records = new Map<string, Buffer[]>(lifted.map((array) => [array, []]));
  const reader = new PageReader(limits, mode, {
    arrays: lifted,
    take: (array, bytes) => void records.get(array)?.push(bytes),
    leaveOut: () => {},
  });
  const slices: TicketSlice[] = [];
  for await (const chunk of reusing(chunks)) {
    for (const piece of piecesOf(chunk)) slices.push(...reader.read(piece));
  }
  return { slices, records, tail: reader.end() };
}

export function readTickets(slices: readonly TicketSlice[]): ReadTicket[] {
  return slices.filter((slice) => slice.kind === 'ticket');
}

/**
 * Where the two differ, in words; undefined where they agree. Only for a page within its limits: the oracle has none.
 *
 * Slices are read by stream-json, not `parsed`: V8's JSON.parse takes an escaped key for another one once it has met
 * a key with a backslash in it (nodejs/node#63785), which generated pages are full of.
 */
export function disagreement(
  outcome: PageOutcome,
  chunks: readonly Buffer[],
  { mode, lifted }: PageRequest,
): string | undefined {
  const oracle = oraclePage(chunks, mode, lifted);
  if ('refused' in outcome) {
    if (!['zendesk.page_truncated', 'zendesk.page_malformed'].includes(outcome.refused.code)) {
      return `refused as ${outcome.refused.code}`;
    }
    return oracle === undefined
      ? undefined
      : `refused (${outcome.refused.message}), and stream-json accepts it`;
  }
  if (oracle === undefined) return 'accepted, and stream-json refuses it';
  const found: Record<string, readonly [unknown, unknown]> = {
    tickets: [readTickets(outcome.slices).map(({ bytes }) => oracleValue(bytes)), oracle.tickets],
    'ticket count': [outcome.tail.ticketCount, oracle.tickets.length],
    end_time: [outcome.tail.endTime, oracle.fields.get('end_time') ?? undefined],
    after_cursor: [outcome.tail.afterCursor, oracle.fields.get('after_cursor') ?? undefined],
    count: [outcome.tail.count, oracle.fields.get('count') ?? undefined],
    end_of_stream: [outcome.tail.endOfStream, oracle.fields.get('end_of_stream') ?? undefined],
  };
  for (const array of lifted) {
    const records = (outcome.records.get(array) ?? []).map((bytes) => oracleValue(bytes));
    found[array] = [records, oracle.sideloads.get(array) ?? []];
  }
  const different = Object.entries(found).find(([, [ours, theirs]]) => !isDeepStrictEqual(ours, theirs));
  if (different === undefined) return undefined;
  const [name, [ours, theirs]] = different;
  return `${name}: ${JSON.stringify(ours)} instead of ${JSON.stringify(theirs)}`;
}

/** Somewhere in the page the tickets stand in this order with nothing but separators between: byte for byte. */
export function standsIn(page: Buffer, slices: readonly ReadTicket[]): boolean {
  const [first] = slices;
  if (first === undefined) return true;
  for (let start = page.indexOf(first.bytes); start !== -1; start = page.indexOf(first.bytes, start + 1)) {
    let at = start;
    const all = slices.every(({ bytes }) => {
      const from = skipSeparators(page, at);
      at = from + bytes.length;
      return page.subarray(from, at).equals(bytes);
    });
    if (all) return true;
  }
  return false;
}

function skipSeparators(page: Buffer, from: number): number {
  let at = from;
  while (', \t\r\n'.includes(String.fromCharCode(page[at] ?? 0x58))) at++;
  return at;
}
