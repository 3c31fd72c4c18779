export { ticketDigest } from './digest.ts';
export { embedSideloads, withoutEmbedded } from './embedded-sideloads.ts';
export { type IdentifiedTicket, identifyTicket, isTicketId, type Ticket, ticketId } from './ticket.ts';
export { changedFields, type TicketChange, ticketChange } from './ticket-change.ts';
export {
  decodeEvent,
  encodeEventHeaders,
  eventId,
  eventTypes,
  type RawHeaders,
  type TicketEvent,
} from './ticket-event.ts';
export { compareToStored, type Freshness, type LogPlace, type TicketVersion } from './ticket-version.ts';
export {
  deriveUpdatedStamp,
  formatRfc3339Second,
  parseRfc3339Second,
  type StampFields,
  usableSecond,
} from './updated-stamp.ts';
