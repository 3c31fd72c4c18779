/**
 * How fast an export page is read, and in how much memory.
 *
 * Method: a 100 MB page of 4 KB tickets in 64 KiB chunks, five rounds; in each, in turn and each in a process of its
 * own, our page stream, the same with sideloads (whose tickets wait on the disk), stream-json with a Node stream a stage and
 * as one chain, and JSON.parse of the whole page. × = MB/s of ours to that of stream-json (the target is against the
 * first of its two), round by round; the median is quoted. Each must have found as many tickets as the others. The CPU
 * time of the whole process is shown beside: on a machine that others use, it is the steadier figure.
 * Memory is the peak RSS of the process that parses, type stripping included, with the V8 options of the producer's npm
 * script; for its growth, pages of 4 MB and 1 GB, three rounds. `warm`: with Node's compile cache filled, which spares the
 * process the type stripper.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { serviceFlags } from '../../test/support/service-flags.ts';
import { type Bench, median, rounded } from './bench.ts';
import { type RunFigures, type WayName, wayNames } from './page-stream-run.ts';

const MEGABYTES = 100;
const ROUNDS = 5;
const SPEED_TARGET = 10;
const RSS_MB_TARGET = 100;
const GROWTH_TARGET = 1.3;
const SMALL_MB = 4;
const LARGE_MB = 1_000;
const MEMORY_ROUNDS = 3;

export const pageStream: Bench = {
  summary: `a ${MEGABYTES} MB page parsed: ours against stream-json's; memory up to 1 GB`,
  async run(say) {
    const runs: Record<WayName, RunFigures[]> = {
      ours: [],
      'ours-sideloads': [],
      'stream-json': [],
      'stream-json chain': [],
      'JSON.parse': [],
    };
    for (let round = 1; round <= ROUNDS; round++) {
      for (const way of wayNames) runs[way].push(await runApart(way, MEGABYTES));
      const found = new Set(wayNames.map((way) => runs[way].at(-1)?.tickets));
      if (found.size !== 1) throw new Error(`the ways found ${[...found].join(', ')} tickets`);
      const speeds = wayNames.map((way) => `${way} ${rounded(speedOf(runs[way].at(-1)), 1)} MB/s`);
      say(`round ${round}: ${speeds.join(', ')}`);
    }
    const small: number[] = [];
    const large: number[] = [];
    const warm: number[] = [];
    const cache = mkdtempSync(join(tmpdir(), 'ticket-stream-bench-cache-'));
    try {
      await runApart('ours', SMALL_MB, cache);
      for (let round = 1; round <= MEMORY_ROUNDS; round++) {
        small.push((await runApart('ours', SMALL_MB)).peakRssMb);
        large.push((await runApart('ours', LARGE_MB)).peakRssMb);
        warm.push((await runApart('ours', MEGABYTES, cache)).peakRssMb);
        say(
          `memory ${round}: ${[small, large, warm].map((each) => rounded(each.at(-1) ?? 0, 1)).join(', ')} MB (4 MB, 1 GB, warm)`,
        );
      }
    } finally {
      rmSync(cache, { recursive: true, force: true });
    }
    const times = (way: WayName, of: 'seconds' | 'cpuSeconds'): number =>
      rounded(median(runs.ours.map((ours, round) => (runs[way][round]?.[of] ?? Number.NaN) / ours[of])), 1);
    const speed = times('stream-json', 'seconds');
    const rss = rounded(median(runs.ours.map(({ peakRssMb }) => peakRssMb)), 1);
    const growth = rounded(median(large) / median(small));
    return {
      figures: {
        ...Object.fromEntries(
          wayNames.flatMap((way) => [
            [`${way} MB/s`, rounded(median(runs[way].map(speedOf)), 1)],
            [`${way} MB/s runs`, runs[way].map((figures) => rounded(speedOf(figures), 1))],
            [`${way} cpuSeconds`, rounded(median(runs[way].map(({ cpuSeconds }) => cpuSeconds)))],
            [`${way} peakRssMb`, rounded(median(runs[way].map(({ peakRssMb }) => peakRssMb)), 1)],
          ]),
        ),
        timesByCpu: times('stream-json', 'cpuSeconds'),
        timesStreamJsonChain: times('stream-json chain', 'seconds'),
        timesStreamJsonChainByCpu: times('stream-json chain', 'cpuSeconds'),
        peakRssMbRuns: runs.ours.map(({ peakRssMb }) => rounded(peakRssMb, 1)),
        peakRssMb4MbPage: rounded(median(small), 1),
        peakRssMb1GbPage: rounded(median(large), 1),
        peakRssMbWarm: rounded(median(warm), 1),
      },
      targets: {
        timesStreamJson: { value: speed, target: SPEED_TARGET, met: speed >= SPEED_TARGET },
        peakRssMb: { value: rss, target: RSS_MB_TARGET, met: rss <= RSS_MB_TARGET },
        rssGrowth4MbTo1Gb: { value: growth, target: GROWTH_TARGET, met: growth <= GROWTH_TARGET },
      },
    };
  },
};

function speedOf(figures: RunFigures | undefined): number {
  return MEGABYTES / (figures?.seconds ?? Number.NaN);
}

async function runApart(way: WayName, megabytes: number, compileCache?: string): Promise<RunFigures> {
  const script = fileURLToPath(new URL('./page-stream-run.ts', import.meta.url));
  const { NODE_COMPILE_CACHE: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...serviceFlags('producer'), script, way, String(megabytes)],
    {
      env:
        compileCache === undefined
          ? { ...env, NODE_DISABLE_COMPILE_CACHE: '1' }
          : { ...env, NODE_COMPILE_CACHE: compileCache },
    },
  );
  return JSON.parse(stdout) as RunFigures;
}
