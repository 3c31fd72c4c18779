import { type ErrorCode, errorTable, TicketStreamError } from '@ticket-stream/errors';
import { describe, expect, it } from 'vitest';
import { type AfterFailure, afterFailure } from './after-failure.ts';
import type { NextRequest } from './export-state.ts';

const BACKOFF_MS = 700;

const BY_TIME: NextRequest = { mode: 'time', startTime: 7 };
const BY_CURSOR: NextRequest = { mode: 'cursor', startTime: 7, cursor: 'a' };
const SECOND: NextRequest = { mode: 'second', startTime: 7 };

function decide(code: ErrorCode, context: Record<string, number> = {}, next = BY_TIME) {
  let asked = 0;
  const step = afterFailure(
    new TicketStreamError(code, 'a failure', { context }),
    {
      nextMs: () => {
        asked++;
        return BACKOFF_MS;
      },
    },
    next,
  );
  return { step, asked };
}

describe('after a failed attempt at a page', () => {
  it.each([
    ['a 429 that says how long', 2_000, { retryAfterMs: 2_000 }],
    ['a 429 that says 93 s', 93_000, { retryAfterMs: 93_000 }],
    ['a 429 that says 0', 0, { retryAfterMs: 0 }],
    ['a 429 that does not say', 60_000, {}],
  ])('%s is waited for, in full, and does not use up the backoff', (_, waitMs, context) => {
    const { step, asked } = decide('zendesk.rate_limited', context);
    expect(step).toMatchObject({ step: 'wait', waitMs, waitingFor: `Zendesk, ${waitMs / 1000} s (429)` });
    expect(asked).toBe(0);
  });

  it.each([
    ['longer than the backoff: as asked', 5_000, 5_000],
    ['shorter than the backoff: the backoff', 100, BACKOFF_MS],
  ])('a 503 with a Retry-After %s', (_, retryAfterMs, waitMs) => {
    expect(decide('zendesk.unavailable', { retryAfterMs }).step).toMatchObject({ step: 'wait', waitMs });
  });

  it.each<[ErrorCode, AfterFailure['step']]>([
    ['zendesk.too_recent', 'caught_up'],
    ['zendesk.page_too_slow', 'ask_for_less'],
    ['zendesk.page_too_large', 'ask_for_less'],
    ['zendesk.page_truncated', 'wait'],
    ['zendesk.page_malformed', 'wait'],
    ['zendesk.token_refused', 'wait'],
    ['kafka.doubtful_transaction', 'ask_the_checkpoint'],
    ['kafka.fenced', 'stop'],
    ['zendesk.credentials_refused', 'stop'],
    ['zendesk.request_refused', 'stop'],
    ['internal.defect', 'stop'],
  ])('%s → %s', (code, step) => {
    expect(decide(code).step.step).toBe(step);
  });

  it.each<[string, ErrorCode, Record<string, number>, NextRequest, AfterFailure]>([
    [
      'a 404 of the cursor endpoint',
      'zendesk.not_found',
      { status: 404 },
      SECOND,
      { step: 'second_refused' },
    ],
    ['a 403 of it', 'zendesk.credentials_refused', { status: 403 }, SECOND, { step: 'second_refused' }],
    ['a 422 of it', 'zendesk.request_refused', { status: 422 }, SECOND, { step: 'second_refused' }],
    ['a 401 of it', 'zendesk.credentials_refused', { status: 401 }, SECOND, { step: 'stop' }],
    [
      'a cursor that is refused',
      'zendesk.request_refused',
      { status: 422 },
      BY_CURSOR,
      { step: 'drop_cursor' },
    ],
    [
      'a start that is refused',
      'zendesk.request_refused',
      {},
      { mode: 'cursor', startTime: 7 },
      { step: 'stop' },
    ],
    ['a 404 where all is by cursor', 'zendesk.not_found', {}, BY_CURSOR, { step: 'stop' }],
    [
      'a page over its budget that holds a whole second',
      'zendesk.page_too_slow',
      { wholeSecond: 9 },
      BY_TIME,
      { step: 'read_second', second: 9 },
    ],
  ])('%s', (_name, code, context, next, step) => {
    expect(decide(code, context, next).step).toEqual(step);
  });

  it('stops for every code of disposition stop, and for none of disposition retry', () => {
    for (const [code, { disposition }] of Object.entries(errorTable)) {
      if (disposition === 'dead_letter') continue;
      expect([code, decide(code as ErrorCode).step.step === 'stop']).toEqual([code, disposition === 'stop']);
    }
  });
});
