import { expect, it } from 'vitest';
import { silentLogger } from './kafka-connection.ts';
import { insist } from './wait-for-cluster.ts';

it('every reason to wait is logged once, also one that comes later', async () => {
  const reasons = ['no broker', 'no leader', 'no broker'];
  const logged: string[] = [];
  const waiting = {
    logger: {
      ...silentLogger,
      warn: (context: object) => logged.push(String((context as { err: Error }).err)),
    },
    signal: new AbortController().signal,
  };
  const step = async () => {
    const reason = reasons.shift();
    if (reason !== undefined) throw new Error(reason);
    return 'done';
  };
  expect(await insist(waiting, 'asking', step)).toBe('done');
  expect(logged).toEqual(['TicketStreamError: asking: no broker', 'TicketStreamError: asking: no leader']);
});
