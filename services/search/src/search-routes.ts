import { isTicketStreamError, type TicketStreamError } from '@ticket-stream/errors';
import { parseQuery, type TicketReader } from '@ticket-stream/search';
import type { createHttpServer } from '@ticket-stream/service-kit';
import { searchAnswerJson, storedTicketJson } from './answer-json.ts';
import { readSearchRequest } from './search-request.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const TICKET_ID = /^[1-9]\d{0,18}$/;

/**
 * `GET /search?q=&limit=&cursor=&deleted=`: what matches, the best or the newest first.
 * `GET /tickets/:id`: one ticket as stored, deleted ones too, with its version, place in the log and trace.
 */
export function searchRoutes(
  app: ReturnType<typeof createHttpServer>,
  tickets: Pick<TicketReader, 'search' | 'get'>,
): void {
  app.get<{ Querystring: Record<string, unknown> }>('/search', async ({ query }, reply) => {
    const request = readSearchRequest(query);
    if (typeof request === 'string') {
      return reply.code(400).send({ error: { code: 'bad_request', message: request } });
    }
    const { text, limit, cursor, deleted } = request;
    try {
      const nowSecond = Math.floor(Date.now() / 1000);
      const answer = await tickets.search(parseQuery(text), { limit, cursor, deleted, nowSecond });
      return await reply.type(JSON_TYPE).send(searchAnswerJson(answer));
    } catch (error) {
      if (!isTicketStreamError(error, 'search.bad_query')) throw error;
      return reply.code(400).send({ error: badQueryBody(error) });
    }
  });

  app.get<{ Params: { id: string } }>('/tickets/:id', async ({ params: { id } }, reply) => {
    if (!TICKET_ID.test(id)) {
      return reply
        .code(400)
        .send({ error: { code: 'bad_request', message: 'a ticket id is 1 to 19 digits' } });
    }
    const ticket = await tickets.get(id);
    if (ticket === undefined) {
      return reply
        .code(404)
        .send({ error: { code: 'not_found', message: `ticket ${id} is not in the index` } });
    }
    return reply.type(JSON_TYPE).send(storedTicketJson(ticket));
  });
}

/** Where and what: `position` and `length` in UTF-16 units of `q`, from 0; `suggestion` where a name was nearly right. */
function badQueryBody({ code, message, context }: TicketStreamError) {
  const { position, length, suggestion } = context;
  return { code, message, position, length, ...(suggestion === undefined ? {} : { suggestion }) };
}
