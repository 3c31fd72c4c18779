/** How far a comparison is, on stderr: a line that redraws itself, or a line of JSON every few seconds. */
import { formatRfc3339Second } from '@ticket-stream/ticket';
import { createLogUpdate } from 'log-update';

export interface VerifyProgress {
  phase: 'export' | 'topic' | 'settling';
  requests: number;
  tickets: number;
  records: number;
  /** Where the walk is, epoch seconds. */
  second: number | undefined;
  /** Of the export, 0 to 1. */
  fraction: number;
  waitingFor: string | undefined;
}

const LINE_EVERY_MS = 5_000;
const REDRAW_EVERY_MS = 250;

/** @returns ends it; nothing of it stays on a terminal */
export function showProgress(progress: VerifyProgress): () => void {
  const { stderr } = process;
  if (stderr.isTTY !== true) {
    const timer = setInterval(() => {
      const { second, ...rest } = progress;
      const line = { at: new Date().toISOString(), ...rest, second: momentOf(second) };
      stderr.write(`${JSON.stringify(line)}\n`);
    }, LINE_EVERY_MS);
    return () => clearInterval(timer);
  }
  const update = createLogUpdate(stderr);
  const timer = setInterval(() => update(progressText(progress)), REDRAW_EVERY_MS);
  return () => {
    clearInterval(timer);
    update.clear();
    update.done();
  };
}

function progressText({
  phase,
  requests,
  tickets,
  records,
  second,
  fraction,
  waitingFor,
}: VerifyProgress): string {
  const number = (value: number): string => value.toLocaleString('en');
  const what = {
    export: `export ${momentOf(second) ?? ''} · ${Math.floor(fraction * 100)} %`,
    topic: `topic ${number(records)} records`,
    settling: 'what looks extra, once more',
  }[phase];
  const waits = waitingFor === undefined ? '' : ` · waiting for ${waitingFor}`;
  return `comparing: ${what} · ${number(tickets)} tickets · ${number(requests)} requests${waits}`;
}

function momentOf(second: number | undefined): string | undefined {
  return second === undefined ? undefined : formatRfc3339Second(second);
}
