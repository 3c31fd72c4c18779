import { TicketStreamError } from '@ticket-stream/errors';
import type { LetterRow, LogReader, LogRecord } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { letterRow } from '../testing/letter-row.ts';
import { awaitOutcomes } from './retry-outcomes.ts';

const TOPIC = 'tickets.dlq';

function written(offset: bigint, key: string, headers: Record<string, string>): LogRecord {
  return {
    ...{ partition: 0, offset, publishedAtMs: 0, key: Buffer.from(key), value: Buffer.alloc(0) },
    headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(text)])),
  };
}

function away(type?: string): TicketStreamError {
  return new TicketStreamError('kafka.unavailable', 'the cluster is away', { context: { type } });
}

/** What each fetch brings, in turn; after the last nothing is new any more. */
async function outcomesOf(
  keys: readonly string[],
  fetches: readonly (readonly LogRecord[] | TicketStreamError)[],
) {
  const coming = [...fetches];
  const asked: bigint[] = [];
  const outcomes: [string, string, string | undefined][] = [];
  const pending = new Map<string, LetterRow>(keys.map((key) => [key, letterRow({ key })]));
  const stop = new AbortController();
  const follow: LogReader['follow'] = async function* (_topic, { from }) {
    let at = from.get(0) ?? 0n;
    asked.push(at);
    for (;;) {
      const next = coming.shift();
      if (next instanceof TicketStreamError) throw next;
      if (next === undefined) return stop.abort();
      at = (next.at(-1)?.offset ?? at - 1n) + 1n;
      yield { records: next, positions: new Map([[0, at]]) };
    }
  };
  await awaitOutcomes({
    ...{ reader: { follow }, deadLetters: TOPIC, from: new Map([[0, 5n]]), pending, signal: stop.signal },
    onOutcome: (row, outcome, code) => outcomes.push([row.key, outcome, code]),
    onProgress() {},
  });
  return { outcomes, asked, left: [...pending.keys()] };
}

describe('the outcome of a letter', () => {
  it('is what comes after it was sent; what others do with others is none', async () => {
    const { outcomes, left } = await outcomesOf(
      ['a', 'b', 'c'],
      [
        [written(5n, 'a', { 'dlq-state': 'stale' }), written(6n, 'a', { 'dlq-state': 'retrying' })],
        [],
        [written(7n, 'z', { 'dlq-state': 'retrying' }), written(8n, 'b', { 'dlq-state': 'retrying' })],
        [written(9n, 'b', { 'dlq-code': 'ticket.too_deep' }), written(10n, 'a', { 'dlq-state': 'applied' })],
      ],
    );
    expect(outcomes).toEqual([
      ['b', 'failed', 'ticket.too_deep'],
      ['a', 'applied', undefined],
    ]);
    expect(left).toEqual(['c']);
  });

  it('comes later where the cluster is away for a moment, which is no hurry', async () => {
    const startedMs = performance.now();
    const { outcomes, asked } = await outcomesOf(
      ['a'],
      [
        [written(5n, 'a', { 'dlq-state': 'retrying' })],
        away('NOT_LEADER_FOR_PARTITION'),
        [written(6n, 'a', { 'dlq-state': 'applied' })],
      ],
    );
    expect(outcomes).toEqual([['a', 'applied', undefined]]);
    expect(asked).toEqual([5n, 6n]);
    expect(performance.now() - startedMs).toBeGreaterThan(500);
  });

  it('never comes where the topic was made again or cut, which is said', async () => {
    await expect(outcomesOf(['a'], [away('OFFSET_OUT_OF_RANGE')])).rejects.toMatchObject({
      code: 'config.invalid',
      message: `${TOPIC} was made again or cut`,
    });
  });
});
