import { TicketStreamError } from '@ticket-stream/errors';
import { expect, it } from 'vitest';
import { silentLogger } from './testing/tickets-log.ts';
import { createWaits, patiently } from './waits.ts';

it('a wait ends with the reason of the signal that ends it', async () => {
  const stopping = new AbortController();
  const enough = new Error('enough');
  const waiting = patiently(
    'connecting',
    () => Promise.reject(new TicketStreamError('kafka.unavailable', 'away')),
    {
      waits: createWaits(() => stopping.abort(enough)),
      logger: silentLogger,
      signal: stopping.signal,
    },
  );
  await expect(waiting).rejects.toBe(enough);
});
