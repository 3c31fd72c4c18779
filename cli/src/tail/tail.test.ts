import { TicketStreamError } from '@ticket-stream/errors';
import type { LogReader } from '@ticket-stream/kafka';
import { describe, expect, it } from 'vitest';
import { tail } from './tail.ts';

const unavailable = (type?: string) =>
  new TicketStreamError('kafka.unavailable', 'connection refused', { context: { type } });

type Fetch = { readonly records: []; readonly positions: ReadonlyMap<number, bigint> };

/** Follows a topic as often as there are scripts; each is what a connection brings, an error at its end. */
async function follow(...scripts: readonly (readonly (Fetch | Error)[])[]) {
  const froms: ReadonlyMap<number, bigint>[] = [];
  const told: (string | undefined)[] = [];
  async function* followed(_topic: string, { from }: { from: ReadonlyMap<number, bigint> }) {
    froms.push(from);
    for (const step of scripts[froms.length - 1] ?? []) {
      if (step instanceof Error) throw step;
      yield step;
    }
  }
  const done = tail({
    reader: { follow: followed } as unknown as LogReader,
    topic: 'tickets',
    range: { from: new Map([[0, 3n]]), to: undefined },
    key: undefined,
    where: undefined,
    showsChanges: false,
    limit: Number.POSITIVE_INFINITY,
    signal: new AbortController().signal,
    show: async () => {},
    onProgress: () => {},
    onWaiting: (reason) => told.push(reason),
  });
  const failure = await done.then(
    () => undefined,
    (error: unknown) => error,
  );
  return { froms, told, failure };
}

const at = (offset: bigint): Fetch => ({ records: [], positions: new Map([[0, offset]]) });

describe('a tail whose cluster goes away', () => {
  it('waits, says so once and says when it is back, and goes on where it was', async () => {
    const { froms, told, failure } = await follow(
      [at(5n), unavailable()],
      [unavailable('REQUEST_TIMED_OUT')],
      [at(6n)],
    );
    expect(failure).toBeUndefined();
    expect(told).toEqual(['connection refused', undefined]);
    expect(froms.map((from) => from.get(0))).toEqual([3n, 5n, 5n]);
  });

  it('does not wait for an offset that is gone', async () => {
    const gone = unavailable('OFFSET_OUT_OF_RANGE');
    const { told, failure } = await follow([gone]);
    expect({ told, failure }).toEqual({ told: [], failure: gone });
  });
});
