import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { inChunks, limits, read, refusalOf, TAIL } from './page-reading.ts';
import { streamPage, type TicketSlice } from './page-stream.ts';

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

  it('brackets as deep as allowed are read, one more is not', async () => {
    const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    const kindAt = async (levels: number) =>
      (await read(`{"tickets":[${nested(levels)}],${TAIL}}`, { depthMax: 20 })).slices[0]?.kind;
    expect(await kindAt(20)).toBe('ticket');
    expect(await kindAt(21)).toBe('unread');
    // The page itself is the first level of what is around the tickets.
    expect((await read(`{"tickets":[],"x":${nested(19)},${TAIL}}`, { depthMax: 20 })).slices).toEqual([]);
    const error = await refusalOf(`{"tickets":[],"x":${nested(20)},${TAIL}}`, { depthMax: 20 });
    expect(error.code).toBe('zendesk.page_malformed');
  });

  it('a ticket of 100 MB goes by in little memory, and the ones around it come', async () => {
    const head = Buffer.from('{"id":4711,"generated_timestamp":1700000001,"description":"');
    const text = Buffer.alloc(65_536, 'Über ');
    const times = 1_600;
    const hash = createHash('sha256').update(head);
    let mostBytes = 0;
    const usedBytes = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
    const beforeBytes = usedBytes();
    async function* page(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"tickets":[{"id":1},');
      yield head;
      for (let turn = 0; turn < times; turn++) {
        hash.update(text);
        yield text;
        mostBytes = Math.max(mostBytes, usedBytes() - beforeBytes);
      }
      hash.update('"}');
      yield Buffer.from(`"},{"id":2}],${TAIL}}`);
    }
    const slices: TicketSlice[] = [];
    const wide = { ...limits, ticketBytesMax: 8_000_000, pageBytesMax: 200_000_000 };
    for await (const batch of streamPage(page(), wide, 'time')) slices.push(...batch);
    expect(slices).toHaveLength(3);
    expect(slices[1]).toMatchObject({
      kind: 'unread',
      reason: 'too_large',
      id: '4711',
      generatedSecond: 1_700_000_001,
      byteLength: head.length + times * text.length + 2,
      sha256: hash.digest('hex'),
    });
    expect(mostBytes).toBeLessThan(70_000_000);
  }, 60_000);

  it.each([
    ['a next_page', `"next_page":"/x?start_time=7&x=${'x'.repeat(16_384)}"`],
    ['an end_time', `"end_time":1${'0'.repeat(16_384)}`],
    ['a count', `"end_time":1,"count":0.${'1'.repeat(16_384)}`],
  ])('%s longer than any is malformed, and is not kept', async (_name, field) => {
    expect((await refusalOf(`{"tickets":[],${field}}`)).message).toContain('too long');
  });

  it('a page over its bytes is too large, whatever it holds', async () => {
    const error = await refusalOf(`{"tickets":[],"users":"${'x'.repeat(5_000)}",${TAIL}}`, {
      pageBytesMax: 4_000,
    });
    expect(error.code).toBe('zendesk.page_too_large');
    expect(error.context).toEqual({ pageBytesMax: 4_000 });
    const page = `{"tickets":[],${TAIL}}`;
    expect((await read(page, { pageBytesMax: page.length })).tail.bytes).toBe(page.length);
    expect((await refusalOf(page, { pageBytesMax: page.length - 1 })).code).toBe('zendesk.page_too_large');
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
    for await (const batch of streamPage(inChunks(page, page.length), limits, 'time')) {
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
    for await (const batch of streamPage(endless(), limits, 'time')) {
      if (batch.length > 0) break;
    }
    expect(closed).toBe(true);
  });

  it('keeps its own errors', async () => {
    async function* failing(): AsyncGenerator<Buffer> {
      yield Buffer.from('{"tickets":[');
      throw new Error('the line went dead');
    }
    const pages = streamPage(failing(), limits, 'time');
    await expect(pages.next()).rejects.toThrow('the line went dead');
  });

  it('may be all backslashes in one string, in a time that does not grow with their square', async () => {
    const cpuMsOf = async (runs: number): Promise<number> => {
      const text = `${'y'.repeat(40)}\\\\`.repeat(runs);
      const start = process.cpuUsage();
      const { slices } = await read(
        `{"tickets":[{"id":1,"x":"${text}"}],${TAIL}}`,
        { ticketBytesMax: 9_000_000 },
        262_144,
      );
      expect(slices).toHaveLength(1);
      return process.cpuUsage(start).user / 1_000;
    };
    await cpuMsOf(10_000);
    const once = await cpuMsOf(10_000);
    // Ten times the bytes: ten times the time, where their square would take a hundred times.
    expect(await cpuMsOf(100_000)).toBeLessThan(40 * Math.max(once, 5));
  });
});
