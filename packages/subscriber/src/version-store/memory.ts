import type { TicketVersion } from '@ticket-stream/ticket';
import { addBooks, type Books, emptyBooks } from '../books.ts';
import type { StoredPosition, VersionStore } from './version-store.ts';

/**
 * Versions for short runs and tests: gone with the process, so a restart reads from `from` again and applies again.
 * Grows with the number of tickets (some 200 bytes each); use SQLite for anything that stays.
 */
export function memoryVersionStore(): VersionStore {
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
    async record(step, effect) {
      await effect();
      for (const [id, version] of step.versions) versions.set(id, version);
      for (const position of step.positions) positions.set(position.partition, position);
      books = addBooks(books, step.books);
    },
    close() {},
  };
}
