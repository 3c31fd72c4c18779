import { type ErrorCode, TicketStreamError } from '@ticket-stream/errors';
import {
  type Checkpoint,
  type DeadLetter,
  type LogReader,
  type PagePublisher,
  silentLogger,
} from '@ticket-stream/kafka';
import type { Logger } from '@ticket-stream/service-kit';
import { type ExportClient, type ExportState, startState, type Waiting } from '@ticket-stream/zendesk-export';
import { describe, expect, it } from 'vitest';
import { createLetterRetries } from './letter-retries.ts';

const START = 1_700_000_000;

/** Time that the test moves on. */
function clock() {
  let nowMs = 0;
  const waits = new Map<() => void, number>();
  const waiting: Waiting = {
    nowMs: () => nowMs,
    wait: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        const over = () => {
          waits.delete(over);
          resolve();
        };
        waits.set(over, nowMs + ms);
        signal?.addEventListener('abort', () => {
          waits.delete(over);
          reject(signal.reason);
        });
      }),
  };
  return {
    waiting,
    /** To the first moment that somebody waits for. */
    next(): void {
      const [first] = [...waits].sort(([, a], [, b]) => a - b);
      if (first === undefined) throw new Error('nobody waits');
      const [over, atMs] = first;
      nowMs = Math.max(nowMs, atMs);
      over();
    },
  };
}

interface Published {
  readonly ticketId: string;
  readonly stamp: number;
}

type Answer = (id: string, signal: AbortSignal) => string | Promise<string>;

/** Requests by the ids of their tickets, undefined for a record that is none, and a Zendesk that answers as it is told. */
function rig(requests: readonly (string | undefined)[], answer: Answer, nextRetryOffset?: bigint) {
  const time = clock();
  const asked: { readonly id: string; readonly atMs: number }[] = [];
  const published: Published[] = [];
  const letters: DeadLetter[] = [];
  const outcomes: string[] = [];
  const checkpoint = {
    exportState: { ...startState(START), position: START },
    nextRetryOffset,
  } as unknown as Checkpoint<ExportState>;
  const publisher = {
    checkpoint,
    ticketBytesMax: 1_000_000,
    async beginPage() {
      const open: { published: Published[]; letters: DeadLetter[] } = { published: [], letters: [] };
      return {
        publish: async (event: Published) => void open.published.push(event),
        deadLetter: async (letter: DeadLetter) => void open.letters.push(letter),
        settleLetter: async () => {},
        abort: async () => {},
        async commit(exportState: ExportState, nextRetryOffset?: bigint) {
          published.push(...open.published);
          letters.push(...open.letters);
          publisher.checkpoint = {
            ...publisher.checkpoint,
            exportState,
            nextRetryOffset,
          } as typeof checkpoint;
        },
      };
    },
  };
  const reader = {
    topicExists: async () => true,
    startOffsets: async () => new Map([[0, 0n]]),
    stableEndOffsets: async () => new Map([[0, BigInt(requests.length)]]),
    async *read(_topic: string, { from }: { readonly from: ReadonlyMap<number, bigint> }) {
      const records = requests.map((id, offset) => ({
        offset: BigInt(offset),
        key: id === undefined ? null : Buffer.from(id),
        headers: { 'retry-letter': `letter-${id}` },
      }));
      const left = records.slice(Number(from.get(0)));
      if (left.length > 0) yield left;
    },
  };
  const client = {
    async openTicket({ id, signal }: { readonly id: string; readonly signal: AbortSignal }) {
      asked.push({ id, atMs: time.waiting.nowMs() });
      const text = await answer(id, signal);
      return {
        body: (async function* () {
          yield Buffer.from(text);
        })(),
      };
    },
  };
  const retries = createLetterRetries({
    client: client as unknown as ExportClient,
    publisher: publisher as unknown as PagePublisher<ExportState>,
    reader: reader as unknown as LogReader,
    topic: 'tickets.retry.producer',
    source: 'test:letters',
    logger: silentLogger as Logger,
    signal: new AbortController().signal,
    onOutcome: (outcome) => outcomes.push(outcome),
    waiting: time.waiting,
  });
  async function work(ms: number): Promise<void> {
    let isOver = false;
    const working = retries.work(ms).finally(() => {
      isOver = true;
    });
    while (!isOver) {
      // Whatever can be done without waiting is done by then: all of it is promises.
      await new Promise((resolve) => setImmediate(resolve));
      if (!isOver) time.next();
    }
    await working;
  }

  return {
    ...{ asked, published, letters, outcomes },
    /** The export commits a page up to here. */
    moveTo(position: number): void {
      const { exportState } = publisher.checkpoint;
      publisher.checkpoint = { ...publisher.checkpoint, exportState: { ...exportState, position } };
    },
    work,
    async workUntilDone(): Promise<void> {
      while (outcomes.length < requests.length) await work(10_000);
    },
  };
}

