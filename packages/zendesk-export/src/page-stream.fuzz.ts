/**
 * A long campaign against the page stream: no damaged page makes it crash, hang or grow, and where stream-json alone
 * accepts a page, it accepts it with the same content.
 *
 *   npm run fuzz -- --pages 1000000 --seed 7 [--offset 0] [--workers 2] [--oracle-every 10]
 *
 * A page is a function of the seed and its number (fuzzed-pages.ts): the same seed finds the same, `--offset` goes on
 * where a campaign was stopped (its last line says `resumeAt`), and `--offset N --pages 1` makes one page again.
 * Progress goes to stderr: a line that is rewritten on a terminal, otherwise a JSON line every 10 seconds. The last
 * line of stdout is one JSON object. Exit code 1 where anything was found.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { fuzzCorpus } from './fuzz/fuzz-corpus.ts';
import type { BlockOrder, BlockResult, Finding, Settings } from './fuzz/fuzz-worker.ts';
import { BLOCK_PAGES } from './fuzz/fuzzed-pages.ts';

/** Without a word from a worker for so long, a page hangs for good: a block takes seconds. */
const SILENCE_MS_MAX = 120_000;
/** Of a worker: the pages are some hundred KB, so what needs more grows. A worker that passes it dies, and that is a finding. */
const HEAP_LIMITS = { maxOldGenerationSizeMb: 128, maxYoungGenerationSizeMb: 16 };
/** Of the whole process; the larger part is fast-check, which makes the pages that are then damaged. */
const RSS_MB_MAX = 1_000;
const FINDINGS_MAX = 20;

