import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@fast-check/vitest';
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import fc from 'fast-check';
import { afterAll, describe, expect } from 'vitest';
import { chunking, chunksOf, generatedPage, plainKeyedPage, SIDELOADS } from './generated-pages.ts';
import { damage, damages } from './page-damage.ts';
import type { ExportMode, PageTail } from './page-fields.ts';
import { PageReader } from './page-reader.ts';
import { oraclePage, oracleValue } from './page-stream.oracle.ts';
import { piecesOf, type ReadTicket, streamPage, type TicketSlice } from './page-stream.ts';
import { streamPageWithSideloads } from './sideloads/sideload-stream.ts';

/** Thousands of pages take a few seconds, and more where other suites share the machine. */
const TIMEOUT_MS = 240_000;

const limits = { ticketBytesMax: 1_000_000, pageBytesMax: 10_000_000, depthMax: 100 };

interface Read {
  readonly slices: readonly TicketSlice[];
  readonly records: ReadonlyMap<string, readonly Buffer[]>;
  readonly tail: PageTail;
}
type Outcome = Read | { readonly refused: TicketStreamError };

/** A body that overwrites each chunk as soon as the next is asked for, as a reader of files may. */
async function* reusing(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    yield lent;
    lent.fill(0x58);
  }
}

async function outcomeOf(
  chunks: readonly Buffer[],
  mode: ExportMode,
  lifted: readonly string[],
): Promise<Outcome> {
  try {
    return lifted.length === 0 ? await readPlain(chunks, mode) : await readLifting(chunks, mode, lifted);
  } catch (error) {
    if (!isTicketStreamError(error)) throw error;
    return { refused: error };
  }
}

async function readPlain(chunks: readonly Buffer[], mode: ExportMode): Promise<Read> {
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
  mode: ExportMode,
  lifted: readonly string[],
): Promise<Read> {
  const records = new Map<string, Buffer[]>();
  const reader = new PageReader(limits, mode, {
    arrays: lifted,
    take: (array, bytes) => void records.set(array, [...(records.get(array) ?? []), bytes]),
    leaveOut: () => {
      throw new Error('no record is over a limit');
    },
  });
  const slices: TicketSlice[] = [];
  for await (const chunk of reusing(chunks)) {
    for (const piece of piecesOf(chunk)) slices.push(...reader.read(piece));
  }
  return { slices, records, tail: reader.end() };
}

/** Half of the time none is asked for. */
const lifting = fc.oneof(fc.constant([]), fc.subarray([...SIDELOADS], { minLength: 1 }));

function readTickets(slices: readonly TicketSlice[]): ReadTicket[] {
  return slices.filter((slice) => slice.kind === 'ticket');
}

