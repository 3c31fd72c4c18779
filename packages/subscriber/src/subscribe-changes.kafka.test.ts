import type { TicketChange } from '@ticket-stream/ticket';
import { describe, expect, it } from 'vitest';
import { ticket } from './testing/log-record.ts';
import { testReadings } from './testing/reading.ts';
import { memoryVersionStore } from './version-store/memory.ts';

const { openLog, read } = testReadings();

describe('a change', () => {
  it('carries the ticket as it was before, also where that version came in the same batch', async () => {
    const log = await openLog('previous');
    await log.publish([ticket(1, 100, 'first'), ticket(2, 100, 'other'), ticket(1, 101, 'second')]);
    const kept = new Map<string, TicketChange['ticket']>();
    const versions = {
      ...memoryVersionStore(),
      readTickets: (ids: readonly string[]) => new Map([...kept].filter(([id]) => ids.includes(id))),
    };
    const told: unknown[] = [];
    const reading = await read(log, {
      versions,
      handle(changes) {
        for (const { ticketId, ticket, previous } of changes) {
          told.push([ticketId, previous?.['subject'], ticket['subject']]);
          kept.set(ticketId, ticket);
        }
      },
    });
    await expect.poll(() => told.length).toBe(3);
    await log.publish([ticket(1, 102, 'third')]);
    await expect
      .poll(() => told)
      .toEqual([
        ['1', undefined, 'first'],
        ['2', undefined, 'other'],
        ['1', 'first', 'second'],
        ['1', 'second', 'third'],
      ]);
    await reading.subscription.stop();
  });
});
