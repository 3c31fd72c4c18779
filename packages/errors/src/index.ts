export { type Disposition, type ErrorCode, type ExitCode, errorTable, exitCodes } from './error-table.ts';
export {
  asTicketStreamError,
  type ErrorContext,
  isTicketStreamError,
  TicketStreamError,
} from './ticket-stream-error.ts';
