import { describe, expect, it } from 'vitest';
import { BoundaryFilter } from './boundary-filter.ts';
import { askingByTime, readingSecond, resume, steppingOver, withoutCursor } from './export-detours.ts';
import type { ExportScope } from './export-scope.ts';
import { DEFAULT_SCOPE, type ExportState, parseExportState, resetTo, startState } from './export-state.ts';

const START = 1_700_000_000;
const NOW = START + 10_000;
const state: ExportState = { ...startState(START), position: START - 1 };

function boundaryAt(second: number, ...seconds: number[]) {
  const filter = new BoundaryFilter(state.boundary);
  for (const [index, each] of seconds.entries()) filter.note(String(index + 1), 'a'.repeat(32), each);
  return filter.close(second);
}

describe('the state in a checkpoint', () => {
  const full: ExportState = {
    next: { mode: 'second', startTime: START + 4, cursor: 'MTY5' },
    boundary: boundaryAt(START + 4, START + 4, START + 9),
    position: START + 3,
    scope: { excludeDeleted: true, supportTypes: 'all' },
    hiddenSince: { deleted: START },
    unseen: [{ what: 'ai_agent', from: START - 9, until: START - 1 }],
    gaps: [{ from: START, until: START, why: 'stuck', acceptedAt: NOW }],
  };

  it('comes back as it was, through JSON', () => {
    for (const each of [full, startState(START), startState(START, 'cursor', full.scope)]) {
      expect(parseExportState(JSON.parse(JSON.stringify(each)))).toEqual(each);
    }
  });

  it.each([
    [null],
    [[]],
    [{}],
    [{ ...full, next: { mode: 'time', startTime: '1700000000' } }],
    [{ ...full, next: { mode: 'time', startTime: -1 } }],
    [{ ...full, next: { mode: 'page', startTime: START } }],
    [{ ...full, next: { mode: 'cursor', startTime: START, cursor: '' } }],
    [{ ...full, next: { mode: 'cursor', startTime: START, cursor: 7 } }],
    [{ ...full, position: 'x' }],
    [{ ...full, boundary: undefined }],
    [{ ...full, boundary: { second: START, digests: { 1: 'short' }, overflowed: false } }],
    [{ ...full, boundary: { second: START, digests: { 1: 7 }, overflowed: false } }],
    [{ ...full, boundary: { second: START, digests: {}, overflowed: 0 } }],
    [{ ...full, scope: { excludeDeleted: 'no', supportTypes: 'all' } }],
    [{ ...full, scope: { excludeDeleted: true, supportTypes: 'some' } }],
    [{ ...full, hiddenSince: { closed: START } }],
    [{ ...full, unseen: [{ what: 'agent', from: START }] }],
    [{ ...full, gaps: [{ from: START, until: START, why: 'because', acceptedAt: NOW }] }],
    [{ ...full, gaps: {} }],
  ])('of another shape is unreadable: %j', (value) => {
    expect(() => parseExportState(value)).toThrow(expect.objectContaining({ code: 'checkpoint.unreadable' }));
  });
});

describe('going on in another mode', () => {
  const byTime: ExportState = { ...state, boundary: boundaryAt(START, START, START + 9) };
  const byCursor: ExportState = { ...byTime, next: { mode: 'cursor', startTime: START, cursor: 'a' } };
  const wanted = { scope: DEFAULT_SCOPE };

  it('begins at the second before which everything was shown, and keeps the boundary', () => {
    const cursor = resume(byTime, { ...wanted, mode: 'cursor' }).state;
    expect(cursor.next).toEqual({ mode: 'cursor', startTime: START });
    const time = resume(byCursor, { ...wanted, mode: 'time' }).state;
    expect(time.next).toEqual({ mode: 'time', startTime: START });
    for (const each of [cursor, time]) expect(each.boundary).toEqual(byTime.boundary);
  });

  it('changes nothing where the mode is the same, and reads a second to its end first', () => {
    expect(resume(byCursor, { ...wanted, mode: 'cursor' }).state).toEqual(byCursor);
    const reading: ExportState = { ...byTime, next: { mode: 'second', startTime: START, cursor: 'a' } };
    for (const mode of ['time', 'cursor'] as const) {
      expect(resume(reading, { ...wanted, mode }).state.next).toEqual(reading.next);
    }
  });
});

