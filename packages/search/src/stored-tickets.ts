import type { VersionStore } from '@ticket-stream/subscriber';
import type { Ticket } from '@ticket-stream/ticket';
import type { SearchIndex } from './search-index.ts';

/**
 * The index as a store that gives tickets back, for a subscription that compares with them (excludeSystemUpdates):
 * search itself needs no previous state, and without it no stored document is read and parsed.
 */
export function withStoredTickets(index: SearchIndex): VersionStore {
  return {
    readPositions: () => index.readPositions(),
    readBooks: () => index.readBooks(),
    readVersions: (ticketIds) => index.readVersions(ticketIds),
    async readTickets(ticketIds) {
      const found = new Map<string, Ticket>();
      for (const id of ticketIds) {
        const stored = await index.get(id);
        if (stored !== undefined) found.set(id, JSON.parse(stored.value.toString('utf8')) as Ticket);
      }
      return found;
    },
    record: (step, effect) => index.record(step, effect),
    close: () => index.close(),
  };
}
