/** How many requests were made in the last 60 seconds, to the second: what the allowance is measured by. */
export interface RequestWindow {
  note(): void;
  /** In the 60 s before now. */
  lastMinute(): number;
}

const SECONDS = 60;

/** A count a second, not a time a request: bounded whatever the pace. */
export function createRequestWindow(nowMs: () => number): RequestWindow {
  const counts = new Array<number>(SECONDS).fill(0);
  let newest = Math.floor(nowMs() / 1000);

  /** Empties the places of the seconds that have gone by since. */
  function moveOn(): void {
    const second = Math.floor(nowMs() / 1000);
    for (let gone = Math.max(newest + 1, second - SECONDS + 1); gone <= second; gone++)
      counts[gone % SECONDS] = 0;
    newest = Math.max(newest, second);
  }

  return {
    note() {
      moveOn();
      counts[newest % SECONDS] = (counts[newest % SECONDS] ?? 0) + 1;
    },
    lastMinute() {
      moveOn();
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
}
