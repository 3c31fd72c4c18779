export { addBooks, type Books, booksBalance, emptyBooks } from './books.ts';
export type { StartFrom } from './start-offsets.ts';
export { type SubscribeOptions, type Subscription, subscribe } from './subscribe.ts';
export { memoryVersionStore } from './version-store/memory.ts';
export { sqliteVersionStore } from './version-store/sqlite.ts';
export type { StoredPosition, StoreStep, VersionStore } from './version-store/version-store.ts';