async function campaign(): Promise<void> {
  const { values } = parseArgs({
    options: {
      pages: { type: 'string', default: '20000' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      offset: { type: 'string', default: '0' },
      workers: { type: 'string', default: '2' },
      'oracle-every': { type: 'string', default: '10' },
    },
  });
  const whole = (name: keyof typeof values, least: number): number => {
    const value = Number(values[name]);
    if (Number.isSafeInteger(value) && value >= least) return value;
    process.stderr.write(`--${name} is a whole number of at least ${least}, not ${values[name]}\n`);
    process.exit(2);
  };
  const firstPage = whole('offset', 0);
  const settings: Settings = {
    seed: whole('seed', 0),
    firstPage,
    endPage: firstPage + whole('pages', 1),
    oracleEvery: whole('oracle-every', 1),
    spillDir: mkdtempSync(join(tmpdir(), 'ticket-stream-fuzz-')),
  };
  const found = await new Campaign(settings).run(whole('workers', 1));
  rmSync(settings.spillDir, { recursive: true });
  process.exit(found ? 1 : 0);
}

/** Gives out blocks in order to workers that ask, and adds up what they bring back. */
class Campaign {
  readonly #settings: Settings;
  readonly #startMs = performance.now();
  readonly #endBlock: number;
  #nextBlock: number;
  readonly #open = new Set<number>();
  readonly #findings: Finding[] = [];
  readonly #refused: Record<string, number> = {};
  readonly #sums = {
    pages: 0,
    accepted: 0,
    unreadTickets: 0,
    compared: 0,
    bytes: 0,
    slowestCpuMs: 0,
    slowestPage: -1,
  };
  /** After each tenth of the campaign: memory that grows shows. */
  readonly #rssMb: number[] = [];
  /** After a block, garbage included. */
  #workerHeapMb = 0;
  #heardMs = performance.now();
  #saidMs = performance.now();
  #stopping: boolean = false;

  constructor(settings: Settings) {
    this.#settings = settings;
    this.#nextBlock = Math.floor(settings.firstPage / BLOCK_PAGES);
    this.#endBlock = Math.ceil(settings.endPage / BLOCK_PAGES);
  }

  /** @returns whether anything was found */
  async run(workers: number): Promise<boolean> {
    const stop = () => {
      this.#stopping = true;
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const watchdog = setInterval(() => {
      if (performance.now() - this.#heardMs < SILENCE_MS_MAX) return;
      this.#findings.push({ page: this.#resumeAt, what: `a page of blocks ${[...this.#open]} hangs` });
      this.#finish();
      process.exit(1);
    }, 1_000);
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
    clearInterval(watchdog);
    this.#finish();
    return this.#findings.length > 0;
  }

  async #work(): Promise<void> {
    const worker = new Worker(new URL('./fuzz/fuzz-worker.ts', import.meta.url), {
      workerData: this.#settings,
      resourceLimits: HEAP_LIMITS,
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    const next = () => {
      if (this.#stopping || this.#findings.length >= FINDINGS_MAX || this.#nextBlock >= this.#endBlock) {
        void worker.terminate().then(() => resolve());
        return;
      }
      const block = this.#nextBlock++;
      this.#open.add(block);
      // Made here: fast-check takes more memory than what is measured, and would take it in each worker.
      const order: BlockOrder = { block, corpus: fuzzCorpus(this.#settings.seed, block) };
      worker.postMessage(order);
    };
    worker.on('error', (error) => {
      this.#findings.push({
        page: this.#resumeAt,
        what: `a worker died in one of blocks ${[...this.#open]}: ${error}`,
      });
      this.#stopping = true;
      resolve();
    });
    worker.on('message', (result: BlockResult) => {
      this.#take(result);
      next();
    });
    next();
    await promise;
  }

  #take(result: BlockResult): void {
    this.#heardMs = performance.now();
    this.#open.delete(result.block);
    const sums = this.#sums;
    for (const name of ['pages', 'accepted', 'unreadTickets', 'compared', 'bytes'] as const)
      sums[name] += result[name];
    for (const [code, count] of Object.entries(result.refused)) {
      this.#refused[code] = (this.#refused[code] ?? 0) + count;
    }
    this.#workerHeapMb = Math.max(this.#workerHeapMb, result.heapMb);
    if (result.slowestCpuMs > sums.slowestCpuMs) {
      Object.assign(sums, { slowestCpuMs: result.slowestCpuMs, slowestPage: result.slowestPage });
    }
    this.#findings.push(...result.findings);
    const rssMb = Math.round(process.memoryUsage.rss() / 1e6);
    if (sums.pages >= ((this.#rssMb.length + 1) / 10) * this.#pagesWanted) this.#rssMb.push(rssMb);
    if (rssMb > RSS_MB_MAX) {
      this.#findings.push({ page: this.#resumeAt, what: `${rssMb} MB of memory` });
      this.#stopping = true;
    }
    this.#say(rssMb);
  }

  get #pagesWanted(): number {
    return this.#settings.endPage - this.#settings.firstPage;
  }

  /** Everything before this page was done. */
  get #resumeAt(): number {
    const block = Math.min(this.#nextBlock, ...this.#open);
    return Math.min(this.#settings.endPage, Math.max(this.#settings.firstPage, block * BLOCK_PAGES));
  }

  #say(rssMb: number): void {
    const nowMs = performance.now();
    const seconds = (nowMs - this.#startMs) / 1_000;
    if (nowMs - this.#saidMs < (process.stderr.isTTY ? 500 : 10_000) || seconds < 2) return;
    this.#saidMs = nowMs;
    const { pages } = this.#sums;
    const pagesPerSecond = Math.round(pages / seconds);
    const progress = {
      pages,
      of: this.#pagesWanted,
      pagesPerSecond,
      secondsLeft: Math.round((this.#pagesWanted - pages) / pagesPerSecond),
      rssMb,
      findings: this.#findings.length,
      resumeAt: this.#resumeAt,
    };
    if (!process.stderr.isTTY) {
      process.stderr.write(`${JSON.stringify(progress)}\n`);
      return;
    }
    const line = `${pages} of ${progress.of} pages, ${pagesPerSecond}/s, ${progress.secondsLeft} s left, ${rssMb} MB, ${progress.findings} found`;
    process.stderr.write(`\r\u001b[K${line}`);
  }

  #finish(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
    const { slowestCpuMs, bytes, ...sums } = this.#sums;
    const seconds = (performance.now() - this.#startMs) / 1_000;
    const result = {
      seed: this.#settings.seed,
      offset: this.#settings.firstPage,
      ...sums,
      refused: this.#refused,
      megabytes: Math.round(bytes / 1e6),
      slowestCpuMs: Math.round(slowestCpuMs),
      seconds: Math.round(seconds),
      peakRssMb: Math.round(process.resourceUsage().maxRSS / 1_000),
      workerHeapMbMax: Math.round(this.#workerHeapMb),
      rssMbByTenth: this.#rssMb,
      resumeAt: this.#resumeAt,
      findings: this.#findings,
    };
    process.stdout.write(`${JSON.stringify(result)}\n`);
  }
}

await campaign();
