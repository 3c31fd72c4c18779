/** A view that is looked at again and again, as `watch` does it; a cluster that is away for a while does not end it. */
import { setTimeout as wait } from 'node:timers/promises';
import { isTicketStreamError } from '@ticket-stream/errors';
import { firstLines, wrapLines } from '../text/terminal.ts';

export interface Watch {
  readonly look: () => Promise<string>;
  /** @param note  when the view was had, and what comes next */
  readonly draw: (view: string, note: string) => void;
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** @returns when aborted. @throws what a look throws, kafka.unavailable apart */
export async function watchView({ look, draw, everyMs, signal }: Watch): Promise<void> {
  let view = '';
  let seenAt = '';
  while (!signal.aborted) {
    const next = `again every ${everyMs / 1000} s; Ctrl-C ends it`;
    try {
      view = await look();
      seenAt = `${new Date().toISOString().slice(0, 19)}Z`;
      draw(view, `${seenAt}, ${next}`);
    } catch (error) {
      if (!isTicketStreamError(error, 'kafka.unavailable')) throw error;
      draw(view, `${seenAt}, now waiting for Kafka: ${error.message}; ${next}`);
    }
    await wait(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** The view from its heading on, as far as the terminal is high, and the note below it. */
export function onTerminal(
  view: string,
  note: string,
  { columns, rows }: { readonly columns: number; readonly rows: number },
): string {
  const below = wrapLines(note, columns);
  // An empty line above the note; the last line is the cursor's.
  const room = rows - below.split('\n').length - 2;
  return `${firstLines(wrapLines(view, columns), room)}\n\n${below}`;
}
