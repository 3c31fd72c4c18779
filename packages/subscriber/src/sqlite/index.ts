/** For the stores of this project's sinks; other teams get none of it. */
export { storeError } from './sqlite-errors.ts';
export {
  ADD_TO_BOOKS,
  bookFigures,
  booksOf,
  packedTicket,
  unpackedTicket,
  type VersionRow,
  versionsOf,
} from './sqlite-rows.ts';
export { lockStore, type StoreLock } from './store-lock.ts';