/** Somewhere in the page they stand in this order with nothing but separators between: all of them, byte for byte. */
function standsIn(page: Buffer, slices: readonly ReadTicket[]): boolean {
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

/**
 * Each slice read by stream-json, not `parsed`: V8's JSON.parse takes an escaped key for another one once it has met
 * a key with a backslash in it (nodejs/node#63785), which these pages are full of.
 */
function valuesOf(slices: readonly ReadTicket[]): unknown[] {
  return slices.map(({ bytes }) => oracleValue(bytes));
}

function skipSeparators(page: Buffer, from: number): number {
  let at = from;
  while (', \t\r\n'.includes(String.fromCharCode(page[at] ?? 0x58))) at++;
  return at;
}

/** What the page stream says of a page, held against stream-json alone. */
function expectAgreement(
  outcome: Outcome,
  chunks: readonly Buffer[],
  mode: ExportMode,
  lifted: readonly string[],
): void {
  const oracle = oraclePage(chunks, mode, lifted);
  if ('refused' in outcome) {
    expect(['zendesk.page_truncated', 'zendesk.page_malformed']).toContain(outcome.refused.code);
    expect(oracle).toBeUndefined();
    return;
  }
  if (oracle === undefined) throw new Error('stream-json alone refuses this page');
  const tickets = readTickets(outcome.slices);
  expect(valuesOf(tickets)).toEqual(oracle.tickets);
  for (const array of lifted) {
    const records = (outcome.records.get(array) ?? []).map((bytes) => oracleValue(bytes));
    expect(records).toEqual(oracle.sideloads.get(array) ?? []);
  }
  const { tail } = outcome;
  expect(tail.endTime).toBe(oracle.fields.get('end_time') ?? undefined);
  expect(tail.afterCursor).toBe(oracle.fields.get('after_cursor') ?? undefined);
  expect(tail.count).toBe(oracle.fields.get('count') ?? undefined);
  expect(tail.endOfStream).toBe(oracle.fields.get('end_of_stream') ?? undefined);
  expect(tail.ticketCount).toBe(tickets.length);
}

describe('a page in any chunking', () => {
  test.prop([generatedPage, chunking, lifting], { numRuns: 6_000 })(
    'gives tickets and sideloads byte for byte, the control fields, and what stream-json alone finds',
    async (page, sizes, lifted) => {
      const chunks = chunksOf(page.bytes, sizes);
      const outcome = await outcomeOf(chunks, page.mode, lifted);
      if ('refused' in outcome) throw outcome.refused;
      expect(readTickets(outcome.slices).map(({ bytes }) => bytes.toString())).toEqual(
        page.tickets.map(String),
      );
      for (const array of lifted) {
        expect((outcome.records.get(array) ?? []).map(String)).toEqual(
          (page.records.get(array) ?? []).map(String),
        );
      }
      expect(outcome.tail).toMatchObject({
        endTime: page.control['end_time'],
        afterCursor: page.control['after_cursor'] ?? undefined,
        count: page.control['count'],
        endOfStream: page.control['end_of_stream'],
        ticketCount: page.tickets.length,
        bytes: page.bytes.length,
      });
      expectAgreement(outcome, chunks, page.mode, lifted);
    },
    TIMEOUT_MS,
  );

  test.prop([generatedPage, chunking, lifting, fc.nat()], { numRuns: 1_500 })(
    'and cut anywhere, is told to be cut',
    async (page, sizes, lifted, where) => {
      const lastByte = page.bytes.lastIndexOf('}');
      const cut = page.bytes.subarray(0, where % (lastByte + 1));
      const outcome = await outcomeOf(chunksOf(cut, sizes), page.mode, lifted);
      expect('refused' in outcome && outcome.refused.code).toBe('zendesk.page_truncated');
    },
    TIMEOUT_MS,
  );
});

describe('a damaged page', () => {
  test.prop([generatedPage, damages, chunking, lifting], { numRuns: 6_000 })(
    'is accepted exactly where stream-json alone accepts it, with the same tickets, sideloads and fields',
    async (page, changes, sizes, lifted) => {
      const bytes = damage(page.bytes, changes);
      const chunks = chunksOf(bytes, sizes);
      const outcome = await outcomeOf(chunks, page.mode, lifted);
      expectAgreement(outcome, chunks, page.mode, lifted);
      if (!('refused' in outcome)) expect(standsIn(bytes, readTickets(outcome.slices))).toBe(true);
    },
    TIMEOUT_MS,
  );
});

describe('a page with sideloads', () => {
  const spillDir = mkdtempSync(join(tmpdir(), 'ticket-stream-spill-'));
  afterAll(() => rmSync(spillDir, { recursive: true }));

  test.prop([plainKeyedPage, chunking, fc.subarray([...SIDELOADS], { minLength: 1 })], { numRuns: 1_500 })(
    'gives each ticket the records that its fields name, as stream-json alone puts them together',
    async (page, sizes, include) => {
      const chunks = chunksOf(page.bytes, sizes);
      const oracle = oraclePage(chunks, page.mode, include);
      const found: unknown[] = [];
      for await (const batch of streamPageWithSideloads(reusing(chunks), limits, {
        mode: page.mode,
        include,
        spillDir,
      })) {
        for (const slice of batch) {
          if (slice.kind === 'unread') throw new Error('no ticket is over a limit');
          found.push({
            ticket: slice.bytes.toString(),
            embedded: slice.embedded === undefined ? {} : oracleValue(slice.embedded),
          });
        }
      }
      expect(found).toEqual(
        page.tickets.map((bytes, index) => ({
          ticket: bytes.toString(),
          embedded: expectedFor(oracle?.tickets[index], oracle?.sideloads ?? new Map()),
        })),
      );
      expect(readdirSync(spillDir)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  /** Said once more and in another way than sideload-relations.ts and sideload-index.ts do. */
  function expectedFor(ticket: unknown, sideloads: ReadonlyMap<string, readonly unknown[]>): unknown {
    const fields = (ticket ?? {}) as Record<string, unknown>;
    if (typeof ticket !== 'object' || Array.isArray(ticket)) return {};
    const people = [
      'requester_id',
      'submitter_id',
      'assignee_id',
      'collaborator_ids',
      'follower_ids',
      'email_cc_ids',
    ];
    const wanted: Record<string, unknown[]> = {
      users: people.flatMap((name) => fields[name] ?? []),
      groups: [fields['group_id']],
      organizations: [fields['organization_id']],
      metric_sets: [fields['id']],
    };
    const embedded: Record<string, unknown[]> = {};
    for (const [array, ids] of Object.entries(wanted)) {
      const all = (sideloads.get(array) ?? []) as ({ id?: unknown; ticket_id?: unknown } | null)[];
      const key = array === 'metric_sets' ? 'ticket_id' : 'id';
      const found = [...new Set(ids)]
        .map((id) => (typeof id === 'number' ? all.findLast((record) => record?.[key] === id) : undefined))
        .filter((record) => record !== undefined);
      if (found.length > 0) embedded[array] = found;
    }
    return embedded;
  }
});
