export { parseQuery } from './query-language/parse-query.ts';
export type { Query } from './query-language/query.ts';
export {
  type SearchAnswer,
  type SearchHit,
  type SearchIndex,
  type SearchOptions,
  type StoredTicket,
  searchLimitMax,
  type TicketReader,
} from './search-index.ts';
export { openSqliteIndex } from './sqlite/sqlite-index.ts';
export { openSqliteReader } from './sqlite/sqlite-reader.ts';
export { withStoredTickets } from './stored-tickets.ts';
