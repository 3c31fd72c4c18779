import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ErrorCode, TicketStreamError } from '@ticket-stream/errors';
import { type ExportState, type OpenPage, startState } from '@ticket-stream/zendesk-export';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openComparisonStore } from './comparison-store.ts';
import { lookForExtra } from './extra-tickets.ts';
import { type Grounds, judge } from './verdict.ts';

const P = 1_000;
const DELAY_SECONDS = 60;
/** Between two pages: the deadline of reading on is over with the third. */
const SPACING_MS = 60_000;
const state: ExportState = { ...startState(1, 'time'), position: P };
const grounds: Grounds = { position: P, start: 1, reached: P, unreadSeconds: new Set(), state };

/**
 * A log of these tickets, a walk that showed none of them, and a Zendesk that shows by id what `answer` does not throw.
 * The export shows nothing more, and its clock says `date`.
 */
function rig(ids: readonly string[], answer: (id: string) => void, date = P) {
  const dataDir = mkdtempSync(join(tmpdir(), 'ticket-stream-extra-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const store = openComparisonStore(dataDir);
  onTestFinished(() => store.close());
  store.noteVersions(
    ids.map((key) => ({ key, stamp: P, digest: 'a' })),
    'all',
  );
  let nowMs = 0;
  let pages = 0;
  let requests = 0;
  const asked: { readonly id: string; readonly atMs: number }[] = [];
  const stopped = new AbortController();
  return {
    asked,
    stopped,
    pages: () => pages,
    requests: () => requests,
    extra: () =>
      [...store.comparisons()]
        .filter((each) => judge(each, grounds).verdict === 'extra')
        .map(({ key }) => key),
    look: () =>
      lookForExtra({
        reading: {
          readPage: async (from) => {
            pages++;
            nowMs += SPACING_MS;
            return { state: from, verdict: 'caught_up', date, oldestSecond: undefined };
          },
        },
        state,
        store,
        grounds,
        client: {
          openTicket: async ({ id }) => {
            asked.push({ id, atMs: nowMs });
            answer(id);
            return { discard() {} } as OpenPage;
          },
        },
        delaySeconds: DELAY_SECONDS,
        signal: stopped.signal,
        onState: () => {},
        onRequest: () => {
          requests++;
        },
        waiting: {
          nowMs: () => nowMs,
          wait: async (ms, signal) => {
            signal?.throwIfAborted();
            nowMs += ms;
          },
        },
      }),
  };
}

function refuse(status: number, code: ErrorCode, more: Readonly<Record<string, number>> = {}): never {
  throw new TicketStreamError(code, 'refused', { context: { status, ...more } });
}

describe('a ticket of the log that the walk did not show', () => {
  it('is extra where Zendesk has it no more, and the export does not show it as deleted', async () => {
    const rigged = rig(['1', '2', '3'], (id) => {
      if (id === '1') refuse(404, 'zendesk.not_found');
      if (id === '2') refuse(410, 'zendesk.request_refused');
    });
    expect(await rigged.look()).toBe(true);
    expect(rigged.extra()).toEqual(['1', '2']);
    expect(rigged.pages()).toBe(2);
    expect(rigged.requests()).toBe(3);
  });

  it('is not looked for where there is none', async () => {
    const rigged = rig([], () => {});
    expect(await rigged.look()).toBe(true);
    expect([rigged.pages(), rigged.asked]).toEqual([0, []]);
  });

  it('needs no more of the export where Zendesk has every one', async () => {
    const rigged = rig(['1', '2'], () => {});
    expect(await rigged.look()).toBe(true);
    expect(rigged.extra()).toEqual([]);
    expect(rigged.pages()).toBe(1);
  });

  it('may have been deleted just now where the export does not get up to the moment of asking', async () => {
    const rigged = rig(['1'], () => refuse(404, 'zendesk.not_found'), P + 1);
    expect(await rigged.look()).toBe(false);
    expect(rigged.extra()).toEqual(['1']);
  });

  it('is asked for once a second, the first sixty alone', async () => {
    const ids = Array.from({ length: 61 }, (_, index) => String(index + 1));
    const rigged = rig(ids, () => {});
    expect(await rigged.look()).toBe(false);
    expect(rigged.extra()).toEqual(['61']);
    expect(rigged.asked.map(({ id }) => id)).toEqual(ids.slice(0, 60));
    const gaps = rigged.asked.map(({ atMs }, index) => atMs - (rigged.asked[index - 1]?.atMs ?? -1_000));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
  });

  it('is asked for again when Zendesk says so, and waits as long as it says', async () => {
    const answers = [
      () => refuse(429, 'zendesk.rate_limited', { retryAfterMs: 7_000 }),
      () => refuse(503, 'zendesk.unavailable'),
      () => {},
    ];
    const rigged = rig(['1'], () => answers.shift()?.());
    expect(await rigged.look()).toBe(true);
    expect(rigged.extra()).toEqual([]);
    const [first, second, third] = rigged.asked.map(({ atMs }) => atMs);
    expect(Number(second) - Number(first)).toBeGreaterThanOrEqual(7_000);
    expect(third).toBeGreaterThan(Number(second));
  });

  it('stays open where Zendesk does not say, and is not asked for without an end', async () => {
    const away = rig(['1'], () => refuse(503, 'zendesk.unavailable'));
    expect(await away.look()).toBe(false);
    expect(away.asked).toHaveLength(5);
    const forbidden = rig(['1'], () => refuse(403, 'zendesk.credentials_refused'));
    expect(await forbidden.look()).toBe(false);
    expect(forbidden.asked).toHaveLength(1);
    expect(forbidden.extra()).toEqual(['1']);
  });

  it('is left when the command is ended, also where it is the last', async () => {
    const rigged = rig(['1', '2'], (id) => {
      if (id === '1') return;
      rigged.stopped.abort(new Error('ended'));
      throw rigged.stopped.signal.reason;
    });
    await expect(rigged.look()).rejects.toThrow('ended');
    expect(rigged.asked).toHaveLength(2);
  });
});
