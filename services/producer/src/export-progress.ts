import type { ErrorCode } from '@ticket-stream/errors';

/** What the export tells about itself as it goes; plain numbers, read by status, metrics and supervisor. */
export interface ExportProgress {
  stage: 'starting' | 'backfill' | 'live' | 'ended';
  requests: number;
  pages: number;
  /** Of whole pages, decoded. */
  bytes: number;
  exported: number;
  published: number;
  repeated: number;
  deadLettered: number;
  /** Tickets fetched again because of a dead letter: in the log now, or a letter once more. Counted nowhere else. */
  lettersApplied: number;
  lettersFailed: number;
  /** Parsed of the page at work, not yet committed. */
  parsing: number;
  /** The latest `generated_timestamp` exported, epoch seconds. */
  newestSecond: number | undefined;
  /** As it is asked for now: less than wanted after pages that were too heavy. */
  perPage: number;
  waitingFor: string | undefined;
  readonly retries: Map<ErrorCode, number>;
}

export function createExportProgress(perPage: number): ExportProgress {
  return {
    stage: 'starting',
    requests: 0,
    pages: 0,
    bytes: 0,
    exported: 0,
    published: 0,
    repeated: 0,
    deadLettered: 0,
    lettersApplied: 0,
    lettersFailed: 0,
    parsing: 0,
    newestSecond: undefined,
    perPage,
    waitingFor: undefined,
    retries: new Map(),
  };
}
