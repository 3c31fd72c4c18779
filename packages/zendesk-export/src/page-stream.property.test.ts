import { test } from '@fast-check/vitest';
import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { chunking, chunksOf, generatedPage } from './generated-pages.ts';
import type { ExportMode, PageTail } from './page-fields.ts';
import { oraclePage, oracleValue } from './page-stream.oracle.ts';
import { type ReadTicket, streamPage, type TicketSlice } from './page-stream.ts';

/** Thousands of pages take a few seconds, and more where other suites share the machine. */
const TIMEOUT_MS = 120_000;

const limits = { ticketBytesMax: 1_000_000, pageBytesMax: 10_000_000, depthMax: 100 };

type Outcome =
  | { readonly slices: readonly TicketSlice[]; readonly tail: PageTail }
  | { readonly refused: TicketStreamError };

/** A body that overwrites each chunk as soon as the next is asked for, as a reader of files may. */
async function* reusing(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    const lent = Buffer.from(chunk);
    yield lent;
    lent.fill(0x58);
  }
}

async function outcomeOf(chunks: readonly Buffer[], mode: ExportMode): Promise<Outcome> {
  const slices: TicketSlice[] = [];
  const pages = streamPage(reusing(chunks), limits, mode);
  try {
    for (;;) {
      const step = await pages.next();
      if (step.done === true) return { slices, tail: step.value };
      slices.push(...step.value);
    }
  } catch (error) {
    if (!isTicketStreamError(error)) throw error;
    return { refused: error };
  }
}

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

describe('a page in any chunking', () => {
  test.prop([generatedPage, chunking], { numRuns: 1_500 })(
    'gives the tickets byte for byte, the control fields, and what stream-json alone finds',
    async (page, sizes) => {
      const chunks = chunksOf(page.bytes, sizes);
      const outcome = await outcomeOf(chunks, page.mode);
      if ('refused' in outcome) throw outcome.refused;
      const { tail } = outcome;
      const tickets = readTickets(outcome.slices);
      expect(tickets.map(({ bytes }) => bytes.toString())).toEqual(page.tickets.map(String));
      expect(tail).toMatchObject({
        endTime: page.control['end_time'],
        afterCursor: page.control['after_cursor'] ?? undefined,
        count: page.control['count'],
        endOfStream: page.control['end_of_stream'],
        ticketCount: page.tickets.length,
        bytes: page.bytes.length,
      });
      const oracle = oraclePage(chunks, page.mode);
      expect(valuesOf(tickets)).toEqual(oracle?.tickets);
    },
    TIMEOUT_MS,
  );

  test.prop([generatedPage, chunking, fc.nat()], { numRuns: 1_000 })(
    'and cut anywhere, is told to be cut',
    async (page, sizes, where) => {
      const lastByte = page.bytes.lastIndexOf('}');
      const cut = page.bytes.subarray(0, where % (lastByte + 1));
      const outcome = await outcomeOf(chunksOf(cut, sizes), page.mode);
      expect('refused' in outcome && outcome.refused.code).toBe('zendesk.page_truncated');
    },
    TIMEOUT_MS,
  );
});

const mutation = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }),
  // What JSON is made of does more harm than any byte.
  fc.record({
    kind: fc.constant('flip' as const),
    at: fc.nat(),
    byte: fc.constantFrom(...Buffer.from('{}[]",:\\ 0-.eu\n')),
  }),
  fc.record({ kind: fc.constant('drop' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant('double' as const), at: fc.nat(), length: fc.integer({ min: 1, max: 40 }) }),
  fc.record({
    kind: fc.constant('insert' as const),
    at: fc.nat(),
    text: fc.constantFrom('"tickets":[],', '{}', ',null', '\u00ff', '\\', '"', '[[[['),
  }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutate(page: Buffer, change: Mutation): Buffer {
  const at = change.at % page.length;
  switch (change.kind) {
    case 'flip': {
      const flipped = Buffer.from(page);
      flipped[at] = change.byte;
      return flipped;
    }
    case 'drop':
      return Buffer.concat([page.subarray(0, at), page.subarray(at + change.length)]);
    case 'double':
      return Buffer.concat([page.subarray(0, at + change.length), page.subarray(at)]);
    case 'insert':
      return Buffer.concat([page.subarray(0, at), Buffer.from(change.text, 'latin1'), page.subarray(at)]);
  }
}

describe('a damaged page', () => {
  test.prop([generatedPage, fc.array(mutation, { minLength: 1, maxLength: 3 }), chunking], {
    numRuns: 3_000,
  })(
    'is accepted exactly where stream-json alone accepts it, with the same tickets and fields',
    async (page, mutations, sizes) => {
      const bytes = mutations.reduce(
        (damaged, change) => (damaged.length === 0 ? damaged : mutate(damaged, change)),
        page.bytes,
      );
      const chunks = chunksOf(bytes, sizes);
      const outcome = await outcomeOf(chunks, page.mode);
      const oracle = oraclePage(chunks, page.mode);
      if ('refused' in outcome) {
        expect(['zendesk.page_truncated', 'zendesk.page_malformed']).toContain(outcome.refused.code);
        expect(oracle).toBeUndefined();
        return;
      }
      const tickets = readTickets(outcome.slices);
      expect(valuesOf(tickets)).toEqual(oracle?.tickets);
      expect(outcome.tail.endTime).toBe(oracle?.fields.get('end_time') ?? undefined);
      expect(outcome.tail.afterCursor).toBe(oracle?.fields.get('after_cursor') ?? undefined);
      expect(outcome.tail.count).toBe(oracle?.fields.get('count') ?? undefined);
      expect(outcome.tail.endOfStream).toBe(oracle?.fields.get('end_of_stream') ?? undefined);
      expect(outcome.tail.ticketCount).toBe(tickets.length);
      expect(standsIn(bytes, tickets)).toBe(true);
    },
    TIMEOUT_MS,
  );
});
