import { describe, expect, it } from 'vitest';
import { type ExportState, startState } from './export-state.ts';
import { stepAfter } from './export-walk.ts';
import type { PageTail } from './page-fields.ts';

const START = 1_700_000_000;
const state: ExportState = { ...startState(START), position: START - 1 };

function tail(fields: Partial<PageTail>): PageTail {
  return {
    endTime: undefined,
    nextStartTime: undefined,
    askAgain: false,
    count: undefined,
    endOfStream: undefined,
    afterCursor: undefined,
    ticketCount: 0,
    bytes: 100,
    ...fields,
  };
}

function step(fields: Partial<PageTail>, date: number | undefined = undefined, before: ExportState = state) {
  const page = { tail: tail(fields), newestSecond: undefined, date, perPage: 1_000, delaySeconds: 60 };
  return stepAfter(before, page, 'time');
}

describe('what a page means for the next request, by time', () => {
  it.each([
    // tickets, end_time, end_of_stream → verdict, next start
    [1_000, START + 50, false, 'advanced', START + 50],
    [1_000, START + 1, false, 'advanced', START + 1],
    [7, START + 50, false, 'advanced', START + 50],
    [0, START + 50, false, 'advanced', START + 50],
    [1_000, START + 50, undefined, 'advanced', START + 50],
    // The flag decides, not the number of tickets.
    [7, START + 50, true, 'caught_up', START + 50],
    [1_000, START + 50, true, 'caught_up', START + 50],
    [1, START, true, 'caught_up', START],
    [0, START, true, 'caught_up', START],
    // Empty and not advancing.
    [0, START, false, 'ask_again', START],
    [0, START, undefined, 'ask_again', START],
    // Tickets, more to come, no later start.
    [1_000, START, false, 'stuck', START],
    [1, START, false, 'stuck', START],
    [1_000, START, undefined, 'stuck', START],
    [1_700, START, undefined, 'stuck', START],
    // Without the flag, a page that is not full is the last.
    [999, START, undefined, 'caught_up', START],
    // Never backwards, whatever is said.
    [1_000, START - 10, false, 'stuck', START],
    [5, START - 10, true, 'caught_up', START],
  ] as const)(
    '%i tickets, end_time %i, end_of_stream %s: %s',
    (ticketCount, endTime, endOfStream, verdict, next) => {
      const result = step({ ticketCount, endTime, endOfStream });
      expect([result.verdict, result.next.startTime]).toEqual([verdict, next]);
      expect(result.next.mode).toBe(verdict === 'stuck' ? 'second' : 'time');
    },
  );

  it('goes by next_page where there is no end_time', () => {
    const result = step({ ticketCount: 1_000, nextStartTime: START + 9, endOfStream: false });
    expect([result.verdict, result.next.startTime]).toEqual(['advanced', START + 9]);
  });

  it('goes by end_time where the two differ', () => {
    expect(step({ ticketCount: 1, endTime: START + 5, nextStartTime: START + 9 }).next.startTime).toBe(
      START + 5,
    );
  });

  it.each([0, 1_000])(
    'asks the same again after a null where the next start should be (%i tickets)',
    (ticketCount) => {
      const result = step({ askAgain: true, ticketCount, endOfStream: false });
      expect([result.verdict, result.next.startTime]).toEqual(['ask_again', START]);
    },
  );
});

