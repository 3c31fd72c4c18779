/**
 * For `node --import`, into the producer: ends it by SIGKILL at the point of KILL_AT of a retry's way. A page's commits
 * go by the same points, so one counts from where a fetched ticket's own records are sent; the pages of the test that
 * uses it have none.
 */
import { subscribe } from 'node:diagnostics_channel';

const FETCHED = 'ticket-stream:letter:fetched';
const point = process.env['KILL_AT'] ?? '';
let fetched = false;
let sending = false;

subscribe(FETCHED, () => {
  fetched = true;
  if (point === FETCHED) process.kill(process.pid, 'SIGKILL');
});
subscribe('ticket-stream:send:start', () => {
  sending = fetched;
});
if (point !== FETCHED) {
  subscribe(point, () => {
    if (sending) process.kill(process.pid, 'SIGKILL');
  });
}
