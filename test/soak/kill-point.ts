/**
 * For `node --import`, into the producer: writes down what its life did, synchronously, so that what stands in the
 * trace had happened before the process ended however it ended; and ends it by SIGKILL at one point of a page's way.
 *
 * - `SOAK_TRACE`          the file that this life appends its lines to (life-trace.ts reads them)
 * - `SOAK_KILL_AT`        a diagnostics channel; without it the process is left alone
 * - `SOAK_KILL_PASS`      so many times the point is let pass
 * - `SOAK_KILL_DELAY_MS`  the kill comes so much later: in the middle of what begins at the point
 * - `SOAK_KILL_BEFORE`    the channel that would be too late: then the next time is tried, after half the delay
 *
 * The line `killed` is written right before the signal, inside the point, so it proves that the point was hit.
 */
import { subscribe } from 'node:diagnostics_channel';
import { openSync, writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';

const { SOAK_TRACE, SOAK_KILL_AT, SOAK_KILL_BEFORE } = process.env;
const trace = openSync(SOAK_TRACE ?? '/dev/null', 'a');
let passesLeft = Number(process.env['SOAK_KILL_PASS'] ?? 0);
let delayMs = Number(process.env['SOAK_KILL_DELAY_MS'] ?? 0);

/** The number that the simulator gave the answer last received, and that of the page being worked on. */
let answered: number | undefined;
let page: number | undefined;
let parsing = false;
/** Records of that page are on their way. */
let sending = false;
/** Times that `SOAK_KILL_BEFORE` was passed. */
let tooLate = 0;

function write(point: string, fields: object = {}): void {
  writeSync(trace, `${JSON.stringify({ point, ...fields })}\n`);
}

function kill(point: string): void {
  write('killed', { at: point, page });
  process.kill(process.pid, 'SIGKILL');
}

function reached(point: string): void {
  if (point !== SOAK_KILL_AT || passesLeft < 0) return;
  if (passesLeft-- > 0) return;
  if (SOAK_KILL_BEFORE === undefined) kill(point);
  const passed = tooLate;
  setTimeout(() => {
    if (tooLate === passed) kill(point);
    passesLeft = 0;
    delayMs /= 2;
  }, delayMs);
}

interface Message {
  readonly sequence?: number;
  readonly records?: number;
  readonly perPage?: number;
  readonly tickets?: number;
}

/** What is to be written at a point; nothing where it writes for itself. */
const points: Readonly<Record<string, (message: Message) => object | undefined>> = {
  'ticket-stream:claim:before': ({ sequence }) => {
    // Written at a process's end, which never comes here: every life would compile everything again.
    flushCompileCache();
    return { sequence };
  },
  'ticket-stream:claim:after': ({ sequence }) => ({ sequence }),
  'ticket-stream:page:fetched': ({ perPage }) => {
    page = answered;
    parsing = false;
    sending = false;
    return { page, perPage };
  },
  'ticket-stream:page:parsing': ({ tickets = 0 }) => {
    if (parsing || tickets === 0) return undefined;
    parsing = true;
    return { page };
  },
  'ticket-stream:send:start': ({ records }) => {
    sending = true;
    return { page, records };
  },
  'ticket-stream:send:end': ({ records }) => ({ page, records }),
  'ticket-stream:commit:before': ({ sequence }) => ({ page, sequence }),
  'ticket-stream:commit:after': ({ sequence }) => {
    const committed = page;
    // A checkpoint alone may follow, with no page of its own.
    page = undefined;
    sending = false;
    return { page: committed, sequence };
  },
  'ticket-stream:doubt': ({ sequence }) => ({ page, sequence }),
  'ticket-stream:recovered': ({ sequence }) => {
    page = undefined;
    return { sequence };
  },
};

for (const [point, fieldsOf] of Object.entries(points)) {
  subscribe(point, (message) => {
    // A commit counts as a place to die at where it is a page's with records, not a checkpoint alone.
    const counts = !point.startsWith('ticket-stream:commit:') || sending;
    const fields = fieldsOf(message as Message);
    if (fields !== undefined) write(point, fields);
    if (point === SOAK_KILL_BEFORE) tooLate++;
    if (counts) reached(point);
  });
}

subscribe('undici:request:headers', (message) => {
  const { headers } = (message as { response: { headers: readonly Buffer[] } }).response;
  const at = headers.findIndex((name, index) => index % 2 === 0 && String(name) === 'x-simulator-page');
  answered = at === -1 ? undefined : Number(String(headers[at + 1]));
});
