/** One line on a terminal that is written over as the work goes on; where nobody watches, nothing. */
export interface ProgressLine {
  show(text: string): void;
  /** Takes the line away; what is written next begins where it stood. */
  end(): void;
}

const INTERVAL_MS = 250;
const CLEAR = '\r\u001b[2K';

/** @param stream  stderr: what a command prints goes to stdout, and may be piped */
export function progressLine(stream: NodeJS.WriteStream): ProgressLine {
  if (stream.isTTY !== true) return { show() {}, end() {} };
  // What is over at once needs no line that flickers.
  let nextMs = performance.now() + INTERVAL_MS;
  let shown = false;
  return {
    show(text) {
      const nowMs = performance.now();
      if (nowMs < nextMs) return;
      nextMs = nowMs + INTERVAL_MS;
      shown = true;
      stream.write(`${CLEAR}${text.slice(0, Math.max(20, stream.columns - 1))}`);
    },
    end() {
      if (shown) stream.write(CLEAR);
      shown = false;
    },
  };
}
