import type { Ticket, TicketVersion } from '@ticket-stream/ticket';
import { addBooks, type Books, emptyBooks } from '../books.ts';
import type { StoredPosition, VersionStore } from './version-store.ts';

/**
 * Versions for short runs and tests: gone with the process, so a restart reads from `from` again and applies again.
 * Grows with the number of tickets (some 200 bytes each, and the tickets' own bytes where they are kept); use SQLite
 * for anything that stays.
 * @param options.keepTickets  keeps each ticket as well: changes come with `previous`
 */
export function memoryVersionStore(options: { readonly keepTickets?: boolean } = {}): VersionStore {
  const { keepTickets = false } = options;
  const values = new Map<string, Buffer>();
  const versions = new Map<string, TicketVersion>();
  const positions = new Map<number, StoredPosition>();
  let books: Books = emptyBooks;
  return {
    readPositions: () => [...positions.values()],
    readBooks: () => books,
    readVersions(ticketIds) {
      const found = new Map<string, TicketVersion>();
      for (const id of ticketIds) {
        const version = versions.get(id);
        if (version !== undefined) found.set(id, version);
      }
      return found;
    },
    ...(keepTickets
      ? {
          readTickets(ticketIds: readonly string[]) {
            const found = new Map<string, Ticket>();
            for (const id of ticketIds) {
              const value = values.get(id);
              if (value !== undefined) found.set(id, JSON.parse(value.toString('utf8')) as Ticket);
            }
            return found;
          },
        }
      : {}),
    async record(step, effect) {
      await effect();
      if (keepTickets) for (const [id, value] of step.values ?? []) values.set(id, value);
      for (const [id, version] of step.versions) versions.set(id, version);
      for (const position of step.positions) positions.set(position.partition, position);
      books = addBooks(books, step.books);
    },
    close() {},
  };
}
