import { createHash } from 'node:crypto';
import { isTicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import type { ExportMode, PageTail } from './page-fields.ts';
import { type PageLimits, streamPage, type TicketSlice } from './page-stream.ts';

const limits: PageLimits = { ticketBytesMax: 200_000, pageBytesMax: 10_000_000, depthMax: 50 };
const TAIL = '"count":1,"end_of_stream":false,"next_page":null,"end_time":1700000000';

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(
  page: string | Buffer,
  own: Partial<PageLimits> = {},
  chunkBytes = 1_000,
  mode: ExportMode = 'time',
) {
  const slices: TicketSlice[] = [];
  const pages = streamPage(inChunks(Buffer.from(page), chunkBytes), { ...limits, ...own }, mode);
  for (;;) {
    const step = await pages.next();
    if (step.done === true) return { slices, tail: step.value };
    slices.push(...step.value);
  }
}

async function refusalOf(page: string | Buffer, own: Partial<PageLimits> = {}, mode: ExportMode = 'time') {
  try {
    await read(page, own, 1_000, mode);
  } catch (error) {
    if (isTicketStreamError(error)) return error;
    throw error;
  }
  throw new Error('the page was accepted');
}

describe('a whole page', () => {
  it('gives each ticket its bytes, as Zendesk wrote them, and their parsed value', async () => {
    const ticket = '{ "id": 35436, "big":12345678901234567890.10, "subject":"\\u00fcber \\"ü\\"" }';
    const { slices } = await read(`{"tickets":[${ticket}],${TAIL}}`);
    expect(slices).toEqual([{ kind: 'ticket', bytes: Buffer.from(ticket), parsed: JSON.parse(ticket) }]);
  });

  it('tells what stands besides the tickets', async () => {
    const next = 'https://other.example/api/v2/incremental/tickets.json?per_page=1&start_time=1700000001';
    const { tail } = await read(
      `{"tickets":[],"count":0,"end_of_stream":true,"next_page":"${next}","end_time":1700000000}`,
    );
    expect(tail).toEqual<PageTail>({
      afterCursor: undefined,
      endTime: 1_700_000_000,
      nextStartTime: 1_700_000_001,
      askAgain: false,
      count: 0,
      endOfStream: true,
      ticketCount: 0,
      bytes: 168,
    });
  });

  it('may leave out count and end_of_stream', async () => {
    const { tail } = await read('{"tickets":[],"end_time":5}');
    expect(tail).toMatchObject({ endTime: 5, count: undefined, endOfStream: undefined });
  });

  it('may tell where to go on by next_page alone, relative or absolute', async () => {
    expect((await read('{"tickets":[],"next_page":"/x?start_time=7"}')).tail).toMatchObject({
      endTime: undefined,
      nextStartTime: 7,
    });
  });

  it.each(['"end_time":null', '"next_page":null', '"next_page":null,"end_time":null'])(
    'with %s and nothing else to go on by, means "ask again"',
    async (fields) => {
      const { tail } = await read(`{"tickets":[],${fields}}`);
      expect(tail).toMatchObject({ askAgain: true, endTime: undefined, nextStartTime: undefined });
    },
  );

  it('with a null beside a usable field goes on by that field', async () => {
    const { tail } = await read(
      '{"tickets":[],"end_time":9,"next_page":null,"count":null,"end_of_stream":null}',
    );
    expect(tail).toMatchObject({ askAgain: false, endTime: 9, count: undefined, endOfStream: undefined });
  });

  it('passes over a byte order mark, also one cut in pieces', async () => {
    const page = `\ufeff{"tickets":[{"id":1}],${TAIL}}`;
    expect((await read(page, {}, 1)).slices).toHaveLength(1);
    expect((await read(page, {}, 5_000)).slices).toHaveLength(1);
  });

  it('recognises an escaped tickets key', async () => {
    expect((await read(`{"\\u0074ick\\u0065ts":[{"id":1}],${TAIL}}`)).slices).toHaveLength(1);
  });

  it('takes no other tickets array for its own, before or after', async () => {
    const other = '{"tickets":[{"id":666}],"more":{"tickets":[[{"tickets":[1]}]]}}';
    const { slices, tail } = await read(
      `{"users":[${other}],"x":${other},"a\\"tickets":[7],"tickets":[{"id":1,"tickets":[2]}],"groups":[${other}],${TAIL}}`,
    );
    expect(slices.map((slice) => slice.kind === 'ticket' && slice.bytes.toString())).toEqual([
      '{"id":1,"tickets":[2]}',
    ]);
    expect(tail.ticketCount).toBe(1);
  });

  it('gives elements that are no objects as they are', async () => {
    const elements = ['null', '1', '-0.5e3', 'true', '"]}"', '[]', '[[1],{}]'];
    const { slices } = await read(`{"tickets":[ ${elements.join(' ,\n')} ],${TAIL}}`);
    expect(slices.map((slice) => slice.kind === 'ticket' && slice.bytes.toString())).toEqual(elements);
  });

  it('keeps control characters that are escaped, and bytes that are no UTF-8, as they came', async () => {
    const ticket = Buffer.concat([
      Buffer.from('{"id":1,"a":"\\u0000'),
      Buffer.from([0xc3, 0xff, 0xe2]),
      Buffer.from('"}'),
    ]);
    const page = Buffer.concat([Buffer.from('{"tickets":['), ticket, Buffer.from(`],${TAIL}}`)]);
    const { slices } = await read(page, {}, 3);
    expect(slices.map((slice) => slice.kind === 'ticket' && slice.bytes.equals(ticket))).toEqual([true]);
  });
});

describe('a page of the cursor export', () => {
  const inCursorMode = (page: string) => read(page, {}, 7, 'cursor');

  it('goes on at after_cursor', async () => {
    const page =
      '{"tickets":[{"id":1}],"after_url":"https://other.example/x?cursor=no","before_url":null,' +
      '"after_cursor":"MTcwMDAwMDAwMC4wfHwxfA==","before_cursor":null,"end_of_stream":true}';
    expect((await inCursorMode(page)).tail).toEqual<PageTail>({
      afterCursor: 'MTcwMDAwMDAwMC4wfHwxfA==',
      endTime: undefined,
      nextStartTime: undefined,
      askAgain: false,
      count: undefined,
      endOfStream: true,
      ticketCount: 1,
      bytes: page.length,
    });
  });

  it('with a null after_cursor means "ask again"', async () => {
    const { tail } = await inCursorMode('{"tickets":[],"after_cursor":null,"end_of_stream":false}');
    expect(tail).toMatchObject({ askAgain: true, afterCursor: undefined, endOfStream: false });
  });

  it('does not care for the fields of the other mode, whatever they hold', async () => {
    const odd =
      '"end_time":"soon","end_time":-1,"next_page":7,"before_cursor":[1],"before_url":{},"after_url":{"after_cursor":"x"}';
    expect((await inCursorMode(`{"tickets":[],${odd},"after_cursor":"a"}`)).tail.afterCursor).toBe('a');
    const { tail } = await read('{"tickets":[],"after_cursor":7,"after_cursor":[],"end_time":5}');
    expect(tail).toMatchObject({ endTime: 5, afterCursor: undefined });
  });

  it.each([
    ['no after_cursor', '{"tickets":[],"end_time":1700000000,"end_of_stream":true}'],
    ['an after_cursor deeper down alone', '{"tickets":[],"meta":{"after_cursor":"a"}}'],
    ['two after_cursor keys', '{"tickets":[],"after_cursor":"a","after_cursor":"b"}'],
    ['two after_cursor keys, the first null', '{"tickets":[],"after_cursor":null,"after_cursor":"b"}'],
    ['an after_cursor that is a number', '{"tickets":[],"after_cursor":15}'],
    ['an after_cursor that is an object', '{"tickets":[],"after_cursor":{}}'],
    ['an empty after_cursor', '{"tickets":[],"after_cursor":""}'],
    ['an after_cursor longer than any link', `{"tickets":[],"after_cursor":"${'x'.repeat(16_385)}"}`],
    ['no tickets', '{"after_cursor":"a"}'],
  ])('with %s is malformed', async (_name, page) => {
    expect((await refusalOf(page, {}, 'cursor')).code).toBe('zendesk.page_malformed');
  });

  it('cut after its cursor and before its last bracket is truncated', async () => {
    expect((await refusalOf('{"tickets":[],"after_cursor":"a"', {}, 'cursor')).code).toBe(
      'zendesk.page_truncated',
    );
  });
});

describe('a page that is not whole', () => {
  it.each([
    ['nothing at all', ''],
    ['whitespace', ' \n '],
    ['half a byte order mark', Buffer.from([0xef, 0xbb])],
    ['an open object', '{'],
    ['a page cut after a ticket', '{"tickets":[{"id":1}'],
    ['a page cut inside a ticket', '{"tickets":[{"id":1},{"id"'],
    ['a page cut before its control fields', '{"tickets":[{"id":1}]'],
    ['a page cut before its last bracket', `{"tickets":[{"id":1}],${TAIL}`],
  ])('%s is truncated', async (_name, page) => {
    expect((await refusalOf(page)).code).toBe('zendesk.page_truncated');
  });

  it.each([
    ['HTML', '<!DOCTYPE html><html><body class="x">Log in</body></html>'],
    ['an array', `[{"tickets":[{"id":1}],${TAIL}}]`],
    ['a number', '17 '],
    ['a string', '"tickets"'],
    ['a page without tickets', `{${TAIL}}`],
    ['tickets that are an object', `{"tickets":{"tickets":[]},${TAIL}}`],
    ['tickets that are null', `{"tickets":null,${TAIL}}`],
    ['two tickets keys', `{"tickets":[{"id":1}],"tickets":[],${TAIL}}`],
    ['two tickets keys, one escaped', `{"tickets":[],"ticket\\u0073":[],${TAIL}}`],
    ['two end_time keys', '{"tickets":[],"end_time":1,"end_time":2}'],
    ['no control fields', '{"tickets":[{"id":1}]}'],
    ['no control field that leads on', '{"tickets":[],"count":0,"end_of_stream":true}'],
    ['a next_page without a start_time', '{"tickets":[],"next_page":"https://z3n.example/x?cursor=1"}'],
    ['an end_time that is a string', '{"tickets":[],"end_time":"1700000000"}'],
    ['an end_time that is an object', '{"tickets":[],"end_time":{}}'],
    ['an end_time with a fraction', '{"tickets":[],"end_time":1.5}'],
    ['an end_time in milliseconds', '{"tickets":[],"end_time":1700000000000000}'],
    ['a negative end_time', '{"tickets":[],"end_time":-1}'],
    ['an end_of_stream that is a string', `{"tickets":[],"end_time":1,"end_of_stream":"true"}`],
    ['a count that is no number', '{"tickets":[],"end_time":1,"count":"0"}'],
    ['something after the page', `{"tickets":[],${TAIL}}{}`],
    ['a second page after the page', `{"tickets":[],${TAIL}}{"tickets":[],${TAIL}}`],
    ['tickets without a comma', `{"tickets":[{"id":1}{"id":2}],${TAIL}}`],
    ['tickets with only a space', `{"tickets":[1 2],${TAIL}}`],
    ['a comma too many', `{"tickets":[{"id":1},],${TAIL}}`],
    ['a bracket of the other kind', `{"tickets":[{"id":1}},${TAIL}}`],
    ['a ticket that is not JSON', `{"tickets":[{"id":01}],${TAIL}}`],
    ['a ticket with brackets of two kinds', `{"tickets":[{"id":[1}],${TAIL}}`],
    ['a ticket with a bare NUL', `{"tickets":[{"id":"\u0000"}],${TAIL}}`],
    ['a ticket that is a word', `{"tickets":[nul],${TAIL}}`],
    ['half a byte order mark before the page', Buffer.concat([Buffer.from([0xef, 0xbb]), Buffer.from('{}')])],
    [
      'a broken character between two tickets',
      Buffer.concat([Buffer.from('{"tickets":[1'), Buffer.from([0xe2]), Buffer.from(`],${TAIL}}`)]),
    ],
  ])('%s is malformed', async (_name, page) => {
    expect((await refusalOf(page)).code).toBe('zendesk.page_malformed');
  });

  it('is refused without a word of the tickets in the error', async () => {
    const error = await refusalOf(`{"tickets":[{"subject":"my password is hunter2" x}],${TAIL}}`);
    expect(error.code).toBe('zendesk.page_malformed');
    expect(JSON.stringify([error.message, error.context, String(error.cause)])).not.toContain('hunter2');
    expect(error.cause).toBeUndefined();
  });

  it('yields nothing of a piece whose page is refused', async () => {
    const pages = streamPage(inChunks(Buffer.from(`[{"tickets":[{"id":1}],${TAIL}}]`), 1_000), limits);
    await expect(pages.next()).rejects.toMatchObject({ code: 'zendesk.page_malformed' });
  });
});

describe('limits', () => {
  const large = (bytes: number) => {
    const head = '{"nested":{"id":9},"subject":"';
    const end = '","id":12345678901234567890123,"id":12345678901,"generated_timestamp":1700000005}';
    return `${head}${'ü'.repeat((bytes - head.length - end.length) / 2)}${end}`;
  };

  it.each([1, 7, 65_536, 10_000_000])(
    'a ticket over its bytes comes as head, length, digest, id and second (chunks of %i bytes)',
    async (chunkBytes) => {
      const ticket = Buffer.from(large(300_001));
      const page = `{"tickets":[{"id":1},${ticket.toString()},{"id":2}],${TAIL}}`;
      const { slices, tail } = await read(page, {}, chunkBytes);
      expect(slices).toHaveLength(3);
      expect(slices[1]).toEqual({
        kind: 'unread',
        reason: 'too_large',
        head: ticket.subarray(0, 65_536),
        byteLength: ticket.length,
        sha256: createHash('sha256').update(ticket).digest('hex'),
        id: '12345678901',
        generatedSecond: 1_700_000_005,
      });
      expect(tail.ticketCount).toBe(3);
    },
  );

  it('a ticket of exactly the limit is read, one byte more is not', async () => {
    const ticket = large(50_001);
    const page = `{"tickets":[${ticket}],${TAIL}}`;
    const kindAt = async (ticketBytesMax: number) => (await read(page, { ticketBytesMax })).slices[0]?.kind;
    expect(await kindAt(Buffer.byteLength(ticket))).toBe('ticket');
    expect(await kindAt(Buffer.byteLength(ticket) - 1)).toBe('unread');
  });

  it('a ticket over the limit that is not JSON makes the page malformed all the same', async () => {
    const error = await refusalOf(`{"tickets":[${large(300_001).replace('}', ']')}],${TAIL}}`);
    expect(error.code).toBe('zendesk.page_malformed');
  });

  it('a page cut inside a ticket over the limit is truncated', async () => {
    expect((await refusalOf(`{"tickets":[${large(300_001).slice(0, 250_000)}`)).code).toBe(
      'zendesk.page_truncated',
    );
  });

  it('10,000 levels in a ticket set that ticket aside and no other', async () => {
    const deep = `{"id":77,"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
    const { slices } = await read(`{"tickets":[{"id":1},${deep},{"id":2}],${TAIL}}`, {}, 500);
    expect(slices.map((slice) => slice.kind)).toEqual(['ticket', 'unread', 'ticket']);
    expect(slices[1]).toMatchObject({ reason: 'too_deep', byteLength: deep.length, head: Buffer.from(deep) });
    expect(slices[1]).toMatchObject({ sha256: createHash('sha256').update(deep).digest('hex') });
  });

  it.each([1, 2, 7, 64, 1_000_000])(
    'a ticket too deep has the id that stands before its depth, in any cut (chunks of %i bytes)',
    async (chunkBytes) => {
      const deep = `{"id":77,"generated_timestamp":1700000001,"x":${'[1,{"y":'.repeat(60)}`;
      const end = `${'}]'.repeat(60)},"id":78}`;
      const { slices } = await read(`{"tickets":[${deep}1${end}],${TAIL}}`, {}, chunkBytes);
      expect(slices).toMatchObject([{ reason: 'too_deep', id: '77', generatedSecond: 1_700_000_001 }]);
      const error = await refusalOf(`{"tickets":[${deep.replace('77', '077')}1${end}],${TAIL}}`);
      expect(error.code).toBe('zendesk.page_malformed');
    },
  );

  it('10,000 levels outside the tickets are malformed', async () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`;
    expect((await refusalOf(`{"tickets":[],"users":${deep},${TAIL}}`)).code).toBe('zendesk.page_malformed');
    expect((await refusalOf('{"x":'.repeat(10_000))).code).toBe('zendesk.page_malformed');
  });

  it('a page over its bytes is too large, whatever it holds', async () => {
    const error = await refusalOf(`{"tickets":[],"users":"${'x'.repeat(5_000)}",${TAIL}}`, {
      pageBytesMax: 4_000,
    });
    expect(error.code).toBe('zendesk.page_too_large');
  });

  it('a string, a key or a number as long as the page does not stop what is around it', async () => {
    const long = '7'.repeat(3_000_000);
    const { tail } = await read(`{"a":"${long}","${long}":${long},"tickets":[],${TAIL}}`, {}, 65_536);
    expect(tail.endTime).toBe(1_700_000_000);
  });

  it('yields a body that comes in one chunk in pieces', async () => {
    const tickets = Array.from(
      { length: 20_000 },
      (_, index) => `{"id":${index + 1},"subject":"${'x'.repeat(50)}"}`,
    );
    const page = Buffer.from(`{"tickets":[${tickets.join(',')}],${TAIL}}`);
    let largest = 0;
    let all = 0;
    for await (const batch of streamPage(inChunks(page, page.length), limits)) {
      largest = Math.max(largest, batch.length);
      all += batch.length;
    }
    expect(all).toBe(20_000);
    expect(largest).toBeLessThan(5_000);
  });
});

describe('the body', () => {
  it('is closed when the reader stops early', async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from('{"tickets":[{"id":1}');
        for (;;) yield Buffer.from(',{"id":2}');
      } finally {
        closed = true;
      }
    }
    for await (const batch of streamPage(endless(), limits)) {
      if (batch.length > 0) break;
    }
    expect(closed).toBe(true);
  });

  it('keeps its own errors', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"tickets":[');
      throw new Error('the line went dead');
    }
    const pages = streamPage(failing(), limits);
    await expect(pages.next()).rejects.toThrow('the line went dead');
  });

  it('may be 2 MB of backslashes in one string, in a time that does not grow with their square', async () => {
    const page = `{"tickets":[{"id":1,"x":"${`${'y'.repeat(40)}\\\\`.repeat(50_000)}"}],${TAIL}}`;
    const startMs = performance.now();
    const { slices } = await read(page, { ticketBytesMax: 5_000_000 }, 262_144);
    expect(slices).toHaveLength(1);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  });
});
