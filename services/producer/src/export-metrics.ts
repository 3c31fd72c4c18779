/**
 * The producer's metrics: read from the numbers the loop keeps anyway, when somebody asks.
 * docs/reference/metrics.md is written from these tables.
 */
import { type ErrorCode, errorTable } from '@ticket-stream/errors';
import { type MetricTable, registerMetrics, type WaitCause } from '@ticket-stream/service-kit';
import type { Boundary, PageVerdict } from '@ticket-stream/zendesk-export';

const ERROR_CODES = 'code of the error table';

export const exportMetrics = {
  'ticket_stream.export.lag': {
    kind: 'gauge',
    unit: 's',
    text: 'Now less the generated_timestamp of the last ticket exported. Grows through a quiet night; position.age does not.',
  },
  'ticket_stream.export.position.age': {
    kind: 'gauge',
    unit: 's',
    text: 'Now less the second up to which the export is complete in Kafka. Never below the delay of the export.',
  },
  'ticket_stream.export.progress.age': {
    kind: 'gauge',
    unit: 's',
    text: 'Since a ticket was last parsed or a page answered.',
  },
  'ticket_stream.export.transaction.age': {
    kind: 'gauge',
    unit: 's',
    text: 'Since the open transaction began; 0 while none is open. Readers of committed records wait for it.',
  },
  'ticket_stream.export.pages': {
    kind: 'counter',
    unit: '{page}',
    text: 'Pages read to their end and accepted.',
  },
  'ticket_stream.export.requests': {
    kind: 'counter',
    unit: '{request}',
    text: 'Requests for pages, answered or not.',
  },
  'ticket_stream.export.tickets': {
    kind: 'counter',
    unit: '{ticket}',
    text: 'Tickets of accepted pages, by what became of them.',
    labels: { outcome: '`published`, `repeated` (in the log already), `dead_lettered`' },
  },
  'ticket_stream.export.letters': {
    kind: 'counter',
    unit: '{letter}',
    text: 'Tickets fetched again because of a dead letter, by what became of them.',
    labels: { outcome: '`applied` (in the log), `dead_lettered` (a letter once more)' },
  },
  'ticket_stream.export.bytes': { kind: 'counter', unit: 'By', text: 'Bytes of pages parsed, decompressed.' },
  'ticket_stream.export.retries': {
    kind: 'counter',
    unit: '{retry}',
    text: 'Attempts at a page that failed and were made again.',
    labels: { 'error.type': ERROR_CODES },
  },
  'ticket_stream.export.rate_limited': {
    kind: 'counter',
    unit: '{response}',
    text: 'Answers 429. The pace never causes one: somebody else uses the same allowance.',
  },
  'ticket_stream.export.waits': {
    kind: 'counter',
    unit: 's',
    text: 'Time in which no page was asked for, by cause.',
    labels: {
      cause:
        '`pace` (its turn had not come), `rate_limit` (429), `zendesk` (backoff), `kafka` (away, or in doubt)',
    },
  },
  'ticket_stream.export.allowance.used': {
    kind: 'gauge',
    unit: '1',
    text: 'Requests of the last 60 s as a share of those allowed.',
  },
  'ticket_stream.export.gaps': {
    kind: 'gauge',
    unit: '{gap}',
    text: 'Gaps accepted by a person and on record in the checkpoint.',
  },
  'ticket_stream.export.boundary.entries': {
    kind: 'gauge',
    unit: '{entry}',
    text: "Tickets by which the export's own repeats are known; 20,000 at most.",
  },
  'ticket_stream.export.boundary.overflowed': {
    kind: 'gauge',
    unit: '{overflow}',
    text: '1 while there were too many of them: repeats of this second are published again.',
  },
  'ticket_stream.export.per_page': {
    kind: 'gauge',
    unit: '{ticket}',
    text: 'Tickets a page as asked for now; less than EXPORT_PER_PAGE after pages that came too slowly.',
  },
  'ticket_stream.export.page.duration': {
    kind: 'histogram',
    unit: 's',
    text: 'From the request to the commit; waits for the turn are not in it.',
    labels: { verdict: '`advanced`, `caught_up`, `ask_again`, `stuck`, `uncounted`, `failed`' },
    bounds: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
  },
  'http.client.request.duration': {
    kind: 'histogram',
    unit: 's',
    text: "From the request to the response's head.",
    labels: {
      'http.request.method': '`GET`',
      'server.address': 'host of ZENDESK_URL',
      'server.port': 'its port',
      'http.response.status_code': 'where there was an answer',
      'error.type': `${ERROR_CODES}, where it failed`,
    },
    // The boundaries that the semantic conventions give.
    bounds: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  },
  'messaging.client.sent.messages': {
    kind: 'counter',
    unit: '{message}',
    text: 'Records in committed transactions, checkpoints left out.',
    labels: {
      'messaging.system.name': '`kafka`',
      'messaging.operation.name': '`send`',
      'messaging.destination.name': 'the tickets topic, or that of its dead letters',
    },
  },
} as const satisfies MetricTable;

const retriedCodes = (Object.keys(errorTable) as ErrorCode[]).filter(
  (code) => errorTable[code].disposition === 'retry' && /^(zendesk|kafka|spill)\./.test(code),
);