describe('an end in the newest time, which Zendesk leaves out', () => {
  const FAR = START + 9_000_000;
  it.each([
    // asked, tickets, end_time, end_of_stream, newest → verdict, next start, position, said
    // Later than the page was made: its tickets say how far it goes.
    [START, 1_000, FAR, false, START + 50, 'advanced', START + 50, START + 49, FAR],
    [START, 7, FAR, true, START + 50, 'caught_up', START + 50, START + 839, FAR],
    [START, 0, FAR, true, undefined, 'caught_up', START, START + 839, FAR],
    [START, 0, FAR, false, undefined, 'ask_again', START, START - 1, FAR],
    [START, 1_000, FAR, false, START, 'stuck', START, START - 1, FAR],
    [START, 1_000, FAR, false, FAR, 'advanced', START + 840, START + 839, FAR],
    // What is shown of the last minute may not be all of it.
    [START, 7, START + 841, true, START + 841, 'caught_up', START + 840, START + 839, undefined],
    [START, 7, START + 840, true, START + 840, 'caught_up', START + 840, START + 839, undefined],
    // Once its time has come.
    [START + 840, 1_000, START + 841, false, START + 841, 'ask_again', START + 840, START + 839, undefined],
  ] as const)(
    'from %i, %i tickets, end_time %i, end_of_stream %s: is not gone on from',
    (asked, ticketCount, endTime, endOfStream, newestSecond, verdict, next, position, said) => {
      const before: ExportState = { ...state, next: { mode: 'time', startTime: asked }, position: asked - 1 };
      const result = stepFrom(before, { ticketCount, endTime, endOfStream }, newestSecond, START + 900);
      expect([result.verdict, result.next.startTime, result.position]).toEqual([verdict, next, position]);
      expect(result.disbelieved).toBe(said);
    },
  );
});

describe('the position', () => {
  const cases: readonly [
    string,
    Partial<PageTail>,
    number | undefined,
    number | undefined,
    number | undefined,
  ][] = [
    [
      'is the second before end_time',
      { endTime: START + 50, endOfStream: false },
      START + 900,
      START,
      START + 49,
    ],
    [
      'is the second before the next start of next_page',
      { nextStartTime: START + 50 },
      undefined,
      START,
      START + 49,
    ],
    [
      'at the end of the stream moves on with the response, less the delay and one',
      { endTime: START + 50, endOfStream: true },
      START + 900,
      START,
      START + 839,
    ],
    [
      'takes no end in the newest time',
      { endTime: START + 50, endOfStream: true },
      START + 70,
      START,
      START + 9,
    ],
    ['does without a Date', { endTime: START + 50, endOfStream: true }, undefined, START, START + 49],
    ['never moves back', { endTime: START - 500, endOfStream: true }, START - 500, START + 7, START + 7],
    [
      'moves on through an empty page',
      { endTime: START, endOfStream: true },
      START + 100,
      START - 1,
      START + 39,
    ],
    ['stays where a null tells nothing', { askAgain: true }, START + 100, START + 7, START + 7],
    ['stays unknown where nothing tells it', { askAgain: true }, START + 100, undefined, undefined],
  ];
  it.each(cases)('%s', (_name, fields, date, before, expected) => {
    expect(step(fields, date, { ...state, position: before }).position).toBe(expected);
  });
});

function stepFrom(
  before: ExportState,
  fields: Partial<PageTail>,
  newestSecond: number | undefined,
  date?: number,
) {
  const page = { tail: tail(fields), newestSecond, date, perPage: 1_000, delaySeconds: 60 };
  return stepAfter(before, page, 'time');
}

