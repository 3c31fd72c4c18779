/**
 * What consuming costs: `subscribe` against kafkajs by itself, and its memory over a million records.
 *
 * Method. A log of 1,000,000 records, each a ticket of its own of about 4 KB, written by the page publisher (zstd, 12
 * partitions). Five rounds; in each, in turn, each in a process and a group of its own, the first 200,000 records:
 * `raw`, kafkajs as published with an `eachBatch` that only counts; `memory` and `sqlite`, `subscribe` with that version
 * store, every record fresh, so that each is decoded, compared, parsed, handed over and recorded
 * (consume/consume-way.ts). Ratio = rate / rate of raw, round by round; medians are quoted. Then one run of `sqlite`
 * over all of them: resident memory at each 100,000.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Bench, type BenchResult, median, rounded, type Say } from './bench.ts';
import { sampleTickets } from './publish/sample-tickets.ts';
import { fillLog } from './replay/filled-log.ts';
import { type BenchKafka, withKafka } from './with-kafka.ts';

const ROUNDS = 5;
const RECORDS = Number(process.env['BENCH_RECORDS'] ?? 1_000_000);
const TIMED_RECORDS = RECORDS / 5;
const RATIO_TARGET = 0.25;
/** Last against first 100,000: what a process takes in its first seconds, and the noise of a heap's collections. */
const GROWTH_TARGET = 1.25;

const ways = ['raw', 'memory', 'sqlite'] as const;
type Way = (typeof ways)[number];

interface WayRun {
  readonly rate: number;
  readonly cpuMsPerThousand: number;
  readonly rssMb: readonly number[];
}

export const consume: Bench = {
  summary: 'decode, dedupe and hand over against raw kafkajs eachBatch; memory over 1,000,000 records',
  run: (say) => withKafka((at) => measure(at, say)),
};

async function measure({ dir, brokers }: BenchKafka, say: Say): Promise<BenchResult> {
  const at = { brokers, topic: 'consume' };
  const { log, records } = await fillLog(at, await sampleTickets(), { tickets: RECORDS });
  await log.close();
  say(`${records} records published`);
  const runOf = (way: Way, count: number) => runWay(way, { ...at, records: count, folder: dir });
  const runs: Record<Way, WayRun[]> = { raw: [], memory: [], sqlite: [] };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const way of ways) {
      const run = await runOf(way, TIMED_RECORDS);
      runs[way].push(run);
      say(
        `round ${round}: ${way} ${Math.round(run.rate)}/s, ${rounded(run.cpuMsPerThousand)} ms of processor a thousand`,
      );
    }
  }
  const { rssMb } = await runOf('sqlite', RECORDS);
  say(`resident along ${RECORDS} records: ${rssMb.join(' ')} MB`);
  const growth = rounded((rssMb.at(-1) ?? Number.NaN) / (rssMb[0] ?? Number.NaN));
  const ratiosOf = (way: Way) => runs[way].map(({ rate }, n) => rate / (runs.raw[n]?.rate ?? Number.NaN));
  const figuresOf = (way: Way) => ({
    [`${way}PerSecond`]: Math.round(median(runs[way].map(({ rate }) => rate))),
    [`${way}CpuMsPerThousand`]: rounded(median(runs[way].map((run) => run.cpuMsPerThousand))),
  });
  const ratioOf = (way: Way) => {
    const value = rounded(median(ratiosOf(way)));
    return { value, target: RATIO_TARGET, met: value >= RATIO_TARGET };
  };
  return {
    figures: {
      records: TIMED_RECORDS,
      ...figuresOf('raw'),
      ...figuresOf('memory'),
      ...figuresOf('sqlite'),
      memoryToRawRuns: ratiosOf('memory').map((each) => rounded(each)),
      sqliteToRawRuns: ratiosOf('sqlite').map((each) => rounded(each)),
      sqliteRssMbAlong: rssMb,
    },
    targets: {
      memoryToRaw: ratioOf('memory'),
      sqliteToRaw: ratioOf('sqlite'),
      rssGrowth: { value: growth, target: GROWTH_TARGET, met: growth <= GROWTH_TARGET },
    },
  };
}

async function runWay(
  way: Way,
  at: { brokers: string; topic: string; records: number; folder: string },
): Promise<WayRun> {
  const { stdout } = await promisify(execFile)(process.execPath, [
    fileURLToPath(new URL('./consume/consume-way.ts', import.meta.url)),
    ...[way, at.brokers, at.topic, String(at.records), at.folder],
  ]);
  return JSON.parse(stdout) as WayRun;
}
