import { describe, expect, it } from 'vitest';
import { BoundaryFilter } from './boundary-filter.ts';
import { type ExportState, nextStartTime, nextState, parseExportState, startState } from './export-walk.ts';
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
  const page = { tail: tail(fields), date, perPage: 1_000, delaySeconds: 60 };
  const boundary = new BoundaryFilter(before.boundary).close(nextStartTime(before, page.tail));
  return nextState(before, page, boundary);
}

describe('what a page means for the next request', () => {
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
      expect([result.verdict, result.state.nextStartTime]).toEqual([verdict, next]);
    },
  );

  it('goes by next_page where there is no end_time', () => {
    const result = step({ ticketCount: 1_000, nextStartTime: START + 9, endOfStream: false });
    expect([result.verdict, result.state.nextStartTime]).toEqual(['advanced', START + 9]);
  });

  it('goes by end_time where the two differ', () => {
    expect(step({ ticketCount: 1, endTime: START + 5, nextStartTime: START + 9 }).state.nextStartTime).toBe(
      START + 5,
    );
  });

  it.each([0, 1_000])(
    'asks the same again after a null where the next start should be (%i tickets)',
    (ticketCount) => {
      const result = step({ askAgain: true, ticketCount, endOfStream: false });
      expect([result.verdict, result.state.nextStartTime]).toEqual(['ask_again', START]);
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
    ['takes the later of both', { endTime: START + 50, endOfStream: true }, START + 70, START, START + 49],
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
    expect(step(fields, date, { ...state, position: before }).state.position).toBe(expected);
  });
});

describe('the state in a checkpoint', () => {
  it('comes back as it was, through JSON', () => {
    const filter = new BoundaryFilter(state.boundary);
    filter.note('35436', 'aaaaaaaaaaaaaaaabbbb', START + 4);
    filter.note('35437', 'ccccccccccccccccdddd', START + 9);
    const before: ExportState = {
      nextStartTime: START + 4,
      boundary: filter.close(START + 4),
      position: START + 3,
    };
    expect(parseExportState(JSON.parse(JSON.stringify(before)))).toEqual(before);
    expect(parseExportState(JSON.parse(JSON.stringify(startState(START))))).toEqual(startState(START));
  });

  it.each([
    [null],
    [[]],
    [{}],
    [{ ...startState(START), nextStartTime: '1700000000' }],
    [{ ...startState(START), nextStartTime: -1 }],
    [{ ...startState(START), position: 'x' }],
    [{ ...startState(START), boundary: undefined }],
    [{ ...startState(START), boundary: { second: START, digests: { 1: 'short' }, overflowed: false } }],
    [{ ...startState(START), boundary: { second: START, digests: { 1: 7 }, overflowed: false } }],
    [{ ...startState(START), boundary: { second: START, digests: {}, overflowed: 0 } }],
  ])('of another shape is unreadable: %j', (value) => {
    expect(() => parseExportState(value)).toThrow(expect.objectContaining({ code: 'checkpoint.unreadable' }));
  });
});
