import { fc } from '@fast-check/vitest';
import { emptyBooks } from '@ticket-stream/subscriber';
import { type Ticket, type TicketChange, ticketChange, ticketDigest } from '@ticket-stream/ticket';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseQuery } from './query-language/parse-query.ts';
import type { SearchAnswer, SearchIndex, SearchOptions } from './search-index.ts';

const logId = '7b1f1d3e-3c1a-4f0e-9a52-0d6f4f6a1c11';
const otherLogId = '00000000-3c1a-4f0e-9a52-0d6f4f6a1c11';
const nowSecond = Date.UTC(2026, 2, 31, 12) / 1000;

/** A change as the loop would hand it over; `json` wins over `fields` where the bytes matter. */
export function change(
  id: string,
  fields: Record<string, unknown>,
  place: { stamp?: number; offset?: bigint; json?: string; traceId?: string } = {},
): TicketChange {
  const value = Buffer.from(place.json ?? `{"id":${id},${JSON.stringify(fields).slice(1)}`);
  const ticket = JSON.parse(value.toString('utf8')) as Ticket;
  return ticketChange({
    ticketId: id,
    kind: ticket.status === 'deleted' ? 'deleted' : 'changed',
    ticket,
    value,
    previous: undefined,
    version: {
      stamp: place.stamp ?? 1_772_000_000,
      digest: ticketDigest(value),
      place: { logId, partition: 3, offset: place.offset ?? 1n },
    },
    source: 'https://acme.zendesk.com',
    publishedAtMs: 1_772_000_000_000,
    traceId: place.traceId,
  });
}

function stepOf(changes: readonly TicketChange[], nextOffset = 1n) {
  return {
    versions: new Map(changes.map(({ ticketId, version }) => [ticketId, version])),
    positions: [{ partition: 3, logId, nextOffset }],
    books: { ...emptyBooks, consumed: changes.length, applied: changes.length },
  };
}

export async function put(
  index: SearchIndex,
  changes: readonly TicketChange[],
  nextOffset = 1n,
): Promise<void> {
  await index.record(stepOf(changes, nextOffset), () => index.apply(changes));
}

function ids(answer: SearchAnswer): string[] {
  return answer.hits.map((hit) => hit.ticketId);
}

