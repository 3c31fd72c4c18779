import { type Disposition, type ErrorCode, type ExitCode, errorTable, exitCodes } from './error-table.ts';

/**
 * What a person needs to find the place: ids, offsets, statuses, durations.
 * Never a token, a password or the text of a ticket: contexts are logged.
 */
export type ErrorContext = Readonly<Record<string, string | number | bigint | boolean | null | undefined>>;

interface ErrorOptions {
  readonly cause?: unknown;
  readonly context?: ErrorContext;
  /** Replaces the table's remedy where the place knows better, e.g. the exact command to run. */
  readonly remedy?: string;
}

/** The one error class. Adapters translate foreign errors to it at the border; inside, we ask for `code`. */
export class TicketStreamError extends Error {
  readonly code: ErrorCode;
  readonly context: ErrorContext;
  readonly remedy: string;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TicketStreamError';
    this.code = code;
    this.context = options.context ?? {};
    this.remedy = options.remedy ?? errorTable[code].remedy;
  }

  get disposition(): Disposition {
    return errorTable[this.code].disposition;
  }

  /** The exit code of a process that this error ends; 1 (a defect of ours) where the table names none. */
  get exitCode(): ExitCode {
    const entry = errorTable[this.code];
    return 'exitCode' in entry ? entry.exitCode : exitCodes.defect;
  }
}

export function isTicketStreamError(error: unknown, code?: ErrorCode): error is TicketStreamError {
  return error instanceof TicketStreamError && (code === undefined || error.code === code);
}

/** Anything thrown, as one of ours: what we did not foresee is a defect, with its cause kept. */
export function asTicketStreamError(error: unknown): TicketStreamError {
  if (error instanceof TicketStreamError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new TicketStreamError('internal.defect', message, { cause: error });
}