function shown(id: string, second = START - 100): string {
  return `{"ticket":{"id":${id},"updated_at":"${new Date(second * 1000).toISOString()}"}}`;
}

const silent429 = refusal('zendesk.rate_limited', 429);
const ill = refusal('zendesk.unavailable', 500);

function refusal(code: ErrorCode, status?: number, retryAfterMs?: number): TicketStreamError {
  return new TicketStreamError(code, `Zendesk answered ${status}`, { context: { status, retryAfterMs } });
}

/** Throws these one after the other, then shows the ticket. */
function after(...failures: readonly Error[]): Answer {
  const left = [...failures];
  return (id) => {
    const failure = left.shift();
    if (failure !== undefined) throw failure;
    return shown(id);
  };
}

describe('a ticket fetched again', () => {
  it('is no newer than where the export stood before it was asked for', async () => {
    const answered = Promise.withResolvers<string>();
    const { work, moveTo, published } = rig(['7'], () => answered.promise);
    moveTo(START + 10);
    await work(10_000);
    // A page that shows a later version is committed while the answer is on its way.
    moveTo(START + 50);
    answered.resolve(shown('7'));
    await work(10_000);
    expect(published).toMatchObject([{ ticketId: '7', stamp: START + 10 }]);
  });

  it('that Zendesk answers with another is not published in its place', async () => {
    const { workUntilDone, published, letters } = rig(['7'], () => shown('8'));
    await workUntilDone();
    expect(published).toEqual([]);
    expect(letters).toMatchObject([
      { ticketId: '7', code: 'ticket.not_shown', cause: 'Zendesk shows ticket 8 in its place' },
    ]);
  });

  it('that fails again and again is its letter once more, and those behind it get their turn', async () => {
    const { workUntilDone, asked, letters, published } = rig(['7', '8'], (id) => {
      if (id === '7') throw ill;
      return shown(id);
    });
    await workUntilDone();
    expect(asked.filter(({ id }) => id === '7')).toHaveLength(8);
    expect(letters).toMatchObject([
      { ticketId: '7', code: 'ticket.not_shown', cause: 'fetching it failed: Zendesk answered 500' },
    ]);
    expect(published).toMatchObject([{ ticketId: '8' }]);
  });

  it('that does not come is given up after a minute, each time', async () => {
    const { workUntilDone, asked, letters } = rig(
      ['7'],
      (_id, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
    );
    await workUntilDone();
    expect(asked).toHaveLength(8);
    for (const [at, { atMs }] of asked.slice(1).entries())
      expect(atMs - (asked[at]?.atMs ?? 0)).toBeGreaterThan(60_000);
    expect(letters).toMatchObject([{ cause: 'fetching it failed: Zendesk did not show it within 60 s' }]);
  });

  it('is waited for however long Zendesk is away or busy', async () => {
    const away = [refusal('zendesk.unavailable'), refusal('zendesk.unavailable', 503), silent429];
    const { workUntilDone, asked, published } = rig(
      ['7'],
      after(...Array.from({ length: 10 }, () => away).flat()),
    );
    await workUntilDone();
    expect([asked.length, published.length]).toEqual([31, 1]);
  });

  it.each([
    ['a 429 that says how long', refusal('zendesk.rate_limited', 429, 93_000), 93_000],
    ['a 429 that does not', silent429, 60_000],
    ['a 503 that says how long', refusal('zendesk.unavailable', 503, 30_000), 30_000],
  ])('waits out %s', async (_name, failure, ms) => {
    const { workUntilDone, asked, published } = rig(['7'], after(failure));
    await workUntilDone();
    expect(published).toHaveLength(1);
    const [first, second] = asked.map(({ atMs }) => atMs);
    expect((second ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(ms);
  });

  it('takes one request a second of the allowance that all of the account shares', async () => {
    const { workUntilDone, asked, published } = rig(['1', '2', '3', '4'], (id) => shown(id));
    await workUntilDone();
    expect(published).toHaveLength(4);
    const [first, , , last] = asked.map(({ atMs }) => atMs);
    expect((last ?? 0) - (first ?? 0)).toBeGreaterThanOrEqual(3_000);
  });
});

describe('a topic of requests that was made anew', () => {
  it('is read from its beginning, whatever was done of the former one', async () => {
    const { workUntilDone, published } = rig(['7', '8'], (id) => shown(id), 57n);
    await workUntilDone();
    expect(published).toMatchObject([{ ticketId: '7' }, { ticketId: '8' }]);
  });
});

describe('a record that is no request', () => {
  it('is passed over, and Zendesk is not asked', async () => {
    const { workUntilDone, asked, published, outcomes } = rig([undefined, '7'], (id) => shown(id));
    await workUntilDone();
    expect(asked.map(({ id }) => id)).toEqual(['7']);
    expect(published).toHaveLength(1);
    expect(outcomes).toEqual(['passed_over', 'applied']);
  });
});
