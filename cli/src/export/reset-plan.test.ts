import { startState } from '@ticket-stream/zendesk-export';
import { describe, expect, it } from 'vitest';
import { planReset, planText } from './reset-plan.ts';

const NOW = 1_700_100_000;
const AT = 1_700_000_000;
const state = {
  ...startState(AT),
  position: AT - 1,
  unseen: [{ what: 'deleted', from: AT - 900, until: AT - 500 } as const],
  gaps: [
    { from: AT - 800, until: AT - 800, why: 'stuck', acceptedAt: AT } as const,
    { from: AT - 300, until: AT - 200, why: 'reset', acceptedAt: AT } as const,
  ],
};
const facts = {
  source: 'https://acme.zendesk.com',
  topic: 'tickets',
  nowMs: NOW * 1000,
  checkpointAtMs: NOW * 1000 - 3_600_000,
  producerAtWork: false,
};

describe('a reset', () => {
  it('backwards brings back what lies at or after the moment, and nothing before it', () => {
    const plan = planReset(state, AT - 600, { acceptGap: false, now: NOW });
    expect(plan).toMatchObject({
      direction: 'backwards',
      unseenBroughtBack: [{ from: AT - 600, until: AT - 500 }],
      gapsBroughtBack: [{ from: AT - 300, until: AT - 200 }],
    });
    expect(plan.after).toMatchObject({
      next: { mode: 'time', startTime: AT - 600 },
      unseen: [{ from: AT - 900, until: AT - 601 }],
      gaps: [{ from: AT - 800, until: AT - 800 }],
      // It never moves back.
      position: AT - 1,
    });
    expect(planText(plan, facts)).toMatchInlineSnapshot(`
      "The export of https://acme.zendesk.com to tickets
        goes on at  2023-11-14T22:13:20Z (27 h 47 min ago)
        instead at  2023-11-14T22:03:20Z (27 h 57 min ago)

        Every ticket that Zendesk shows there is published again: 10 min of changes, each ticket once, in its latest state.
        What is in the log already comes as a copy with the same ce_id, which consumers count as a duplicate.
        + brings back deleted and scrubbed tickets of 2023-11-14T22:03:20Z to 2023-11-14T22:05:00Z
        + closes the gap 2023-11-14T22:08:20Z to 2023-11-14T22:10:00Z
        ! A producer that runs elsewhere loses the export and ends with exit code 4."
    `);
  });

  it('forwards needs a word, and leaves a gap on record', () => {
    expect(() => planReset(state, AT + 60, { acceptGap: false, now: NOW })).toThrow(
      expect.objectContaining({ code: 'config.invalid', remedy: expect.stringContaining('--accept-gap') }),
    );
    const plan = planReset(state, AT + 60, { acceptGap: true, now: NOW });
    expect(plan.after.gaps.at(-1)).toEqual({ from: AT, until: AT + 59, why: 'reset', acceptedAt: NOW });
    expect(planText(plan, { ...facts, checkpointAtMs: NOW * 1000 - 3_000 })).toMatchInlineSnapshot(`
      "The export of https://acme.zendesk.com to tickets
        goes on at  2023-11-14T22:13:20Z (27 h 47 min ago)
        instead at  2023-11-14T22:14:20Z (27 h 46 min ago)

        What changed in the 1 min between is NOT published; the gap 2023-11-14T22:13:20Z to 2023-11-14T22:14:19Z stays on record.
        ! A producer that runs elsewhere loses the export and ends with exit code 4. The last checkpoint is 3 seconds old: one seems to be at work."
    `);
  });

  it('does not claim to bring back what the scope hides still', () => {
    const hiding = {
      ...state,
      scope: { ...state.scope, excludeDeleted: true },
      hiddenSince: { deleted: AT },
    };
    const plan = planReset(hiding, AT - 1_000, { acceptGap: false, now: NOW });
    expect(plan.unseenBroughtBack).toEqual([]);
    expect(plan.after.unseen).toEqual(state.unseen);
    expect(planText(plan, facts)).toContain('stay left out');
  });

  it('into the future is refused, gap accepted or not', () => {
    for (const acceptGap of [false, true]) {
      expect(() => planReset(state, NOW + 1, { acceptGap, now: NOW })).toThrow(/is in the future/);
    }
    expect(planReset(state, NOW, { acceptGap: true, now: NOW }).direction).toBe('forwards');
  });

  it('keeps the mode, and ends the reading of a single second', () => {
    const modeAfter = (next: typeof state.next) =>
      planReset({ ...state, next }, AT - 10, { acceptGap: false, now: NOW }).after.next;
    expect(modeAfter({ mode: 'cursor', startTime: AT, cursor: 'abc' })).toEqual({
      mode: 'cursor',
      startTime: AT - 10,
    });
    expect(modeAfter({ mode: 'second', startTime: AT, cursor: 'abc' })).toEqual({
      mode: 'time',
      startTime: AT - 10,
    });
  });
});
