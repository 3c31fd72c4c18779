export {
  type Disposition,
  type ErrorCode,
  type ErrorContext,
  isTicketStreamError,
  TicketStreamError,
} from '@ticket-stream/errors';
export type { KafkaConnection, Logger, TlsSettings } from '@ticket-stream/kafka';
export {
  changedFields,
  type LogPlace,
  type Ticket,
  type TicketChange,
  type TicketVersion,
} from '@ticket-stream/ticket';
export { addBooks, type Books, booksBalance, emptyBooks } from './books.ts';
export { type ChangesOptions, changes } from './changes.ts';
export type { DeadLetterLimit } from './dead-letter-window.ts';
export { CannotApply, type HandlerErrorOptions, RetryLater } from './errors.ts';
export type { SubscriptionHealth } from './health.ts';
export type { ReadUntil } from './resolve-start.ts';
export type { StartFrom } from './start-offsets.ts';
export { type SubscribeOptions, type Subscription, subscribe } from './subscribe.ts';
export { memoryVersionStore } from './version-store/memory.ts';
export { sqliteVersionStore } from './version-store/sqlite.ts';
export type { LogGap, StoredPosition, StoreStep, VersionStore } from './version-store/version-store.ts';
