/** Reports its progress for a while; started with an IPC channel by progress.test.ts. */
import { createProgressReporter } from '../src/index.ts';

let [asked, pages] = [0, 0];
const reporter = createProgressReporter(() => {
  asked += 1;
  // The same for the first five times it is asked, another page then; and one more that only the end tells of.
  if (asked === 6) pages = 1;
  return {
    service: 'producer',
    stage: 'backfill',
    pages,
    requests: 0,
    exported: 0,
    published: 0,
    repeated: 0,
    deadLettered: 0,
    positionSecond: undefined,
    nextOffsets: {},
    waitingFor: undefined,
  };
}, 5);

const watch = setInterval(() => {
  if (asked < 10) return;
  clearInterval(watch);
  pages = 2;
  reporter.stop();
  process.disconnect();
}, 1);
