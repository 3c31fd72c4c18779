export { addBooks, type Books, booksBalance, emptyBooks } from './books.ts';
export type { StoredPosition, StoreStep, VersionStore } from './version-store/version-store.ts';
