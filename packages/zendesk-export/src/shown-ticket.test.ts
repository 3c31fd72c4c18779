import { createHash } from 'node:crypto';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { inChunks, limits } from './page-reading.ts';
import { readShownTicket } from './shown-ticket.ts';

const read = (body: string | Buffer, chunkBytes = 7, own: Partial<typeof limits> = {}) =>
  readShownTicket(inChunks(Buffer.from(body), chunkBytes), { ...limits, ...own });

const TICKET = '{ "id": 9007199254740993, "subject": "Grüße ☃", "x": 1.50, "nested": {"ticket": "}"} }';

describe('a ticket shown by its id', () => {
  test.prop([fc.integer({ min: 1, max: 200 }), fc.constantFrom('', ' ', '\r\n  ')])(
    'is lifted out byte for byte, in any chunking and with any white space around it',
    async (chunkBytes, space) => {
      const body = `${space}{${space}"ticket"${space}:${space}${TICKET}${space}}${space}`;
      const slice = await read(body, chunkBytes);
      if (slice.kind !== 'ticket') throw new Error('unread');
      expect(slice.bytes.toString()).toBe(TICKET);
      expect(slice.parsed).toMatchObject({ subject: 'Grüße ☃' });
    },
  );

  it('over the limit goes by unread: its head, length and hash are left', async () => {
    const large = `{"id":7,"description":"${'x'.repeat(300_000)}"}`;
    expect(await read(`{"ticket":${large}}`, 50_000)).toMatchObject({
      kind: 'unread',
      reason: 'too_large',
      id: '7',
      byteLength: large.length,
      sha256: createHash('sha256').update(large).digest('hex'),
    });
  });

  it('nested too deep is unread', async () => {
    const deep = `{"id":7,"a":${'['.repeat(60)}${']'.repeat(60)}}`;
    expect(await read(`{"ticket":${deep}}`)).toMatchObject({ kind: 'unread', reason: 'too_deep' });
  });

  it.each([
    ['', 'zendesk.page_truncated'],
    ['{"ticket":', 'zendesk.page_truncated'],
    // Its last bracket is taken for the one around it: either way it is asked for again.
    [`{"ticket":${TICKET}`, 'zendesk.page_malformed'],
    [`{"ticket":${TICKET.slice(0, -9)}`, 'zendesk.page_truncated'],
    ['{"ticket"', 'zendesk.page_malformed'],
    ['<html>', 'zendesk.page_malformed'],
    [`{"tickets":[${TICKET}]}`, 'zendesk.page_malformed'],
    [`{"ticket":${TICKET},"users":[]}`, 'zendesk.page_malformed'],
    [`{"ticket":${TICKET}}}`, 'zendesk.page_malformed'],
    [`{"ticket":{"id":1,}}`, 'zendesk.page_malformed'],
    [`{"ticket":{"id":1},{"id":2}}`, 'zendesk.page_malformed'],
    [`{"ticket":{"id":1},2}`, 'zendesk.page_malformed'],
  ])('%j is no answer', async (body, code) => {
    for (const chunkBytes of [1, 7, 1_000])
      await expect(read(body, chunkBytes)).rejects.toMatchObject({ code });
  });

  it('that is null is one without an id, for whoever looks for it', async () => {
    expect(await read('{"ticket":null}')).toMatchObject({ kind: 'ticket', parsed: null });
  });
});
