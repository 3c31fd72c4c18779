// Another team's program, run in its own project: <brokers> <topic> <version store's file>. Reads to the end of the
// topic, refuses as its environment says, and prints what it saw. In JavaScript, for a Node that strips no types.
import { propagation, trace } from '@opentelemetry/api';
import {
  booksBalance,
  CannotApply,
  changes,
  isTicketStreamError,
  memoryVersionStore,
  RetryLater,
  sqliteVersionStore,
  subscribe,
} from '@ticket-stream/subscriber';

const [brokers = '', topic = '', path = ''] = process.argv.slice(2);
const place = { brokers: brokers.split(','), topic, group: `${topic}.team` };

// The application's own tracer: only an api package shared with the subscriber leads its spans here.
const links = [];
const span = { setAttributes() {}, setStatus() {}, recordException() {}, end() {} };
trace.setGlobalTracerProvider({
  getTracer: () => ({
    startActiveSpan(_name, options, work) {
      links.push(...options.links.map(({ context }) => context.traceId));
      return work(span);
    },
  }),
});

// As an SDK sets it; only what is asked for here.
propagation.setGlobalPropagator({
  inject() {},
  fields: () => ['traceparent'],
  extract(context, carrier, getter) {
    const [, traceId, spanId] = getter.get(carrier, 'traceparent')?.split('-') ?? [];
    return traceId === undefined
      ? context
      : trace.setSpanContext(context, { traceId, spanId, traceFlags: 1 });
  },
});

const applied = [];
const waits = [];
let refusals = 1;
const versions = sqliteVersionStore({ path });
const subscription = await subscribe({
  ...place,
  versions,
  until: 'end',
  onWaiting: (reason) => waits.push(reason),
  handle(batch) {
    if (batch.some(({ ticketId }) => ticketId === '13')) throw new CannotApply('thirteen is not for us');
    if (refusals-- > 0) throw new RetryLater('not now', { cause: new Error('503') });
    for (const { ticketId, version, traceId } of batch) applied.push([ticketId, version.stamp, traceId]);
  },
});
await subscription.done;
const books = subscription.books();
await versions.close();

const looped = [];
for await (const batch of changes({
  ...place,
  group: `${topic}.loop`,
  versions: memoryVersionStore(),
  until: 'end',
})) {
  looped.push(...batch.map(({ ticketId, version }) => [ticketId, version.stamp]));
}

let refused;
try {
  await subscribe({
    ...place,
    brokers: ['127.0.0.1:1'],
    versions: memoryVersionStore(),
    handle() {},
    signal: AbortSignal.timeout(500),
  });
} catch (error) {
  refused = isTicketStreamError(error) ? error.code : error.name;
}

process.stdout.write(
  JSON.stringify({
    node: process.version,
    applied,
    waits,
    books,
    balance: booksBalance(books),
    looped,
    links: [...new Set(links)],
    refused,
  }),
);
