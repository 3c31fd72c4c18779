/**
 * Output that may go into a pipe: waits for a slow reader, and takes a reader that went away (`tail | head`) for the
 * end of the work, not for an error.
 */
export interface PipedOutput {
  /** Aborted as soon as nobody reads any more. */
  readonly closed: AbortSignal;
  /** Resolves when there is room for more. */
  write(chunk: string | Uint8Array): Promise<void>;
}

export function pipedOutput(stream: NodeJS.WriteStream): PipedOutput {
  const closing = new AbortController();
  // Another error than EPIPE ends the process: main.ts.
  stream.on('error', () => closing.abort());
  return {
    closed: closing.signal,
    async write(chunk) {
      if (!closing.signal.aborted && !stream.write(chunk)) await drained(stream, closing.signal);
    },
  };
}

function drained(stream: NodeJS.WriteStream, closed: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      closed.removeEventListener('abort', done);
      resolve();
    };
    stream.on('drain', done);
    closed.addEventListener('abort', done);
    if (closed.aborted) done();
  });
}
