import { tmpdir } from 'node:os';
import { TicketStreamError } from '@ticket-stream/errors';
import type { PagePublisher, PageTransaction } from '@ticket-stream/kafka';
import type { Logger } from '@ticket-stream/service-kit';
import {
  DEFAULT_SCOPE,
  type ExportClient,
  type ExportMode,
  type ExportState,
  type OpenPage,
  startState,
} from '@ticket-stream/zendesk-export';
import { describe, expect, it } from 'vitest';
import { runExport } from './export-loop.ts';
import { createExportObservation } from './export-observation.ts';

const START = 1_700_000_000;
const logger = { debug() {}, info() {}, warn() {}, error() {} } as unknown as Logger;
const failure = (code: TicketStreamError['code']) => new TicketStreamError(code, 'a test');

/** What came of a request: a page's fields, or an error. */
type Answer = Readonly<Record<string, unknown>> | TicketStreamError;

/** A log that keeps nothing but the checkpoint. */
function checkpointOnly(exportState: ExportState): PagePublisher<ExportState> {
  const publisher = {
    checkpoint: { exportState },
    ticketBytesMax: 1_000_000,
    beginPage: async () => ({
      publish: async () => {},
      abort: async () => {},
      async commit(next: ExportState) {
        publisher.checkpoint = { exportState: next };
      },
    }),
  };
  return publisher as unknown as PagePublisher<ExportState> & {
    beginPage(): Promise<PageTransaction<ExportState>>;
  };
}

function openPage(fields: Readonly<Record<string, unknown>>): OpenPage {
  async function* body() {
    yield Buffer.from(JSON.stringify({ tickets: [], end_of_stream: true, ...fields }));
  }
  return { status: 200, date: undefined, body: body(), discard: () => {} };
}

/**
 * Runs the export over these answers; the request after them is not found, which ends it.
 * @returns what it did, in order: a request by its cursor, or its start after START
 */
async function stepsOf(
  answers: readonly Answer[],
  own: {
    readonly mode?: ExportMode;
    readonly perPage?: number;
    readonly authorize?: () => Promise<void>;
    /** What ends the export. */
    readonly last?: TicketStreamError['code'];
    /** Filled with the page sizes that were asked for. */
    readonly perPages?: number[];
  } = {},
): Promise<(string | number)[]> {
  const { mode = 'time', perPage = 1_000, authorize = async () => {}, last = 'zendesk.not_found' } = own;
  const steps: (string | number)[] = [];
  const left = [...answers];
  const client: Partial<ExportClient> = {
    async authorize() {
      steps.push('authorize');
      await authorize();
    },
    async openPage({ next, perPage: askedPerPage }) {
      own.perPages?.push(askedPerPage);
      steps.push('cursor' in next && next.cursor !== undefined ? next.cursor : next.startTime - START);
      const answer = left.shift() ?? failure('zendesk.not_found');
      if (answer instanceof TicketStreamError) throw answer;
      return openPage(answer);
    },
  };
  const running = runExport({
    client: client as ExportClient,
    publisher: checkpointOnly(startState(START, mode)),
    letters: { work: async () => {} },
    pacer: {
      turn: async () => void steps.push('turn'),
      holdOff: () => void steps.push('hold off'),
      msToNextTurn: () => 0,
      spacingMs: 0,
    },
    wanted: { mode, scope: DEFAULT_SCOPE },
    ...{ include: [], spillDir: tmpdir(), perPage, source: 'test:export-loop', delaySeconds: 60 },
    ...{ pageBudgetMs: 60_000, acceptGap: undefined, once: false, logger },
    signal: new AbortController().signal,
    observation: createExportObservation({
      ...{ logger, perPage, requestsAllowed: 10, spacingSeconds: 6, delaySeconds: 60 },
      zendeskUrl: 'https://acme.zendesk.com',
      topics: { tickets: 'tickets', deadLetters: 'tickets.dlq' },
    }),
  });
  await expect(running).rejects.toMatchObject({ code: last });
  expect(left).toEqual([]);
  return steps;
}

describe('a turn of the pace', () => {
  it('is taken when the token is there: the request then goes out at once', async () => {
    expect(await stepsOf([])).toEqual(['authorize', 'turn', 0]);
  });

  it('is not taken where no token is to be had', async () => {
    const failures = [failure('zendesk.unavailable')];
    const authorize = async () => {
      const [failed] = failures.splice(0);
      if (failed !== undefined) throw failed;
    };
    expect(await stepsOf([], { authorize })).toEqual(['authorize', 'hold off', 'authorize', 'turn', 0]);
  });
});

describe('a cursor that is refused', () => {
  const refused = failure('zendesk.request_refused');
  const tickets = [{ id: 1, generated_timestamp: START + 5 }];
  const requestsOver = async (answers: readonly Answer[], last?: TicketStreamError['code']) =>
    (await stepsOf(answers, { mode: 'cursor', ...(last === undefined ? {} : { last }) })).filter(
      (step) => step !== 'authorize' && step !== 'turn',
    );

  it('is dropped once more after the one in its place led to the end, though no newer second was shown', async () => {
    expect(
      await requestsOver([
        ...[{ tickets, after_cursor: 'a' }, refused],
        ...[{ tickets, after_cursor: 'b' }, { after_cursor: 'b' }, refused],
        { tickets, after_cursor: 'c' },
      ]),
    ).toEqual([0, 'a', 5, 'b', 'b', 5, 'c']);
  });

  it('ends the export where the one in its place is refused on the way to the end', async () => {
    const onTheWay = (cursor: string) => ({ tickets, after_cursor: cursor, end_of_stream: false });
    expect(
      await requestsOver(
        [...[onTheWay('a'), onTheWay('b'), refused], ...[onTheWay('a'), onTheWay('b'), refused]],
        'zendesk.request_refused',
      ),
    ).toEqual([0, 'a', 'b', 5, 'a', 'b']);
  });
});

describe('a second that is larger than a page', () => {
  it('and not shown by the cursor endpoint is asked for by time in full size, after pages that were made smaller', async () => {
    const perPages: number[] = [];
    const tickets = [1, 2, 3, 4].map((id) => ({ id, generated_timestamp: START }));
    const stuck = { tickets, end_time: START, end_of_stream: false };
    const whole = { tickets, end_time: START + 1, end_of_stream: false };
    await stepsOf([failure('zendesk.page_too_slow'), stuck, failure('zendesk.not_found'), whole], {
      perPage: 8,
      perPages,
    });
    expect(perPages).toEqual([8, 4, 4, 8, 8]);
  });
});
