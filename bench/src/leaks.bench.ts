/**
 * What 10,000 pages leave behind: sockets, timers, memory.
 *
 * Method: the producer process with the flags of `npm run producer`, against the simulator (a still clock, 4 tickets a
 * page, requests not limited) and a broker of its own; every page is a transaction. Right after the commits of the ten
 * pages from 100 on and of the ten up to 10,000 the process looks at itself, its garbage collected (leaks/probe.ts).
 * Of each ten looks the lowest counts: a connection of undici or kafkajs may be opening or closing at any of them. Timers
 * are those that keep the process alive; what one of the others would hold shows in the heap.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DEFAULT_EMAIL, DEFAULT_TOKEN, startSimulator } from '@ticket-stream/zendesk-simulator';
import { type Bench, type BenchResult, rounded, type Say } from './bench.ts';
import type { Look } from './leaks/probe.ts';
import { MeasuredProducer } from './publish/measured-producer.ts';
import { type BenchKafka, withKafka } from './with-kafka.ts';

const EARLY_PAGE = 100;
const LATE_PAGE = 10_000;
const LOOKS = 10;
const PER_PAGE = 4;
/** A leak of 200 bytes a page would be seen. */
const GROWTH_MB_TARGET = 2;

export const leaks: Bench = {
  summary: `sockets, timers and memory after ${LATE_PAGE.toLocaleString('en')} pages against after ${EARLY_PAGE}`,
  run: (say) => withKafka((at) => measure(at, say)),
};

async function measure({ dir, brokers }: BenchKafka, say: Say): Promise<BenchResult> {
  const simulator = await startSimulator({
    dataDir: join(dir, 'simulator'),
    tickets: Math.ceil(LATE_PAGE * PER_PAGE * 1.2),
    seed: 3,
    frozen: true,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    liveChangesPerMinute: 0,
  });
  const file = join(dir, 'looks.jsonl');
  const producer = new MeasuredProducer(
    join(dir, 'producer'),
    {
      KAFKA_BROKERS: brokers,
      TICKETS_TOPIC: 'leaks',
      ZENDESK_URL: simulator.url,
      ZENDESK_EMAIL: DEFAULT_EMAIL,
      ZENDESK_API_TOKEN: DEFAULT_TOKEN,
      EXPORT_SOURCE: simulator.source,
      EXPORT_REQUESTS_PER_MINUTE: '6000',
      EXPORT_PER_PAGE: String(PER_PAGE),
      START_TIME: '1',
      PROBE_FILE: file,
      PROBE_PAGES: [...pagesFrom(EARLY_PAGE), ...pagesFrom(LATE_PAGE - LOOKS + 1)].join(','),
    },
    ['--expose-gc', '--import', fileURLToPath(new URL('./leaks/probe.ts', import.meta.url))],
  );
  try {
    let seen = 0;
    for (;;) {
      const looks = looksIn(file);
      if (looks.length > seen) say(`looked after page ${looks.at(-1)?.page}`);
      seen = looks.length;
      if (seen === 2 * LOOKS) return compared(looks.slice(0, LOOKS), looks.slice(LOOKS));
      if (!producer.running) throw new Error(`the producer ended:\n${producer.log.slice(-3_000)}`);
      await wait(1_000);
    }
  } finally {
    await producer.stop();
    await simulator.stop();
  }
}

const pagesFrom = (first: number): number[] => Array.from({ length: LOOKS }, (_, n) => first + n);

function looksIn(file: string): Look[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Look);
}

function compared(early: readonly Look[], late: readonly Look[]): BenchResult {
  const lowest = (looks: readonly Look[], of: (look: Look) => number): number => Math.min(...looks.map(of));
  const grown = (of: (look: Look) => number): number => rounded(lowest(late, of) - lowest(early, of));
  const timers = (look: Look): number => look.timers;
  const resources = (look: Look): number => look.resources;
  const most = (value: number, target: number) => ({ value, target, met: value <= target });
  const figuresOf = (looks: readonly Look[]): number[] =>
    [
      ({ heapMb }: Look) => heapMb,
      ({ buffersMb }: Look) => buffersMb,
      ({ rssMb }: Look) => rssMb,
      ({ sockets }: Look) => sockets,
      timers,
      resources,
    ].map((of) => rounded(lowest(looks, of)));
  return {
    figures: {
      // Heap MB, buffers MB, RSS MB, sockets, timers, all resources that keep the process alive.
      afterEarlyPages: figuresOf(early),
      afterLatePages: figuresOf(late),
      earlyPage: EARLY_PAGE,
      latePage: LATE_PAGE,
    },
    targets: {
      socketsGrown: most(
        grown(({ sockets }) => sockets),
        0,
      ),
      timersGrown: most(grown(timers), 0),
      resourcesGrown: most(grown(resources), 0),
      heapMbGrown: most(
        grown(({ heapMb }) => heapMb),
        GROWTH_MB_TARGET,
      ),
      buffersMbGrown: most(
        grown(({ buffersMb }) => buffersMb),
        GROWTH_MB_TARGET,
      ),
    },
  };
}