/** What every adapter of the port promises. `open` gives an empty index of its own to each test. */
export function searchIndexContract(name: string, open: () => Promise<SearchIndex> | SearchIndex): void {
  async function opened(...changes: TicketChange[]): Promise<SearchIndex> {
    const index = await open();
    onTestFinished(() => index.close());
    if (changes.length > 0) await put(index, changes);
    return index;
  }

  async function find(index: SearchIndex, text: string, options: Partial<SearchOptions> = {}) {
    return index.search(parseQuery(text), { limit: 100, deleted: false, nowSecond, ...options });
  }

  async function found(index: SearchIndex, text: string, options: Partial<SearchOptions> = {}) {
    const answer = await find(index, text, options);
    expect(answer.total).toBe(answer.hits.length);
    return ids(answer).sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  }

  describe(`${name} as a search index`, () => {
    describe('what it stores', () => {
      it('gives the ticket back byte for byte, with its version, place and trace', async () => {
        const json =
          '{ "id": 7, "custom_fields":[{"id":1,"value":12345678901234567890}],\t"subject":"\\u00e9 ü 😀" }';
        const stored = change('7', {}, { json, offset: 2n ** 60n + 1n, traceId: 'a'.repeat(32) });
        const index = await opened(stored);
        const ticket = await index.get('7');
        expect(ticket?.value.toString('utf8')).toBe(json);
        expect(ticket).toMatchObject({
          ticketId: '7',
          version: stored.version,
          deleted: false,
          traceId: 'a'.repeat(32),
        });
        expect(await index.get('8')).toBeUndefined();
      });

      it.each(['9007199254740993', '9223372036854775807', '9223372036854775808', '9999999999999999999'])(
        'keeps a ticket whose id is %s apart from its neighbours',
        async (id) => {
          const neighbour = (BigInt(id) - 1n).toString();
          const index = await opened(change(id, { subject: 'one' }), change(neighbour, { subject: 'two' }));
          expect(await found(index, id)).toEqual([id]);
          expect((await index.get(id))?.value.toString()).toContain('one');
          expect(new Set((await index.readVersions([id, neighbour])).keys())).toEqual(
            new Set([id, neighbour]),
          );
        },
      );

      it('replaces a ticket: its old words, tags and fields no longer find it', async () => {
        const index = await opened(change('1', { subject: 'printer', status: 'open', tags: ['old'] }));
        await put(index, [change('1', { subject: 'scanner', status: 'solved', tags: ['new'] })]);
        for (const gone of ['printer', 'status:open', 'tags:old'])
          expect(await found(index, gone)).toEqual([]);
        for (const there of ['scanner', 'status:solved', 'tags:new', '']) {
          expect(await found(index, there)).toEqual(['1']);
        }
        expect(await index.count()).toBe(1);
      });

      it('ends with the last of two versions given in one batch', async () => {
        const first = change('1', { subject: 'printer' }, { offset: 1n });
        const last = change('1', { subject: 'scanner' }, { offset: 2n });
        const index = await opened(first, last);
        expect(await found(index, 'printer')).toEqual([]);
        expect(await found(index, 'scanner')).toEqual(['1']);
        expect((await index.readVersions(['1'])).get('1')).toEqual(last.version);
      });

      it('ends with the last of two versions applied one after the other in one step', async () => {
        const index = await opened(change('1', { subject: 'plotter' }));
        const first = change('1', { subject: 'printer' }, { offset: 1n });
        const last = change('1', { subject: 'scanner', status: 'deleted' }, { offset: 2n });
        await index.record(stepOf([first, last]), async () => {
          await index.apply([first]);
          await index.apply([last]);
        });
        expect(await found(index, 'plotter', { deleted: true })).toEqual([]);
        expect(await found(index, 'printer', { deleted: true })).toEqual([]);
        expect(await found(index, 'scanner', { deleted: true })).toEqual(['1']);
        expect(await index.count()).toBe(1);
      });

      it('indexes a ticket that has nothing but an id', async () => {
        const index = await opened(change('5', {}, { json: '{"id":5}' }));
        expect(await found(index, '5')).toEqual(['5']);
        expect(await found(index, '')).toEqual(['5']);
        expect(await found(index, 'tags:none assignee:none')).toEqual(['5']);
      });

      it('indexes a ticket whose fields have types nobody expects', async () => {
        const odd = {
          subject: 4,
          description: { a: 1 },
          tags: 'vip',
          status: ['x'],
          created_at: 'soon',
          custom_fields: 3,
        };
        const index = await opened(change('5', odd));
        expect(await found(index, '5')).toEqual(['5']);
      });
    });

    describe('deleted and scrubbed tickets', () => {
      const live = change('1', { subject: 'refund', status: 'open' });
      const deleted = change('2', { subject: 'refund', status: 'deleted' });
      const scrubbed = change('3', { subject: 'SCRUBBED', description: 'X', status: 'deleted' });
      const named = change('4', { subject: 'SCRUBBED deleted refund', status: 'open' });

      it('are found only when asked for, and told by their status alone', async () => {
        const index = await opened(live, deleted, scrubbed, named);
        expect(await found(index, 'refund')).toEqual(['1', '4']);
        expect(await found(index, 'refund', { deleted: true })).toEqual(['1', '2', '4']);
        expect(await found(index, 'scrubbed')).toEqual(['4']);
        expect(await found(index, '')).toEqual(['1', '4']);
        expect(await found(index, '', { deleted: true })).toEqual(['1', '2', '3', '4']);
        expect(await found(index, 'status:deleted', { deleted: true })).toEqual(['2', '3']);
        await expect(find(index, 'status:deleted')).rejects.toMatchObject({ code: 'search.bad_query' });
      });

      it('stay, counted and gettable, and come back when the ticket does', async () => {
        const index = await opened(live, deleted);
        await put(index, [change('1', { subject: 'refund', status: 'deleted' })]);
        expect(await found(index, 'refund')).toEqual([]);
        expect(await index.get('1')).toMatchObject({ deleted: true });
        expect(await index.count()).toBe(2);
        await put(index, [change('1', { subject: 'refund', status: 'open' })]);
        expect(await found(index, 'refund')).toEqual(['1']);
        expect(await found(index, 'refund', { deleted: true })).toEqual(['1', '2']);
      });
    });

    describe('queries', () => {
      const tickets = [
        change('1', {
          subject: 'Refund for my order',
          description: 'The printer never came. Not happy at all.',
          status: 'open',
          priority: 'high',
          type: 'incident',
          tags: ['vip', 'refund-2026'],
          assignee_id: 100,
          group_id: 200,
          requester_id: 300,
          organization_id: 36_000_000_000_001,
          created_at: '2026-03-01T10:00:00Z',
          updated_at: '2026-03-31T11:00:00Z',
        }),
        change('2', {
          subject: 'Printer is broken',
          description: 'happy not, as one says. I want a refund, said Zoë',
          status: 'pending',
          priority: null,
          tags: ['silver', 'vip'],
          assignee_id: null,
          group_id: 201,
          requester_id: 301,
          created_at: '2026-02-28T23:59:59Z',
          updated_at: '2026-03-02T00:00:00Z',
        }),
        change('3', {
          subject: '返金のお願い',
          description: 'see #1',
          status: 'solved',
          priority: 'low',
          tags: [],
          requester_id: 300,
          custom_fields: [
            { id: 9, value: 'INV-20260017' },
            { id: 10, value: ['blue', 'green'] },
          ],
          created_at: '2026-01-01T00:00:00Z',
          updated_at: '2026-01-01T00:00:00Z',
        }),
      ];

      it.each([
        ['refund', ['1', '2']],
        ['refunds printer', ['1', '2']],
        ['"not happy"', ['1']],
        ['refund -"not happy"', ['2']],
        ['-refund', ['3']],
        ['-refund -返金', []],
        ['zoe', ['2']],
        ['返金', ['3']],
        ['1', ['1', '3']],
        ['-1', ['2']],
        ['inv-20260017', ['3']],
        ['green', ['3']],
        ['subject:printer', ['2']],
        ['subject:print*', ['2']],
        ['-subject:printer', ['1', '3']],
        ['description:"not happy"', ['1']],
        ['status:open', ['1']],
        ['status:open status:solved', ['1', '3']],
        ['-status:open -status:solved', ['2']],
        ['status<solved', ['1', '2']],
        ['status>=pending', ['2', '3']],
        ['priority>=normal', ['1']],
        ['-priority:low', ['1', '2']],
        ['priority<low', []],
        ['ticket_type:incident', ['1']],
        ['tags:vip', ['1', '2']],
        ['tags:VIP', ['1', '2']],
        ['tags:refund-2026', ['1']],
        ['tags:refund', []],
        ['tags:"silver vip"', ['2']],
        ['tags:silver tags:refund-2026', ['1', '2']],
        ['tags:none', ['3']],
        ['-tags:none', ['1', '2']],
        ['-tags:silver', ['1', '3']],
        ['tags:vip refund status:open', ['1']],
        ['assignee:100', ['1']],
        ['assignee:none', ['2', '3']],
        ['assignee:none assignee:100', ['1', '2', '3']],
        ['-assignee:none', ['1']],
        ['group:200 group:201', ['1', '2']],
        ['requester:300', ['1', '3']],
        ['organization:36000000000001', ['1']],
        ['organization:none', ['2', '3']],
        ['created:2026-03-01', ['1']],
        ['created<2026-03-01', ['2', '3']],
        ['created>=2026-02-28 created<=2026-03-01', ['1', '2']],
        ['created:2026-02-28 created:2026-01-01', ['2', '3']],
        ['created>2026-03-01T10:59:59+01:00', ['1']],
        ['created>=2026-03-01T11:00:01+01:00', []],
        ['updated>4hours', ['1']],
        ['updated<4hours refund', ['2']],
        ['', ['1', '2', '3']],
      ])('answers %s', async (text, expected) => {
        expect(await found(await opened(...tickets), text)).toEqual(expected);
      });

      it('sorts by relevance where there are words: a word in the subject weighs more', async () => {
        const answer = await find(await opened(...tickets), 'refund');
        expect(ids(answer)).toEqual(['1', '2']);
        const [best, next] = answer.hits.map((hit) => hit.score);
        expect(best).toBeGreaterThan(next ?? Number.POSITIVE_INFINITY);
      });

      it('sorts by the newest update otherwise, or as the query says', async () => {
        const index = await opened(...tickets);
        expect(ids(await find(index, ''))).toEqual(['1', '2', '3']);
        expect(ids(await find(index, 'sort:asc'))).toEqual(['3', '2', '1']);
        expect(ids(await find(index, 'refund order_by:created_at sort:asc'))).toEqual(['2', '1']);
        expect((await find(index, 'refund order_by:created')).hits[0]?.score).toBeUndefined();
      });

      it('finds a number of 64 bits by all its digits', async () => {
        const json = '{"id":8,"custom_fields":[{"id":1,"value":1234567890123456789}]}';
        const index = await opened(change('8', {}, { json }));
        expect(await found(index, '1234567890123456789')).toEqual(['8']);
        expect(await found(index, '1234567890123456800')).toEqual([]);
      });

      it('answers as many parts as a query may have', async () => {
        const index = await opened(...tickets);
        expect(await found(index, 'refund '.repeat(256))).toEqual(['1', '2']);
        expect(await found(index, '-nothing '.repeat(220))).toEqual(['1', '2', '3']);
        expect(await found(index, 'tags:vip '.repeat(220))).toEqual(['1', '2']);
        expect(await found(index, 'status:open '.repeat(170))).toEqual(['1']);
      });
    });

    describe('any text', () => {
      /** What means something to a query, to FTS5, to a tokenizer, or to none of them. */
      const piece = fc.oneof(
        fc.string({ unit: 'grapheme', maxLength: 10 }),
        fc.string({ unit: 'binary', maxLength: 6 }),
        fc.constantFrom(
          '"',
          "'",
          '*',
          '(',
          ')',
          '^',
          '-',
          '+',
          '{',
          '}',
          '\0',
          '\ue000',
          '\ud800',
          '＂',
          '½',
          '²',
        ),
        fc.constantFrom(
          'AND',
          'OR',
          'NOT',
          'NEAR(a b)',
          'marks:a',
          'subject : a',
          '"a" "b"',
          '-"a',
          'a*',
          ' ',
        ),
        fc.constantFrom(
          'subject:',
          'description:',
          'tags:',
          'status:open',
          'created>',
          '2026-01-01',
          'tags:"a b"',
        ),
        fc.constantFrom('東京', 'สวัสดี', 'ﬁ', 'İ', '\u0301', '\u200d', '👍', 'مرحبا'),
      );

      it('is answered with a list and its exact total, or refused as a bad query', async () => {
        const index = await opened(
          change('1', { subject: 'a b "c" AND d', tags: ['a', 'b'], status: 'open' }),
          change('2', { subject: 'NEAR(a b) 東京都', status: 'deleted' }),
        );
        const texts = fc.array(piece, { maxLength: 10 }).map((pieces) => pieces.join(''));
        await fc.assert(
          fc.asyncProperty(texts, fc.boolean(), async (text, deleted) => {
            try {
              const answer = await find(index, text, { deleted });
              expect(answer.total).toBe(answer.hits.length);
            } catch (error) {
              expect(error).toMatchObject({ code: 'search.bad_query' });
            }
          }),
          { numRuns: 500 },
        );
      });
    });

    describe('paging', () => {
      const many = Array.from({ length: 47 }, (_, at) =>
        change(String(1000 + at), {
          subject: at % 3 === 0 ? 'refund refund refund' : 'refund',
          description: 'word '.repeat(at % 5),
          status: at % 2 === 0 ? 'open' : 'solved',
          // Seconds collide: the order needs more than the date.
          created_at: `2026-03-01T00:00:0${at % 4}Z`,
          updated_at: `2026-03-01T00:00:0${at % 4}Z`,
        }),
      );

      async function pages(
        index: SearchIndex,
        text: string,
        limit: number,
        between?: (page: number) => Promise<void>,
      ) {
        const seen: string[] = [];
        let cursor: string | undefined;
        let page = 0;
        do {
          const answer = await find(index, text, { limit, cursor });
          expect(answer.hits.length).toBeLessThanOrEqual(limit);
          expect(page).toBeLessThan(100);
          seen.push(...ids(answer));
          cursor = answer.next;
          await between?.(page);
          page++;
        } while (cursor !== undefined);
        return seen;
      }

      it.each([
        '',
        'refund',
        'refund status:open',
        'status:open',
        'refund sort:asc',
        'order_by:created sort:asc',
      ])('reaches every hit of "%s" once, in the order of one long page', async (text) => {
        const index = await opened(...many);
        const whole = await find(index, text, { limit: 1000 });
        expect(whole.next).toBeUndefined();
        expect(whole.hits).toHaveLength(whole.total);
        for (const limit of [1, 7, whole.total - 1, whole.total]) {
          expect(await pages(index, text, limit)).toEqual(ids(whole));
        }
      });

      it('ends a page of heavy tickets early, and goes on behind its last hit', async () => {
        const mebibyte = 'x'.repeat(1024 * 1024);
        const index = await opened(
          ...Array.from({ length: 12 }, (_, at) =>
            change(String(at + 1), { subject: 'refund', unsearched: mebibyte }),
          ),
        );
        const first = await find(index, 'refund', { limit: 12 });
        expect(first.total).toBe(12);
        expect(first.hits.length).toBeLessThan(12);
        const seen = await pages(index, 'refund', 12);
        expect(new Set(seen).size).toBe(12);
        expect(seen).toHaveLength(12);
      });

      it('gives no next page when the last one is exactly full', async () => {
        const index = await opened(...many);
        expect((await find(index, '', { limit: 47 })).next).toBeUndefined();
        expect((await find(index, '', { limit: 46 })).next).toBeTypeOf('string');
      });

      it.each(['', 'refund'])(
        'repeats and loses none of "%s" while other tickets are indexed',
        async (text) => {
          const index = await opened(...many);
          const seen = await pages(index, text, 5, (page) =>
            put(index, [
              change(String(5000 + page), { subject: 'refund', updated_at: '2026-03-02T00:00:00Z' }),
              change(String(6000 + page), { subject: 'nothing', updated_at: '2026-03-02T00:00:00Z' }),
            ]),
          );
          const old = seen.filter((id) => Number(id) < 2000);
          expect(new Set(old).size).toBe(old.length);
          expect(new Set(old)).toEqual(new Set(many.map(({ ticketId }) => ticketId)));
        },
      );

      it('counts relative times back from the first page on every page', async () => {
        const index = await opened(...many);
        const first = await find(index, 'created>31days', { limit: 5 });
        expect(first.total).toBe(47);
        const later = nowSecond + 86_400;
        const second = await find(index, 'created>31days', {
          limit: 5,
          cursor: first.next,
          nowSecond: later,
        });
        expect(second.total).toBe(47);
        expect((await find(index, 'created>31days', { limit: 5, nowSecond: later })).total).toBe(0);
      });

      it('refuses a cursor that is not of this query', async () => {
        const index = await opened(...many);
        const { next } = await find(index, 'refund', { limit: 5 });
        for (const wrong of [
          find(index, 'refund status:open', { limit: 5, cursor: next }),
          find(index, 'refund', { limit: 5, cursor: next, deleted: true }),
          find(index, 'refund', { limit: 5, cursor: 'nonsense' }),
          find(index, 'refund', { limit: 5, cursor: '' }),
          find(index, 'refund', { limit: 5, cursor: Buffer.from('[1,2]').toString('base64url') }),
          find(await opened(), 'refund', { limit: 5, cursor: next }),
        ]) {
          await expect(wrong).rejects.toMatchObject({ code: 'search.bad_query' });
        }
      });
    });

    describe('one step', () => {
      it('begins empty', async () => {
        const index = await opened();
        expect(await index.readPositions()).toEqual([]);
        expect(await index.readBooks()).toEqual(emptyBooks);
        expect(await index.readVersions(['1'])).toEqual(new Map());
        expect(await index.count()).toBe(0);
        expect(index.id).toMatch(/^[A-Za-z0-9._-]{1,40}$/);
      });

      it('stores versions, positions and books with the documents', async () => {
        const index = await opened();
        const one = change('1', { subject: 'a' }, { offset: 4n });
        await index.record(
          {
            versions: new Map([['1', one.version]]),
            positions: [
              { partition: 3, logId, nextOffset: 2n ** 62n },
              { partition: 0, logId: otherLogId, nextOffset: 9n },
            ],
            books: { consumed: 5, applied: 1, duplicate: 1, stale: 1, skipped: 1, deadLettered: 1 },
          },
          () => index.apply([one]),
        );
        await index.record(
          {
            versions: new Map(),
            positions: [{ partition: 0, logId, nextOffset: 2n }],
            books: { ...emptyBooks, consumed: 2, duplicate: 2 },
          },
          () => undefined,
        );
        expect(await index.readVersions(['2', '1'])).toEqual(new Map([['1', one.version]]));
        expect(await index.readPositions()).toEqual([
          { partition: 0, logId, nextOffset: 2n },
          { partition: 3, logId, nextOffset: 2n ** 62n },
        ]);
        expect(await index.readBooks()).toEqual({
          consumed: 7,
          applied: 1,
          duplicate: 3,
          stale: 1,
          skipped: 1,
          deadLettered: 1,
        });
      });

      it('leaves nothing of a step whose effect fails, and the error as it was', async () => {
        const before = change('1', { subject: 'printer' });
        const index = await opened(before);
        const cause = new Error('the effect failed');
        const after = [
          change('1', { subject: 'scanner' }, { stamp: 1_900_000_000 }),
          change('2', { subject: 'scanner' }),
        ];
        await expect(
          index.record(stepOf(after, 99n), async () => {
            await index.apply(after);
            throw cause;
          }),
        ).rejects.toBe(cause);
        expect(await found(index, 'scanner')).toEqual([]);
        expect(await found(index, 'printer')).toEqual(['1']);
        expect(await index.readVersions(['1', '2'])).toEqual(new Map([['1', before.version]]));
        expect(await index.readPositions()).toEqual([{ partition: 3, logId, nextOffset: 1n }]);
        expect((await index.readBooks()).consumed).toBe(1);
        await put(index, after, 99n);
        expect(await found(index, 'scanner')).toEqual(['1', '2']);
      });

      it('shows readers nothing of a step before it is done', async () => {
        const index = await opened(change('1', { subject: 'printer' }));
        const more = [change('2', { subject: 'printer' })];
        await index.record(stepOf(more), async () => {
          await index.apply(more);
          expect(await found(index, 'printer')).toEqual(['1']);
          expect(await index.get('2')).toBeUndefined();
          expect(await index.count()).toBe(1);
        });
        expect(await found(index, 'printer')).toEqual(['1', '2']);
      });

      it('keeps two steps apart that are begun at once', async () => {
        const index = await opened();
        const good = [change('1', { subject: 'printer' })];
        const bad = [change('2', { subject: 'printer' })];
        const results = await Promise.allSettled([
          index.record(stepOf(bad), async () => {
            await index.apply(bad);
            await Promise.resolve();
            throw new Error('no');
          }),
          put(index, good),
        ]);
        expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
        expect(await found(index, 'printer')).toEqual(['1']);
      });

      it('refuses to be written outside a step, or without a version', async () => {
        const index = await opened();
        const one = change('1', { subject: 'printer' });
        await expect((async () => index.apply([one]))()).rejects.toMatchObject({ code: 'internal.defect' });
        await expect(
          index.record({ ...stepOf([one]), versions: new Map() }, () => index.apply([one])),
        ).rejects.toMatchObject({ code: 'internal.defect' });
        expect(await index.count()).toBe(0);
      });
    });
  });
}
