import { constants } from 'node:os';

/** Work that Ctrl-C or a SIGTERM ended before it had a result. */
export class Interrupted extends Error {
  /** As a shell has it for a process that a signal ended. */
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals, cause: unknown) {
    super(`stopped by ${signal}`, { cause });
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Runs work that Ctrl-C or a SIGTERM aborts; a second one ends the process at once, as without us.
 * @throws Interrupted  instead of the AbortError of work that has no answer to being aborted
 */
export async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
    stoppedBy = signal;
    stop.abort(new DOMException(`stopped by ${signal}`, 'AbortError'));
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  try {
    return await work(stop.signal);
  } catch (error) {
    const isAbort = error instanceof Error && error.name === 'AbortError';
    if (stoppedBy !== undefined && isAbort) throw new Interrupted(stoppedBy, error);
    throw error;
  } finally {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}
