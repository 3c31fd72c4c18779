import { fc } from '@fast-check/vitest';
import type { TicketChange } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import type { SearchIndex } from './search-index.ts';
import { change, ids, nowSecond, put, testIndex } from './testing/test-index.ts';

/** What every adapter of the port promises of its answers. `open` gives an empty index of its own to each test. */
export function searchQueriesContract(name: string, open: () => Promise<SearchIndex> | SearchIndex): void {
  const { opened, find, found } = testIndex(open);

  describe(`${name} as a search index`, () => {
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
        fc.constantFrom('\uff9e', '東京', 'สวัสดี', 'ﬁ', 'İ', '\u0301', '\u200d', '👍', 'مرحبا'),
      );

      it('is never left out where nothing of it is a word', async () => {
        const index = await opened(change('1', { subject: 'printer' }));
        for (const text of ['\uff9e', 'subject:\uff9e', '-\uff9f', 'printer \uff9e']) {
          await expect(async () => find(index, text)).rejects.toMatchObject({ code: 'search.bad_query' });
        }
      });

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

      it.each([
        ['weaker', { subject: 'other', description: `${'other '.repeat(50)} refund` }],
        ['better', { subject: 'refund refund refund', tags: ['refund'] }],
        ['no hit', { subject: 'other' }],
      ])('reaches every other hit once where the last of a page becomes %s', async (_what, fields) => {
        // Of these many have the same score, and each ticket that changes its length moves all scores a little.
        const index = await opened(...many);
        const changed = new Set<string>();
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const answer = await find(index, 'refund', { limit: 5, cursor });
          seen.push(...ids(answer).filter((id) => !changed.has(id)));
          const last = ids(answer).at(-1);
          if (last !== undefined && !changed.has(last)) {
            changed.add(last);
            await put(index, [change(last, fields)]);
          }
          cursor = answer.next;
        } while (cursor !== undefined);
        expect(new Set(seen)).toEqual(new Set(many.map(({ ticketId }) => ticketId)));
        expect(seen).toHaveLength(many.length);
      });

      it('goes on exactly while all hits get another status, as who works through a list does it', async () => {
        const index = await opened(...many);
        const solved = (ticket: TicketChange) =>
          change(ticket.ticketId, { ...ticket.ticket, status: 'pending' });
        const seen = await pages(index, 'refund', 5, (page) =>
          put(index, [...many.map(solved), change(String(7000 + page), { subject: 'longer, and no hit' })]),
        );
        expect(new Set(seen)).toEqual(new Set(many.map(({ ticketId }) => ticketId)));
        expect(seen).toHaveLength(many.length);
      });

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
  });
}
