import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from '@fast-check/vitest';
import fc from 'fast-check';
import { afterAll, describe, expect } from 'vitest';
import { chunking, damages, generatedPage, plainKeyedPage } from './generated-pages.ts';
import {
  chunksOf,
  disagreement,
  outcomeOf,
  readTickets,
  reusing,
  SIDELOADS,
  standsIn,
} from './page-agreement.ts';
import { damage } from './page-damage.ts';
import { oraclePage, oracleValue } from './page-stream.oracle.ts';
import type { PageLimits } from './page-stream.ts';
import { streamPageWithSideloads } from './sideloads/sideload-stream.ts';

/** Thousands of pages take a few seconds, and more where other suites share the machine. */
const TIMEOUT_MS = 240_000;

const limits: PageLimits = { ticketBytesMax: 1_000_000, pageBytesMax: 10_000_000, depthMax: 100 };

/** Half of the time none is asked for. */
const lifting = fc.oneof(fc.constant([]), fc.subarray([...SIDELOADS], { minLength: 1 }));

describe('a page in any chunking', () => {
  test.prop([generatedPage, chunking, lifting], { numRuns: 6_000 })(
    'gives tickets and sideloads byte for byte, the control fields, and what stream-json alone finds',
    async (page, sizes, lifted) => {
      const chunks = chunksOf(page.bytes, sizes);
      const request = { mode: page.mode, lifted, limits };
      const outcome = await outcomeOf(chunks, request);
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
      expect(disagreement(outcome, chunks, request)).toBeUndefined();
    },
    TIMEOUT_MS,
  );

  test.prop([generatedPage, chunking, lifting, fc.nat()], { numRuns: 1_500 })(
    'and cut anywhere, is told to be cut',
    async (page, sizes, lifted, where) => {
      const lastByte = page.bytes.lastIndexOf('}');
      const cut = page.bytes.subarray(0, where % (lastByte + 1));
      const outcome = await outcomeOf(chunksOf(cut, sizes), { mode: page.mode, lifted, limits });
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
      const request = { mode: page.mode, lifted, limits };
      const outcome = await outcomeOf(chunks, request);
      expect(disagreement(outcome, chunks, request)).toBeUndefined();
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