/** What the loop counts since the start of the process. */
interface ExportCounts {
  readonly pages: number;
  readonly requests: number;
  readonly published: number;
  readonly repeated: number;
  readonly deadLettered: number;
  readonly lettersApplied: number;
  readonly lettersFailed: number;
  readonly bytes: number;
}

/** Asked at each scrape only; undefined: not known yet, and not shown. */
export interface ExportMetricSources {
  readonly counts: () => ExportCounts;
  /** Epoch seconds. */
  readonly lastGeneratedSecond: () => number | undefined;
  /** Epoch seconds. */
  readonly positionSecond: () => number | undefined;
  readonly secondsSinceMoved: () => number;
  /** undefined: none is open. */
  readonly transactionOpenSeconds: () => number | undefined;
  readonly retries: () => ReadonlyMap<ErrorCode, number>;
  readonly waitedSeconds: () => Readonly<Record<WaitCause, number>>;
  readonly requestsLastMinute: () => number;
  readonly requestsAllowed: number;
  readonly gapsAccepted: () => number | undefined;
  readonly boundary: () => Boundary | undefined;
  readonly perPage: () => number;
  readonly topics: { readonly tickets: string; readonly deadLetters: string };
  readonly zendeskUrl: string;
  /** The wall clock, epoch seconds. */
  readonly nowSecond?: () => number;
}

export interface ExportRecorder {
  /** @param verdict  `failed`: it threw */
  pageEnded(seconds: number, verdict: PageVerdict | 'uncounted' | 'failed'): void;
  requestEnded(seconds: number, answer: { readonly status?: number; readonly errorCode?: ErrorCode }): void;
}

/** Once, before the loop begins. */
export function registerExportMetrics(sources: ExportMetricSources): ExportRecorder {
  const { counts, nowSecond = () => Date.now() / 1000 } = sources;
  const ageOf = (second: number | undefined): number | undefined =>
    // Zendesk's clock may be ahead of ours.
    second === undefined ? undefined : Math.max(0, nowSecond() - second);
  const recorder = registerMetrics('@ticket-stream/producer', exportMetrics, {
    'ticket_stream.export.lag': () => ageOf(sources.lastGeneratedSecond()),
    'ticket_stream.export.position.age': () => ageOf(sources.positionSecond()),
    'ticket_stream.export.progress.age': sources.secondsSinceMoved,
    'ticket_stream.export.transaction.age': () => sources.transactionOpenSeconds() ?? 0,
    'ticket_stream.export.pages': () => counts().pages,
    'ticket_stream.export.requests': () => counts().requests,
    'ticket_stream.export.tickets': () => [
      [counts().published, { outcome: 'published' }],
      [counts().repeated, { outcome: 'repeated' }],
      [counts().deadLettered, { outcome: 'dead_lettered' }],
    ],
    'ticket_stream.export.letters': () => [
      [counts().lettersApplied, { outcome: 'applied' }],
      [counts().lettersFailed, { outcome: 'dead_lettered' }],
    ],
    'ticket_stream.export.bytes': () => counts().bytes,
    // Those that never happened as 0: a counter that appears with its first error has no increase to alert on.
    'ticket_stream.export.retries': () =>
      retriedCodes.map((code) => [sources.retries().get(code) ?? 0, { 'error.type': code }]),
    'ticket_stream.export.rate_limited': () => sources.retries().get('zendesk.rate_limited') ?? 0,
    'ticket_stream.export.waits': () =>
      Object.entries(sources.waitedSeconds()).map(([cause, seconds]) => [seconds, { cause }]),
    'ticket_stream.export.allowance.used': () => sources.requestsLastMinute() / sources.requestsAllowed,
    'ticket_stream.export.gaps': sources.gapsAccepted,
    'ticket_stream.export.boundary.entries': () => {
      const boundary = sources.boundary();
      return boundary === undefined ? undefined : Object.keys(boundary.digests).length;
    },
    'ticket_stream.export.boundary.overflowed': () => {
      const boundary = sources.boundary();
      return boundary === undefined ? undefined : Number(boundary.overflowed);
    },
    'ticket_stream.export.per_page': sources.perPage,
    'messaging.client.sent.messages': () => {
      const { published, deadLettered, lettersApplied, lettersFailed } = counts();
      const { tickets, deadLetters } = sources.topics;
      return [
        [published + lettersApplied, sentTo(tickets)],
        // Of one that was applied, the record that says so.
        [deadLettered + lettersApplied + lettersFailed, sentTo(deadLetters)],
      ];
    },
  });
  const request = requestLabels(sources.zendeskUrl);
  return {
    pageEnded: (seconds, verdict) =>
      recorder.record('ticket_stream.export.page.duration', seconds, { verdict }),
    requestEnded: (seconds, { status, errorCode }) =>
      recorder.record('http.client.request.duration', seconds, {
        ...request,
        ...(status === undefined ? {} : { 'http.response.status_code': status }),
        ...(errorCode === undefined ? {} : { 'error.type': errorCode }),
      }),
  };
}

function sentTo(topic: string): Record<string, string> {
  return {
    'messaging.system.name': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.destination.name': topic,
  };
}

function requestLabels(url: string): Record<string, string | number> {
  const { hostname, port, protocol } = new URL(url);
  return {
    'http.request.method': 'GET',
    'server.address': hostname,
    'server.port': Number(port || (protocol === 'https:' ? 443 : 80)),
  };
}
