import { TicketStreamError } from '@ticket-stream/errors';
import type { Query, SearchOptions, StoredTicket } from '@ticket-stream/search';
import { createHttpServer, createLogger, onlyKnownHosts } from '@ticket-stream/service-kit';
import { describe, expect, it } from 'vitest';
import { searchRoutes } from './search-routes.ts';

const json = '{ "id": 9007199254740993, "subject": "caf\u00e9 😀", "n": 12345678901234567890, "f": 1.50 }';

const stored: StoredTicket = {
  ticketId: '9007199254740993',
  value: Buffer.from(json),
  version: {
    stamp: 1_772_000_000,
    digest: 'a'.repeat(32),
    place: { logId: '7b1f1d3e-3c1a-4f0e-9a52-0d6f4f6a1c11', partition: 3, offset: 9_007_199_254_740_995n },
  },
  deleted: true,
  traceId: 'b'.repeat(32),
};

function server(failure?: TicketStreamError) {
  const asked: (SearchOptions & { query: Query })[] = [];
  const app = createHttpServer({
    logger: createLogger({ service: 'test', destination: { write: () => {} } }),
  });
  onlyKnownHosts(app, ['search.acme.internal']);
  searchRoutes(app, {
    async search(query, options) {
      if (failure !== undefined) throw failure;
      asked.push({ query, ...options });
      return {
        total: 5,
        hits: [
          { ...stored, score: 1.5 },
          { ...stored, score: undefined },
        ],
        next: 'more',
      };
    },
    async get(ticketId) {
      return ticketId === stored.ticketId ? stored : undefined;
    },
  });
  return { asked, get: (url: string, host = 'localhost:7700') => app.inject({ url, headers: { host } }) };
}

describe('GET /search', () => {
  it('answers with the tickets byte for byte', async () => {
    const answer = await server().get('/search?q=refund');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const head = '"id":9007199254740993,"updated_stamp":"2026-02-25T06:13:20Z","deleted":true';
    expect(answer.body).toBe(
      `{"total":5,"hits":[{${head},"score":1.5,"ticket":${json}},{${head},"score":null,"ticket":${json}}],"next":"more"}`,
    );
    expect(answer.json()).toMatchObject({
      total: 5,
      next: 'more',
      hits: [{ ticket: { subject: 'café 😀' } }, {}],
    });
  });

  it('passes on what was asked, twenty live tickets when nothing is said', async () => {
    const { get, asked } = server();
    await get('/search');
    await get('/search?q=refund%20status%3Aopen&limit=1000&cursor=abc&deleted=true');
    expect(asked).toMatchObject([
      { query: { clauses: [] }, limit: 20, cursor: undefined, deleted: false },
      {
        query: { clauses: [{ text: 'refund' }, { key: 'status' }] },
        limit: 1000,
        cursor: 'abc',
        deleted: true,
      },
    ]);
  });

  it('says of a bad query where and what', async () => {
    const answer = await server().get(`/search?q=${encodeURIComponent('refund stauts:open')}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toEqual({
      error: {
        code: 'search.bad_query',
        message: 'unknown key "stauts"; did you mean "status"?',
        position: 7,
        length: 6,
        suggestion: 'status',
      },
    });
  });

  it.each([
    ['limit=0', /limit is a whole number from 1 to 1000/],
    ['limit=1001', /limit/],
    ['limit=ten', /limit/],
    ['limit=1e2', /limit/],
    ['deleted=yes', /deleted is true or false/],
    ['limt=5', /no parameter "limt"/],
    ['q=a&q=b', /q is given more than once/],
  ])('refuses %s', async (query, message) => {
    const answer = await server().get(`/search?${query}`);
    expect(answer.statusCode).toBe(400);
    const { error } = answer.json<{ error: { code: string; message: string } }>();
    expect(error.code).toBe('bad_request');
    expect(error.message).toMatch(message);
  });

  it('says that the index cannot be read now', async () => {
    const answer = await server(new TicketStreamError('sink.unavailable', 'disk full')).get('/search?q=a');
    expect(answer.statusCode).toBe(503);
  });

  it('answers only to names it knows', async () => {
    const { get } = server();
    expect((await get('/search', 'evil.example')).statusCode).toBe(403);
    expect((await get('/tickets/1', '127.0.0.1.evil.example:7700')).statusCode).toBe(403);
    expect((await get('/search', 'search.acme.internal')).statusCode).toBe(200);
    expect((await get('/search', '127.0.0.1:1')).statusCode).toBe(200);
  });
});

describe('GET /tickets/:id', () => {
  it('gives the stored document with version, position and trace', async () => {
    const answer = await server().get('/tickets/9007199254740993');
    expect(answer.statusCode).toBe(200);
    expect(answer.body).toBe(
      `{"id":9007199254740993,"deleted":true,"version":{"updated_stamp":"2026-02-25T06:13:20Z","digest":"${'a'.repeat(32)}"},` +
        '"position":{"log_id":"7b1f1d3e-3c1a-4f0e-9a52-0d6f4f6a1c11","partition":3,"offset":9007199254740995},' +
        `"trace_id":"${'b'.repeat(32)}","ticket":${json}}`,
    );
    expect(answer.json()).toMatchObject({ deleted: true });
  });

  it('tells an id it has not from what is no id', async () => {
    const { get } = server();
    expect((await get('/tickets/12')).statusCode).toBe(404);
    for (const id of ['0', '-1', 'x', '1.5', '12345678901234567890']) {
      expect((await get(`/tickets/${id}`)).statusCode).toBe(400);
    }
  });
});
