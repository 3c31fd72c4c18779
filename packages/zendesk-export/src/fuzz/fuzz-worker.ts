import { parentPort, workerData } from 'node:worker_threads';
import { isTicketStreamError } from '@ticket-stream/errors';
import { disagreement, outcomeOf, reusing } from '../page-agreement.ts';
import { streamPageWithSideloads } from '../sideloads/sideload-stream.ts';
import { BLOCK_PAGES, type FuzzCorpus, type FuzzedPage, FuzzedPages } from './fuzzed-pages.ts';

/**
 * A page that takes longer hangs. Its own time on a core, so that a busy machine is no finding; one that waits for ever
 * shows as a worker that falls silent.
 */
const PAGE_CPU_MS_MAX = 1_000;

export interface Settings {
  readonly seed: number;
  readonly firstPage: number;
  readonly endPage: number;
  readonly oracleEvery: number;
  readonly spillDir: string;
}

export interface Finding {
  readonly page: number;
  readonly what: string;
}

export interface BlockResult {
  readonly block: number;
  readonly pages: number;
  readonly accepted: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly unreadTickets: number;
  readonly compared: number;
  readonly bytes: number;
  readonly slowestCpuMs: number;
  readonly heapMb: number;
  readonly slowestPage: number;
  readonly findings: readonly Finding[];
}

export interface BlockOrder {
  readonly block: number;
  readonly corpus: FuzzCorpus;
}

async function runBlock(settings: Settings, { block, corpus }: BlockOrder): Promise<BlockResult> {
  const fuzzed = new FuzzedPages(settings.seed, block, corpus);
  const refused: Record<string, number> = {};
  const findings: Finding[] = [];
  const sums = {
    pages: 0,
    accepted: 0,
    unreadTickets: 0,
    compared: 0,
    bytes: 0,
    slowestCpuMs: 0,
    slowestPage: -1,
  };
  for (let index = 0; index < BLOCK_PAGES; index++) {
    const number = block * BLOCK_PAGES + index;
    if (number < settings.firstPage || number >= settings.endPage) continue;
    const page = fuzzed.page(index);
    const startMs = cpuMs();
    try {
      const outcome = await outcomeOf(page.chunks, page.request);
      if ('refused' in outcome) refused[outcome.refused.code] = (refused[outcome.refused.code] ?? 0) + 1;
      else sums.accepted++;
      if (!('refused' in outcome))
        sums.unreadTickets += outcome.slices.filter(({ kind }) => kind === 'unread').length;
      // The whole way with sideloads must end as the page does.
      const embedded =
        page.request.lifted.length === 0 ? undefined : await embeddedRefusal(page, settings.spillDir);
      const expected = 'refused' in outcome ? outcome.refused.code : undefined;
      if (page.request.lifted.length > 0 && embedded !== expected) {
        findings.push({
          page: number,
          what: `with sideloads ${embedded ?? 'accepted'}, without ${expected ?? 'accepted'}`,
        });
      }
      const ms = cpuMs() - startMs;
      if (ms > sums.slowestCpuMs) Object.assign(sums, { slowestCpuMs: ms, slowestPage: number });
      if (ms > PAGE_CPU_MS_MAX) findings.push({ page: number, what: `took ${Math.round(ms)} ms` });
      if (page.unlimited && number % settings.oracleEvery === 0) {
        sums.compared++;
        const difference = disagreement(outcome, page.chunks, page.request);
        if (difference !== undefined) findings.push({ page: number, what: difference.slice(0, 500) });
      }
    } catch (error) {
      findings.push({ page: number, what: `threw ${String(error)}` });
    }
    sums.pages++;
    sums.bytes += page.bytes.length;
  }
  const { heapUsed, external } = process.memoryUsage();
  return { block, ...sums, heapMb: (heapUsed + external) / 1e6, refused, findings };
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** @returns the code it was refused with; undefined where it was accepted */
async function embeddedRefusal(page: FuzzedPage, spillDir: string): Promise<string | undefined> {
  const { mode, lifted, limits } = page.request;
  try {
    const slices = streamPageWithSideloads(reusing(page.chunks), limits, { mode, include: lifted, spillDir });
    for await (const batch of slices) {
      for (const slice of batch)
        if (slice.embedded !== undefined) JSON.parse(slice.embedded.toString('utf8'));
    }
    return undefined;
  } catch (error) {
    if (!isTicketStreamError(error)) throw error;
    return error.code;
  }
}

// Most pages are refused: their stacks are a third of the time and nobody reads them.
Error.stackTraceLimit = 0;
parentPort?.on('message', (order: BlockOrder) => {
  void runBlock(workerData as Settings, order).then((result) => parentPort?.postMessage(result));
});
