// For `node --import`: ends this process by SIGKILL inside the point of KILL_AT (a diagnostics channel), at its
// KILL_AT_COUNTth time.
import { subscribe } from 'node:diagnostics_channel';

const point = process.env['KILL_AT'];
let left = Number(process.env['KILL_AT_COUNT'] ?? 1);
if (point !== undefined) {
  subscribe(point, () => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL');
  });
}
