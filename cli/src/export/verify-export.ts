/**
 * One comparison: the position is fixed, the export is walked, then the log is read to its stable end. In this order
 * everything that the walk showed at or before the position was committed before the log is read.
 */
import { type ExitCode, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { TICKET_BYTES_MAX } from '@ticket-stream/kafka';
import { type OptionValues, zendeskCredentials } from '@ticket-stream/service-kit';
import {
  createExportClient,
  createPacer,
  type ExportScope,
  type ExportState,
} from '@ticket-stream/zendesk-export';
import { type Cluster, type FoundCheckpoint, findCheckpoint, withCluster } from '../environment/cluster.ts';
import type { sourceOptions } from '../environment/command-options.ts';
import { type ComparisonStore, openComparisonStore } from './comparison-store.ts';
import { ExportReading } from './export-reading.ts';
import { lookForExtra } from './extra-tickets.ts';
import { readLetters, readVersions } from './log-comparison.ts';
import type { Grounds } from './verdict.ts';
import { showProgress, type VerifyProgress } from './verify-progress.ts';
import { isAtRisk, reportJson, reportText, tally } from './verify-report.ts';
import { samplePages, walkExport } from './verify-walk.ts';

export interface Verification {
  readonly options: OptionValues<typeof sourceOptions>;
  readonly requestsPerMinute: number;
  /** undefined: all of it. */
  readonly sample: { readonly pages: number; readonly seed: number } | undefined;
  readonly json: boolean;
  readonly signal: AbortSignal;
}

/** @returns 5 where the log lacks something that Zendesk shows, 0 otherwise */
export async function verifyExport(verification: Verification): Promise<ExitCode> {
  const { options, json } = verification;
  return withCluster(options, 'export', async (log) => {
    const found = await findCheckpoint(log);
    const ready = readyToCompare(found, verification, log.names.tickets);
    if (ready === undefined) {
      process.stdout.write(
        json
          ? `${JSON.stringify({ topic: log.names.tickets, compared: false })}\n`
          : `Nothing was exported to ${log.names.tickets} yet, so there is nothing to compare.\n`,
      );
      return exitCodes.done;
    }
    const store = openComparisonStore(options.DATA_DIR);
    try {
      return await compare(verification, log, ready, store);
    } finally {
      store.close();
    }
  });
}

interface Ready {
  readonly checkpoint: FoundCheckpoint['checkpoint'];
  readonly position: number;
}

/** @throws source.mismatch  the topic is another account's */
function readyToCompare(
  found: FoundCheckpoint | undefined,
  { options }: Verification,
  topic: string,
): Ready | undefined {
  if (found === undefined) return undefined;
  const { checkpoint } = found;
  const source = options.EXPORT_SOURCE ?? new URL(options.ZENDESK_URL).origin;
  if (checkpoint.source !== source) {
    throw new TicketStreamError(
      'source.mismatch',
      `${topic} holds the export of ${checkpoint.source}, not of ${source}`,
      { context: { topic, source } },
    );
  }
  const { position } = checkpoint.exportState;
  return position === undefined || position < options.START_TIME ? undefined : { checkpoint, position };
}

async function compare(
  verification: Verification,
  { reader, names }: Cluster,
  { checkpoint, position }: Ready,
  store: ComparisonStore,
): Promise<ExitCode> {
  const { options, sample, signal } = verification;
  const start = options.START_TIME;
  const progress: VerifyProgress = {
    phase: 'export',
    requests: 0,
    tickets: 0,
    records: 0,
    second: start,
    fraction: 0,
    waitingFor: undefined,
  };
  const scope = walkScope(checkpoint.exportState, start);
  const client = createExportClient({
    url: options.ZENDESK_URL,
    credentials: zendeskCredentials(options),
    view: { scope, include: [] },
  });
  const endProgress = showProgress(progress);
  try {
    const taker = {
      ...store,
      take: (ticket: Parameters<ComparisonStore['take']>[0]) => {
        progress.tickets++;
        store.take(ticket);
      },
    };
    const onRequest = (): void => {
      progress.requests++;
    };
    const reading = new ExportReading(
      {
        client,
        pacer: createPacer({ requestsPerMinute: verification.requestsPerMinute }),
        mode: options.EXPORT_MODE,
        perPage: options.EXPORT_PER_PAGE,
        delaySeconds: options.EXPORT_DELAY_SECONDS,
        ticketBytesMax: TICKET_BYTES_MAX,
        signal,
        onWaiting: (reason) => {
          progress.waitingFor = reason;
        },
        onRequest,
      },
      taker,
    );
    const onState = ({ next }: ExportState): void => {
      progress.second = next.startTime;
      progress.fraction =
        sample === undefined
          ? Math.min(1, (next.startTime - start) / Math.max(1, position - start))
          : progress.requests / sample.pages;
    };
    const asked = { mode: options.EXPORT_MODE, scope, start, position, onState };
    const walked = sample === undefined ? await walkExport(reading, asked) : undefined;
    if (sample !== undefined) await samplePages(reading, { ...asked, ...sample });

    progress.phase = 'topic';
    const log = {
      reader,
      signal,
      onRecords: (records: number) => {
        progress.records = records;
      },
    };
    const { nextOffsets } = checkpoint;
    const read = await readVersions(
      { ...log, topic: names.tickets, nextOffsets },
      store,
      sample === undefined ? 'all' : 'known',
    );
    await readLetters({ ...log, topic: names.deadLetters, onRecords: () => {} }, store);
    const grounds: Grounds = {
      position,
      start,
      reached: walked?.reached ?? -1,
      unreadSeconds: new Set(reading.unreadSeconds),
      state: checkpoint.exportState,
    };
    let settled = true;
    if (walked !== undefined) {
      progress.phase = 'settling';
      const { state } = walked;
      const delaySeconds = options.EXPORT_DELAY_SECONDS;
      const look = { reading, state, store, grounds, client, delaySeconds, signal, onState, onRequest };
      settled = await lookForExtra(look);
    }
    endProgress();
    const summary = {
      topic: names.tickets,
      source: checkpoint.source,
      mode: sample === undefined ? 'all' : 'sample',
      ...sample,
      from: start,
      until: position,
      requests: progress.requests,
      records: read.records,
      unreadableRecords: read.unreadable,
      unreadSeconds: reading.unreadSeconds,
      settled,
      ...tally(store, grounds),
    } as const;
    const write = verification.json ? reportJson : reportText;
    for (const piece of write(summary, store, grounds)) process.stdout.write(piece);
    return isAtRisk(summary) ? exitCodes.dataAtRisk : exitCodes.done;
  } finally {
    endProgress();
    await client.close();
  }
}

/**
 * Deleted tickets are always asked for: only so can one that is left out be told from one that should not be there.
 * Other support types only where the log may hold them, from before they were left out.
 */
function walkScope({ scope, hiddenSince }: ExportState, start: number): ExportScope {
  const narrowed = (['agent', 'ai_agent'] as const).some((what) => (hiddenSince[what] ?? 0) > start);
  return { excludeDeleted: false, supportTypes: narrowed ? 'all' : scope.supportTypes };
}