describe('what a page means for the next request, by cursor', () => {
  const begun: ExportState = { ...state, next: { mode: 'cursor', startTime: START } };
  const under: ExportState = { ...state, next: { mode: 'cursor', startTime: START, cursor: 'a' } };

  it.each([
    // from, tickets, after_cursor, end_of_stream, newest second → verdict, next cursor, next start, position
    ['begun', 1_000, 'b', false, START + 50, 'advanced', 'b', START + 50, START + 49],
    ['under', 1_000, 'b', false, START + 50, 'advanced', 'b', START + 50, START + 49],
    ['under', 1_000, 'b', false, START, 'advanced', 'b', START, START - 1],
    ['under', 0, 'b', false, undefined, 'advanced', 'b', START, START - 1],
    ['under', 7, 'b', true, START + 9, 'caught_up', 'b', START + 9, START + 839],
    ['under', 0, 'a', true, undefined, 'caught_up', 'a', START, START + 839],
    // The same cursor again without tickets: nothing yet.
    ['under', 0, 'a', false, undefined, 'ask_again', 'a', START, START - 1],
    // null: the cursor so far stays, and so does the start, because it shows the whole page again.
    ['under', 5, undefined, false, START + 9, 'ask_again', 'a', START, START - 1],
    ['under', 5, undefined, true, START + 9, 'caught_up', 'a', START, START + 839],
    ['begun', 5, undefined, false, START + 9, 'ask_again', undefined, START, START - 1],
    ['under', 0, undefined, true, undefined, 'caught_up', 'a', START, START + 839],
    ['begun', 0, undefined, true, undefined, 'caught_up', undefined, START, START + 839],
    // The same cursor under tickets: begin anew at the newest second shown.
    ['under', 5, 'a', false, START + 9, 'stuck', undefined, START + 9, START + 8],
    ['under', 5, 'a', undefined, START, 'stuck', undefined, START, START - 1],
    // Never backwards.
    ['under', 5, 'b', false, START - 40, 'advanced', 'b', START, START - 1],
  ] as const)(
    '%s: %i tickets, after_cursor %s, end_of_stream %s, newest %s: %s',
    (from, ticketCount, afterCursor, endOfStream, newest, verdict, cursor, startTime, position) => {
      const before = from === 'begun' ? begun : under;
      const fields = { ticketCount, afterCursor, endOfStream, askAgain: afterCursor === undefined };
      const result = stepFrom(before, fields, newest, START + 900);
      expect(result).toEqual({
        verdict,
        next: { mode: 'cursor', startTime, ...(cursor === undefined ? {} : { cursor }) },
        position,
      });
    },
  );

  it.each([
    [9e9, 9e9],
    [START + 841, undefined],
  ])('does not go on from the newest time: %i', (newest, disbelieved) => {
    const result = stepFrom(
      under,
      { ticketCount: 1, afterCursor: 'b', endOfStream: false },
      newest,
      START + 900,
    );
    expect(result).toMatchObject({ position: START + 839, disbelieved });
    expect(result.next.startTime).toBe(START + 840);
  });
});

describe('a second that the time-based export does not get past', () => {
  const first: ExportState = { ...state, next: { mode: 'second', startTime: START } };
  const going: ExportState = { ...state, next: { mode: 'second', startTime: START, cursor: 'a' } };
  const reading = (cursor: string) => ({ mode: 'second', startTime: START, cursor });
  const after = { mode: 'time', startTime: START + 1 };

  it.each([
    [first, 1_000, 'a', false, START, 'advanced', reading('a')],
    [going, 1_000, 'b', false, START, 'advanced', reading('b')],
    // A ticket of a later second: the second is read to its end.
    [going, 1_000, 'b', false, START + 4, 'advanced', after],
    [going, 12, 'b', true, START, 'advanced', after],
    [going, 0, 'b', true, undefined, 'advanced', after],
    [going, 0, 'a', false, undefined, 'ask_again', reading('a')],
    // The same cursor under tickets: the second anew, without a cursor.
    [going, 3, 'a', false, START, 'stuck', { mode: 'second', startTime: START }],
    [going, 3, undefined, false, START, 'ask_again', reading('a')],
  ] as const)('%#: goes on where it must', (before, ticketCount, afterCursor, eos, newest, verdict, next) => {
    const fields = { ticketCount, afterCursor, endOfStream: eos, askAgain: afterCursor === undefined };
    const result = stepFrom(before, fields, newest, START + 900);
    expect([result.verdict, result.next]).toEqual([verdict, next]);
    // Complete only once the second was read to its end; the response's Date says nothing about it.
    expect(result.position).toBe(next === after ? START : START - 1);
  });

  it('leads back to the mode that is asked for', () => {
    const page = {
      tail: tail({ ticketCount: 1, afterCursor: 'b', endOfStream: false }),
      newestSecond: START + 4,
      date: undefined,
      perPage: 1_000,
      delaySeconds: 60,
    };
    expect(stepAfter(going, page, 'cursor').next).toEqual({ mode: 'cursor', startTime: START + 1 });
  });
});
