/**
 * For `node --expose-gc --import`: looks at its own process right after the commits of chosen pages, the garbage
 * collected, and adds a line of JSON to PROBE_FILE for each.
 */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, readdirSync, readlinkSync } from 'node:fs';

export interface Look {
  readonly page: number;
  readonly heapMb: number;
  /** Buffers outside of the heap. */
  readonly buffersMb: number;
  readonly rssMb: number;
  readonly sockets: number;
  readonly timers: number;
  /** Everything that keeps the process alive: timers, sockets, servers, requests under way. */
  readonly resources: number;
}

const file = process.env['PROBE_FILE'];
const pages = new Set((process.env['PROBE_PAGES'] ?? '').split(',').map(Number));
let page = 0;

subscribe('ticket-stream:commit:after', () => {
  page++;
  if (file === undefined || !pages.has(page)) return;
  // Twice: what finalizers let go in the first is free in the second.
  globalThis.gc?.();
  globalThis.gc?.();
  appendFileSync(file, `${JSON.stringify(look())}\n`);
});

function look(): Look {
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  const names = process.getActiveResourcesInfo();
  return {
    page,
    heapMb: heapUsed / 2 ** 20,
    buffersMb: arrayBuffers / 2 ** 20,
    rssMb: rss / 2 ** 20,
    sockets: readdirSync('/proc/self/fd').filter(isSocket).length,
    timers: names.filter((name) => name === 'Timeout').length,
    resources: names.length,
  };
}

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    return false; // the descriptor by which the folder was read
  }
}
