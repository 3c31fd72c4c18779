import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isTicketStreamError } from '@ticket-stream/errors';
import { embedSideloads, withoutEmbedded } from '@ticket-stream/ticket';
import { afterAll, describe, expect, it } from 'vitest';
import { inChunks, limits, TAIL } from '../page-reading.ts';
import type { PageLimits } from '../page-stream.ts';
import { openFilesIn } from './open-files.ts';
import { type EmbeddedSlice, type SideloadOptions, streamPageWithSideloads } from './sideload-stream.ts';

const spillDir = mkdtempSync(join(tmpdir(), 'ticket-stream-sideloads-'));
afterAll(() => rmSync(spillDir, { recursive: true }));

async function read(page: string, own: Partial<SideloadOptions & PageLimits> = {}, chunkBytes = 1_000) {
  const slices: EmbeddedSlice[] = [];
  const options = {
    mode: 'time' as const,
    include: ['users', 'groups', 'organizations', 'metric_sets'],
    spillDir,
    ...own,
  };
  const pages = streamPageWithSideloads(
    inChunks(Buffer.from(page), chunkBytes),
    { ...limits, ...own },
    options,
  );
  for (;;) {
    const step = await pages.next();
    if (step.done === true) return { slices, tail: step.value };
    slices.push(...step.value);
  }
}

async function codeOf(page: string, own: Partial<SideloadOptions & PageLimits> = {}) {
  try {
    await read(page, own);
  } catch (error) {
    if (isTicketStreamError(error)) return error.code;
    throw error;
  }
  throw new Error('the page was accepted');
}

const embeddedOf = (slices: readonly EmbeddedSlice[]) => slices.map(({ embedded }) => embedded?.toString());

const tickets =
  '"tickets":[{"id":1,"requester_id":7,"assignee_id":8,"group_id":3},{"id":2,"requester_id":7}]';
const users = '"users":[ {"id":8, "name":"Ana"},{"id":7,"name":"Bo \\u00fc"} ,{"id":9}]';
const groups = '"groups":[{"id":3}]';
const EXPECTED = [
  '{"users":[{"id":7,"name":"Bo \\u00fc"},{"id":8, "name":"Ana"}],"groups":[{"id":3}]}',
  '{"users":[{"id":7,"name":"Bo \\u00fc"}]}',
];

