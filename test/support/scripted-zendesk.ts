import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as the export made it. */
export interface ExportRequest {
  /** Without its query. */
  readonly path: string;
  /** NaN where it goes on from a cursor. */
  readonly startTime: number;
  readonly cursor: string | undefined;
  readonly perPage: number;
  readonly authorization: string | undefined;
  readonly atMs: number;
}

/** Plays one answer; what it throws fails the play. */
export type Answer = (response: ServerResponse, request: ExportRequest) => void | Promise<void>;

/** Far beyond what a play takes: a machine that is busy with other suites starts a process in a dozen seconds. */
const PLAY_LIMIT_MS = 120_000;

/**
 * Zendesk's export endpoint, answering on cue. Without a cue it is an account where nothing happens: an empty page at
 * the end of the stream. So a producer polls on, and each test plays its scene to it.
 */
export class ScriptedZendesk implements AsyncDisposable {
  readonly requests: ExportRequest[] = [];
  /** Tickets by their id, each shown as long as it stands here; the others are not found. */
  readonly tickets = new Map<string, SimpleAnswer>();
  /** Ids of the tickets that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #server = createServer();
  readonly #cues: Answer[] = [];
  #taken: ExportRequest[] = [];
  #after: ((request: ExportRequest) => void) | undefined;
  #failed: ((error: unknown) => void) | undefined;

  static async start(): Promise<ScriptedZendesk> {
    const zendesk = new ScriptedZendesk();
    zendesk.#server.on('request', (incoming, response) => {
      const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://zendesk.invalid');
      const id = /^\/api\/v2\/tickets\/(\d+)\.json$/.exec(pathname)?.[1];
      if (id !== undefined) {
        zendesk.asked.push(id);
        const shown = zendesk.tickets.get(id) ?? answer(404, '{"error":"RecordNotFound"}');
        shown(response);
        return;
      }
      const request: ExportRequest = {
        path: pathname,
        startTime: Number(searchParams.get('start_time') ?? Number.NaN),
        cursor: searchParams.get('cursor') ?? undefined,
        perPage: Number(searchParams.get('per_page')),
        authorization: incoming.headers.authorization,
        atMs: performance.now(),
      };
      void zendesk.#answer(request, response);
    });
    zendesk.#server.listen(0, '127.0.0.1');
    await once(zendesk.#server, 'listening');
    return zendesk;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /**
   * Plays these answers to the next requests.
   * @returns the requests that got them, and the one after them, which shows what the export made of the last
   */
  async play(...answers: Answer[]): Promise<ExportRequest[]> {
    this.#taken = [];
    const over = new Promise<ExportRequest[]>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error(`${this.#cues.length} of ${answers.length} answers were never asked for`)),
        PLAY_LIMIT_MS,
      );
      this.#after = (request) => {
        clearTimeout(late);
        resolve([...this.#taken, request]);
      };
      this.#failed = (error) => {
        clearTimeout(late);
        reject(error);
      };
    });
    this.#cues.push(...answers);
    return over;
  }

  /** From now on, to requests without a cue as well. */
  rest: Answer = (response, { startTime, cursor }) =>
    page([], { end_time: startTime, after_cursor: cursor ?? null, end_of_stream: true })(response);

  async #answer(request: ExportRequest, response: ServerResponse): Promise<void> {
    this.requests.push(request);
    const cue = this.#cues.shift();
    try {
      if (cue === undefined) {
        this.#after?.(request);
        this.#after = undefined;
        await this.rest(response, request);
      } else {
        this.#taken.push(request);
        await cue(response, request);
      }
    } catch (error) {
      response.destroy();
      this.#failed?.(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

type SimpleAnswer = (response: ServerResponse) => void;

/** An answer word for word. */
export function answer(
  status: number,
  body: string | Buffer = '',
  headers: Readonly<Record<string, string>> = {},
): SimpleAnswer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  };
}

/**
 * An export page. Tickets given as text stand in it as they are; `control` overwrites or adds fields, undefined
 * leaves one out.
 */
export function page(
  tickets: readonly (string | object)[],
  control: Readonly<Record<string, unknown>>,
): SimpleAnswer {
  return answer(200, pageText(tickets, control));
}

export function pageText(
  tickets: readonly (string | object)[],
  control: Readonly<Record<string, unknown>>,
): string {
  const elements = tickets.map((ticket) => (typeof ticket === 'string' ? ticket : JSON.stringify(ticket)));
  const rest = JSON.stringify({ count: tickets.length, end_of_stream: true, ...control });
  return `{"tickets":[${elements.join(',')}],${rest.slice(1)}`;
}

/** A body that promises its whole length and ends after `bytes` with the connection. */
export function cut(body: string, bytes: number): SimpleAnswer {
  return (response) => {
    const head = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    response.writeHead(200, head).write(Buffer.from(body).subarray(0, bytes), () => response.destroy());
  };
}

/** A chunked body whose framing ends as it should, in the middle of its JSON. */
export function endsEarly(body: string, bytes: number): SimpleAnswer {
  return (response) => {
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .write(Buffer.from(body).subarray(0, bytes));
    response.end();
  };
}

/** A ticket last shown in that second. */
export function ticket(id: number, second: number, fields: object = {}): object {
  const at = new Date(second * 1000).toISOString();
  return { id, status: 'open', created_at: at, updated_at: at, ...fields, generated_timestamp: second };
}
