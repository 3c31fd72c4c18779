/**
 * What publishing costs: against kafkajs by itself, in memory over a page of 1 GB, and at rest.
 *
 * Method: one broker; a server of pages from memory (1,000 tickets of about 4 KB, the simulator's), in a process of
 * its own. Seven rounds; in each, in turn, each in a process of its own and into topics of its own, 20 pages to warm
 * up and 40 timed: `page`, from the request to the commit with everything the producer does to a ticket; `raw`,
 * kafkajs as published over the same records, in as many transactions, one send each; `patched`, the same with our
 * patches (publish/page-way.ts). Ratio = rate of page / rate of raw, round by round; the median is quoted. Beside the rates stands the processor time of the
 * measured process for 1,000 tickets, which other work on the machine changes less.
 *
 * Then the producer process itself, with the flags of `npm run producer`: over one page of 1 GB, its peak resident
 * memory; and live at 10 requests a minute with nothing changing, its processor time over two minutes.
 */
import { type Bench, type BenchResult, median, rounded, type Say } from './bench.ts';
import { memoryOverPage } from './publish/large-page.ts';
import { cpuAtRest } from './publish/rest.ts';
import { runWay, startPageServer, type Way, type WayRun } from './publish/run-way.ts';
import { sampleTickets } from './publish/sample-tickets.ts';
import { type BenchKafka, withKafka } from './with-kafka.ts';

const ROUNDS = 7;
const WARM_UP_PAGES = 20;
const TIMED_PAGES = 40;
const LARGE_PAGE_MB = 1_000;
const RATIO_TARGET = 0.55;
const PEAK_RSS_MB_TARGET = 250;
const REST_PERCENT_TARGET = 0.5;

export const publish: Bench = {
  summary: `export page → committed against raw kafkajs; memory over ${LARGE_PAGE_MB} MB; processor at rest`,
  run: (say) => withKafka((at) => measure(at, say)),
};

async function measure({ dir, brokers }: BenchKafka, say: Say): Promise<BenchResult> {
  const samples = await sampleTickets();
  const { page, raw, patched } = await interleaved({ brokers, samples, say });
  const ratios = page.map(({ rate }, round) => rate / (raw[round]?.rate ?? Number.NaN));
  const memory = await memoryOverPage(dir, { brokers, samples, pageMb: LARGE_PAGE_MB });
  say(`page of ${Math.round(memory.pageMb)} MB: peak ${Math.round(memory.peakMb)} MB`);
  const rest = await cpuAtRest(dir, brokers);
  say(`at rest: ${rounded(rest.percent)} % of a core`);
  const ratio = rounded(median(ratios));
  const peakMb = Math.round(memory.peakMb);
  const percent = rounded(rest.percent);
  return {
    figures: {
      pagePerSecond: rateOf(page),
      rawPerSecond: rateOf(raw),
      patchedPerSecond: rateOf(patched),
      pageToRawRuns: ratios.map((each) => rounded(each)),
      pageCpuMsPerThousand: cpuOf(page),
      rawCpuMsPerThousand: cpuOf(raw),
      patchedCpuMsPerThousand: cpuOf(patched),
      largePageTickets: memory.tickets,
      largePageMb: Math.round(memory.pageMb),
      largePageRssMbAlong: tenOf(memory.samplesMb),
      restSeconds: Math.round(rest.seconds),
    },
    targets: {
      pageToRaw: { value: ratio, target: RATIO_TARGET, met: ratio >= RATIO_TARGET },
      peakRssMb: { value: peakMb, target: PEAK_RSS_MB_TARGET, met: peakMb <= PEAK_RSS_MB_TARGET },
      restPercent: { value: percent, target: REST_PERCENT_TARGET, met: percent <= REST_PERCENT_TARGET },
    },
  };
}

async function interleaved({
  brokers,
  samples,
  say,
}: {
  brokers: string;
  samples: Awaited<ReturnType<typeof sampleTickets>>;
  say: (line: string) => void;
}): Promise<Record<Way, WayRun[]>> {
  const server = await startPageServer({ samples, rounds: 1, lastSecond: Number.MAX_SAFE_INTEGER });
  const runs: Record<Way, WayRun[]> = { page: [], raw: [], patched: [] };
  const perPage = samples.length;
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      for (const way of ['page', 'raw', 'patched'] as const) {
        const run = await runWay(way, {
          ...{ brokers, topic: `${way}-${round}`, server: server.url, perPage },
          ...{ warmUp: WARM_UP_PAGES, pages: TIMED_PAGES },
        });
        runs[way].push(run);
        say(
          `round ${round}: ${way} ${Math.round(run.rate)}/s, ${Math.round(run.cpuMsPerThousand)} ms of processor a thousand`,
        );
      }
    }
    return runs;
  } finally {
    await server.stop();
  }
}

const rateOf = (runs: readonly WayRun[]): number => Math.round(median(runs.map(({ rate }) => rate)));
const cpuOf = (runs: readonly WayRun[]): number =>
  Math.round(median(runs.map(({ cpuMsPerThousand }) => cpuMsPerThousand)));

/** At most ten of them, evenly taken: the way memory went. */
function tenOf(values: readonly number[]): number[] {
  const step = Math.max(1, Math.ceil(values.length / 10));
  return values.filter((_, n) => n % step === 0);
}