describe('a page with sideloads', () => {
  it.each([
    ['after the tickets', [tickets, TAIL, users, groups]],
    ['before them', [groups, users, tickets, TAIL]],
    ['on both sides', [users, TAIL, tickets, groups]],
    ['right after them', [tickets, users, groups, TAIL]],
  ])('%s gives each ticket its own, in a fixed order and as their own bytes', async (_name, parts) => {
    for (const chunkBytes of [1, 17, 100_000]) {
      const { slices, tail } = await read(`{${parts.join(',')}}`, {}, chunkBytes);
      expect(embeddedOf(slices)).toEqual(EXPECTED);
      expect(tail).toMatchObject({ endTime: 1_700_000_000, ticketCount: 2, recordsLeftOut: 0 });
    }
  });

  it('leaves the ticket what it was: embedded and cut out again, it is the same bytes', async () => {
    const { slices } = await read(`{${tickets},${TAIL},${users},${groups}}`);
    for (const slice of slices) {
      if (slice.kind === 'unread' || slice.embedded === undefined)
        throw new Error('both are read and have sideloads');
      const value = embedSideloads(slice.bytes, slice.embedded);
      expect(JSON.parse(value.toString())).toEqual({
        ...(slice.parsed as object),
        _embedded: JSON.parse(slice.embedded.toString()),
      });
      expect(withoutEmbedded(value)).toEqual(slice.bytes);
    }
  });

  it('embeds what was asked for alone', async () => {
    const page = `{${tickets},${users},${groups},${TAIL}}`;
    expect(embeddedOf((await read(page, { include: ['groups', 'slas'] })).slices)).toEqual([
      '{"groups":[{"id":3}]}',
      undefined,
    ]);
  });

  it('finds people by every field that names one, organizations, metric sets, agreements and forms by theirs', async () => {
    const people =
      '"submitter_id":11,"collaborator_ids":[12],"follower_ids":[13],"email_cc_ids":[14],"assignee_id":15,"requester_id":16';
    const ticket = `{"id":5,${people},"organization_id":21,"sharing_agreement_ids":[31],"ticket_form_id":41,"brand_id":51}`;
    const page = `{"tickets":[${ticket}],"ticket_forms":[{"id":41}],"users":[${[11, 12, 13, 14, 15, 16, 17].map((id) => `{"id":${id}}`)}],"sharing_agreements":[{"id":31}],"metric_sets":[{"id":5,"ticket_id":4},{"id":6,"ticket_id":5}],"organizations":[{"id":21}],${TAIL}}`;
    const include = ['ticket_forms', 'sharing_agreements', 'metric_sets', 'organizations', 'users'];
    expect(embeddedOf((await read(page, { include })).slices)).toEqual([
      `{"users":[${[16, 11, 15, 12, 13, 14].map((id) => `{"id":${id}}`)}],"organizations":[{"id":21}],"metric_sets":[{"id":6,"ticket_id":5}],"sharing_agreements":[{"id":31}],"ticket_forms":[{"id":41}]}`,
    ]);
  });

  it('takes the later of two records with one id, and none without', async () => {
    const page = `{"tickets":[{"id":1,"requester_id":7}],"users":[null,7,{"id":7,"n":1},{"name":"x"},{"id":7,"n":2},[7]],${TAIL}}`;
    expect(embeddedOf((await read(page)).slices)).toEqual(['{"users":[{"id":7,"n":2}]}']);
  });

  it('keeps the order of its tickets, unread ones and such that are no objects included', async () => {
    const large = `{"id":2,"x":"${'y'.repeat(250_000)}","generated_timestamp":1700000001}`;
    const deep = `{"id":4,"x":${'['.repeat(60)}${']'.repeat(60)}}`;
    const { slices } = await read(
      `{"tickets":[{"id":1,"requester_id":7},${large},7,${deep},{"id":5}],${users},${TAIL}}`,
    );
    expect(
      slices.map((slice) =>
        slice.kind === 'ticket' ? slice.bytes.toString() : `${slice.reason} ${slice.id}`,
      ),
    ).toEqual(['{"id":1,"requester_id":7}', 'too_large 2', '7', 'too_deep 4', '{"id":5}']);
    expect(slices[1]).toMatchObject({
      byteLength: large.length,
      head: Buffer.from(large).subarray(0, 65_536),
      generatedSecond: 1_700_000_001,
      embedded: undefined,
    });
  });

  it('passes over a sideload that is no array, and leaves out a record over the limits', async () => {
    const large = `{"id":7,"x":"${'y'.repeat(250_000)}"}`;
    const { slices, tail } = await read(
      `{${tickets},"users":[${large},{"id":8}],"groups":null,"organizations":{"id":1},${TAIL}}`,
    );
    expect(embeddedOf(slices)).toEqual(['{"users":[{"id":8}]}', undefined]);
    expect(tail.recordsLeftOut).toBe(1);
  });

  it('of the cursor export is whole by its cursor', async () => {
    const { tail } = await read(`{${tickets},${users},"after_cursor":"abc"}`, { mode: 'cursor' });
    expect(tail.afterCursor).toBe('abc');
  });
});

describe('a page with sideloads that is not whole', () => {
  it.each([
    ['cut inside a sideload', `{${tickets},${TAIL},"users":[{"id":7},{"id"`, 'zendesk.page_truncated'],
    ['cut behind them', `{${tickets},${TAIL},${users}`, 'zendesk.page_truncated'],
    ['two users keys', `{${tickets},${users},${users},${TAIL}}`, 'zendesk.page_malformed'],
    [
      'two users keys, one escaped and no array',
      `{${tickets},"\\u0075sers":null,${users},${TAIL}}`,
      'zendesk.page_malformed',
    ],
    ['a record that is not JSON', `{${tickets},"users":[{"id":07}],${TAIL}}`, 'zendesk.page_malformed'],
    ['records without a comma', `{${tickets},"users":[{"id":7}{"id":8}],${TAIL}}`, 'zendesk.page_malformed'],
    ['no control fields', `{${tickets},${users}}`, 'zendesk.page_malformed'],
  ])('with %s gives nothing', async (_name, page, code) => {
    const pages = streamPageWithSideloads(inChunks(Buffer.from(page), 50), limits, {
      mode: 'time',
      include: ['users'],
      spillDir,
    });
    await expect(pages.next()).rejects.toMatchObject({ code });
    expect(await pages.next()).toEqual({ done: true, value: undefined });
  });
});

