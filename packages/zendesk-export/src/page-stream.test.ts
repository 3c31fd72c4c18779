import { describe, expect, it } from 'vitest';
import type { PageTail } from './page-fields.ts';
import { inChunks, limits, read, refusalOf, TAIL } from './page-reading.ts';
import { streamPage } from './page-stream.ts';

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

  it.each([
    ['one id twice', ['{"id":7,"a":1}', '{"id":7,"a":2}', '{"id":7,"a":1}']],
    ['ids as strings', ['{"id":"7"}', '{"id":"007"}']],
    [
      'ids and fields beyond 2^53',
      ['{"id":9007199254740993}', '{"id":9123456789012345678,"x":0.1000000000000000055}'],
    ],
    ['one key twice in a ticket', ['{"id":1,"id":2}']],
    ['whitespace of every kind', ['{ "id"\t:\r\n1 }']],
    ['a byte order mark inside a string', ['{"id":1,"x":"\ufeff"}']],
    ['no ticket', []],
  ])('with %s gives exactly these slices, in this order', async (_name, tickets) => {
    const { slices, tail } = await read(`{"tickets":[${tickets.join(', ')}],${TAIL}}`, {}, 5);
    expect(slices.map((slice) => slice.kind === 'ticket' && slice.bytes.toString())).toEqual(tickets);
    expect(tail.ticketCount).toBe(tickets.length);
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
    ['a bare NUL between tickets', `{"tickets":[{"id":1}\u0000],${TAIL}}`],
    ['a bare NUL in a key of the page', `{"x\u0000":1,"tickets":[],${TAIL}}`],
    ['NUL bytes alone', '\u0000'.repeat(5_000)],
    ['a byte order mark after the first byte', ` \ufeff{"tickets":[],${TAIL}}`],
    ['two byte order marks', `\ufeff\ufeff{"tickets":[],${TAIL}}`],
    ['UTF-16', Buffer.from(`\ufeff{"tickets":[],${TAIL}}`, 'utf16le')],
    ['a line of log in front', `upstream connect error {"tickets":[],${TAIL}}`],
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
    const pages = streamPage(
      inChunks(Buffer.from(`[{"tickets":[{"id":1}],${TAIL}}]`), 1_000),
      limits,
      'time',
    );
    await expect(pages.next()).rejects.toMatchObject({ code: 'zendesk.page_malformed' });
  });
});