describe('a scope that changes', () => {
  const narrow: ExportScope = { excludeDeleted: true, supportTypes: 'agent' };
  const wide: ExportScope = { excludeDeleted: false, supportTypes: 'all' };
  const at = (second: number, from: ExportState): ExportState => ({
    ...from,
    next: { mode: 'time', startTime: second },
  });
  const wanting = (scope: ExportScope) => ({ mode: 'time', scope }) as const;

  it('widened, keeps on record what was hidden, from which second to which', () => {
    const before = at(START + 100, startState(START, 'time', narrow));
    const { state: after, unseen } = resume(before, wanting(wide));
    expect(unseen).toEqual([
      { what: 'deleted', from: START, until: START + 99 },
      { what: 'ai_agent', from: START, until: START + 99 },
    ]);
    expect(after).toMatchObject({ scope: wide, hiddenSince: {}, unseen });
    // Said once: after it, nothing is new.
    expect(resume(after, wanting(wide))).toEqual({ state: after, unseen: [] });
  });

  it.each(['cursor', 'second'] as const)(
    'widened, shows the newest second from its beginning: %s',
    (mode) => {
      const under = (scope: ExportScope): ExportState => ({
        ...startState(START, 'cursor', scope),
        next: { mode, startTime: START, cursor: 'in the middle of it' },
      });
      const { next } = resume(under(narrow), { mode: 'cursor', scope: wide }).state;
      expect(next).toEqual({ mode, startTime: START });
      for (const scope of [narrow, DEFAULT_SCOPE]) {
        const narrowed = resume(under(scope), { mode: 'cursor', scope: narrow }).state;
        expect(narrowed.next).toEqual(under(scope).next);
      }
    },
  );

  it('narrowed and widened again, misses the time between alone', () => {
    const wideFirst = at(START + 50, startState(START, 'time', wide));
    const narrowed = resume(wideFirst, wanting(narrow));
    expect(narrowed.unseen).toEqual([]);
    const { unseen } = resume(at(START + 80, narrowed.state), wanting(wide));
    expect(unseen).toContainEqual({ what: 'deleted', from: START + 50, until: START + 79 });
  });

  it("from one support type to the other, misses the other's time", () => {
    const before = at(START + 50, startState(START, 'time', DEFAULT_SCOPE));
    const { state: after, unseen } = resume(
      before,
      wanting({ excludeDeleted: false, supportTypes: 'ai_agent' }),
    );
    expect(unseen).toEqual([{ what: 'ai_agent', from: START, until: START + 49 }]);
    expect(after.hiddenSince).toEqual({ agent: START + 50 });
  });
});

describe('a reset', () => {
  const before: ExportState = {
    ...state,
    scope: { excludeDeleted: false, supportTypes: 'all' },
    hiddenSince: {},
    next: { mode: 'time', startTime: START + 1_000 },
    position: START + 999,
    unseen: [
      { what: 'deleted', from: START, until: START + 99 },
      { what: 'ai_agent', from: START + 300, until: START + 500 },
      { what: 'deleted', from: START + 600, until: START + 700 },
    ],
    gaps: [{ from: START + 650, until: START + 650, why: 'stuck', acceptedAt: NOW }],
  };

  it('backwards, shows again what was hidden or stepped over after it, and keeps the position', () => {
    const after = resetTo(before, START + 400, 'cursor', NOW);
    expect(after).toMatchObject({
      next: { mode: 'cursor', startTime: START + 400 },
      boundary: { second: START + 400, digests: {}, overflowed: false },
      position: START + 999,
      gaps: [],
    });
    expect(after.unseen).toEqual([
      { what: 'deleted', from: START, until: START + 99 },
      { what: 'ai_agent', from: START + 300, until: START + 399 },
    ]);
  });

  it('keeps on record what the scope hides still', () => {
    const hiding = { ...before, scope: DEFAULT_SCOPE, hiddenSince: { ai_agent: START + 800 } };
    expect(resetTo(hiding, START + 400, 'time', NOW).unseen).toEqual([
      { what: 'deleted', from: START, until: START + 99 },
      { what: 'ai_agent', from: START + 300, until: START + 500 },
    ]);
  });

  it('to before anything was exported, hides from there on', () => {
    const hiding = { ...before, scope: DEFAULT_SCOPE, hiddenSince: { ai_agent: START } };
    const after = resetTo(hiding, START - 500, 'time', NOW);
    expect(after.hiddenSince).toEqual({ ai_agent: START - 500 });
    const later = { ...after, next: { mode: 'time', startTime: START + 10 } } as const;
    expect(resume(later, { mode: 'time', scope: before.scope }).unseen).toEqual([
      { what: 'ai_agent', from: START - 500, until: START + 9 },
    ]);
    expect(resetTo(hiding, START + 500, 'time', NOW).hiddenSince).toEqual({ ai_agent: START });
  });

  it('forwards, leaves a gap on record', () => {
    const after = resetTo(before, START + 2_000, 'time', NOW);
    expect(after.gaps.at(-1)).toEqual({
      from: START + 1_000,
      until: START + 1_999,
      why: 'reset',
      acceptedAt: NOW,
    });
  });
});

describe('ways around what does not advance', () => {
  const before: ExportState = { ...state, boundary: boundaryAt(START, START, START + 9) };

  it('reads a second, at or after the start, and remembers what was shown of it and later', () => {
    expect(readingSecond(before, START)).toEqual({ ...before, next: { mode: 'second', startTime: START } });
    const later = readingSecond(before, START + 5);
    expect(later.next).toEqual({ mode: 'second', startTime: START + 5 });
    expect(later.boundary).toEqual({
      second: START + 5,
      digests: { 2: `${'a'.repeat(16)}@${START + 9}` },
      overflowed: false,
    });
    expect(readingSecond(later, START + 5)).toEqual(later);
  });

  it('steps over one second and keeps the gap on record, once', () => {
    const after = steppingOver({ ...before, next: { mode: 'second', startTime: START } }, START, 'time', NOW);
    expect(after.next).toEqual({ mode: 'time', startTime: START + 1 });
    expect(after.gaps).toEqual([{ from: START, until: START, why: 'stuck', acceptedAt: NOW }]);
    expect(after.boundary.digests).toEqual({ 2: `${'a'.repeat(16)}@${START + 9}` });
    expect(steppingOver(after, START, 'time', NOW + 9)).toBe(after);
  });

  it('goes back to time, or drops a cursor', () => {
    const reading: ExportState = { ...before, next: { mode: 'second', startTime: START, cursor: 'a' } };
    expect(askingByTime(reading).next).toEqual({ mode: 'time', startTime: START });
    const cursor: ExportState = { ...before, next: { mode: 'cursor', startTime: START, cursor: 'a' } };
    expect(withoutCursor(cursor).next).toEqual({ mode: 'cursor', startTime: START });
  });
});