const many = (count: number) =>
  `"tickets":[${Array.from({ length: count }, (_, index) => `{"id":${index + 1},"requester_id":7,"x":"${'x'.repeat(1_000)}"}`)}]`;

describe('what waits', () => {
  it('comes back in pieces, all of it', async () => {
    const pages = streamPageWithSideloads(
      inChunks(Buffer.from(`{${many(5_000)},${TAIL},${users}}`), 65_536),
      limits,
      {
        mode: 'time',
        include: ['users'],
        spillDir,
      },
    );
    const ids: unknown[] = [];
    for await (const batch of pages) {
      expect(batch.length).toBeLessThan(400);
      for (const slice of batch) ids.push(slice.kind === 'ticket' && (slice.parsed as { id: number }).id);
    }
    expect(ids).toEqual(Array.from({ length: 5_000 }, (_, index) => index + 1));
  });

  it('is too large where it passes its limit, and so are the records', async () => {
    expect(await codeOf(`{${many(2_000)},${users},${TAIL}}`, { spillBytesMax: 1_000_000 })).toBe(
      'zendesk.page_too_large',
    );
    const records = Array.from(
      { length: 300 },
      (_, index) => `{"id":${index + 1},"x":"${'x'.repeat(1_000)}"}`,
    );
    const page = `{${tickets},"users":[${records}],${TAIL}}`;
    expect(await codeOf(page, { recordBytesMax: 300_000 })).toBe('zendesk.page_too_large');
    expect((await read(page, { recordBytesMax: 400_000 })).slices).toHaveLength(2);
  });

  it('does not count a record twice that comes again', async () => {
    const records = Array.from({ length: 300 }, () => `{"id":7,"x":"${'x'.repeat(1_000)}"}`);
    expect(
      (await read(`{${tickets},"users":[${records}],${TAIL}}`, { recordBytesMax: 5_000 })).slices,
    ).toHaveLength(2);
  });

  it('is gone when the reader stops early, when the body fails, and when the page is refused', async () => {
    const whole = Buffer.from(`{${many(2_000)},${users},${TAIL}}`);
    const options = { mode: 'time' as const, include: ['users'], spillDir };
    for await (const batch of streamPageWithSideloads(inChunks(whole, 65_536), limits, options)) {
      if (batch.length > 0) break;
    }
    async function* failing(): AsyncGenerator<Buffer> {
      yield whole.subarray(0, 1_500_000);
      throw new Error('the line went dead');
    }
    await expect(streamPageWithSideloads(failing(), limits, options).next()).rejects.toThrow(
      'the line went dead',
    );
    expect(await codeOf(`{${many(2_000)},${users}}`)).toBe('zendesk.page_malformed');
    expect(readdirSync(spillDir)).toEqual([]);
    expect(openFilesIn(spillDir)).toEqual([]);
  });

  it('closes the body where the disk does not take it', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from('{"tickets":[{"id":1}');
        for (;;) yield Buffer.from(`,{"id":2,"x":"${'x'.repeat(10_000)}"}`);
      } finally {
        closed = true;
      }
    }
    const options = { mode: 'time' as const, include: ['users'], spillDir: join(spillDir, 'nowhere') };
    await expect(streamPageWithSideloads(endless(), limits, options).next()).rejects.toMatchObject({
      code: 'spill.unavailable',
    });
    expect(closed).toBe(true);
  });

  it('is nothing where only fields of the tickets themselves are asked for: they come as they arrive', async () => {
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"tickets":[{"id":1,"slas":{}}');
      for (;;) yield Buffer.from(',{"id":2}');
    }
    const options = {
      mode: 'time' as const,
      include: ['slas', 'comment_count'],
      spillDir: join(spillDir, 'nowhere'),
    };
    for await (const batch of streamPageWithSideloads(endless(), limits, options)) {
      expect(batch).toEqual([
        {
          kind: 'ticket',
          bytes: Buffer.from('{"id":1,"slas":{}}'),
          parsed: { id: 1, slas: {} },
          embedded: undefined,
        },
      ]);
      break;
    }
  });
});
