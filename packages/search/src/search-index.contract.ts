import { emptyBooks } from '@ticket-stream/subscriber';
import { describe, expect, it } from 'vitest';
import type { SearchIndex } from './search-index.ts';
import { change, logId, otherLogId, put, stepOf, testIndex } from './testing/test-index.ts';

/** What every adapter of the port promises of what it stores. `open` gives an empty index of its own to each test. */
export function searchIndexContract(name: string, open: () => Promise<SearchIndex> | SearchIndex): void {
  const { opened, find, found } = testIndex(open);

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

      it('finds the last of as many choices as a ticket has room for', async () => {
        const value = Array.from({ length: 130_000 }, (_, at) => `choice${at}`);
        const index = await opened(change('6', { custom_fields: [{ id: 1, value }] }));
        expect(await found(index, 'choice129999')).toEqual(['6']);
      });

      it('refuses for ever, and by itself, a ticket that cannot be made searchable', async () => {
        const index = await opened(change('1', { subject: 'printer' }));
        const depth = 100_000;
        const json = `{"id":2,"custom_fields":${'['.repeat(depth)}1234567890123456789${']'.repeat(depth)}}`;
        await expect(put(index, [change('2', {}, { json })])).rejects.toMatchObject({
          code: 'sink.cannot_apply',
          context: { ticketId: '2' },
        });
        expect(await found(index, '')).toEqual(['1']);
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
