import { TicketStreamError } from '@ticket-stream/errors';

/** What was asked for cannot be: said before anything is changed. */
export function refused(message: string, remedy: string): TicketStreamError {
  return new TicketStreamError('config.invalid', message, { remedy: `${remedy} Nothing was changed.` });
}
