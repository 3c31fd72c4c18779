/**
 * The whole way: export page → committed → searchable.
 *
 * Method: one broker and one simulator with a still clock (50,000 tickets of about 4 KB, 1,000 a page, requests not
 * limited). Five rounds; in each, in turn and each into topics of their own: A, the producer alone, from the
 * first tickets that it said it had published to its end; B, producer and search together, from the same moment until
 * search has stored the last checkpoint's offsets. What was published before that moment does not count.
 * Ratio = rate of B / rate of A, round by round; the median is quoted.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type Simulator,
  startSimulator,
} from '@ticket-stream/zendesk-simulator';
import { passed, ServiceProcess } from '../../test/support/service-process.ts';
import { type Bench, type BenchResult, median, rounded, type Say } from './bench.ts';
import { type BenchKafka, withKafka } from './with-kafka.ts';

const TICKETS = 50_000;
const ROUNDS = 5;
/** Both share two cores with the broker and the simulator: search must not make the way three times as long. */
const RATIO_TARGET = 0.35;

export const pipeline: Bench = {
  summary: `export page → committed → searchable, ${TICKETS.toLocaleString('en')} tickets`,
  run: (say) => withKafka((at) => measure(at, say)),
};

async function measure({ dir, brokers }: BenchKafka, say: Say): Promise<BenchResult> {
  const simulator = await startSimulator({
    dataDir: join(dir, 'simulator'),
    tickets: TICKETS,
    seed: 1,
    frozen: true,
    requestsPerMinute: Number.POSITIVE_INFINITY,
    delaySeconds: 2,
    liveChangesPerMinute: 0,
  });
  const at = { dir, brokers, simulator };
  const committed: number[] = [];
  const searchable: number[] = [];
  const rssMb: number[] = [];
  try {
    for (let round = 1; round <= ROUNDS; round++) {
      const alone = await once({ ...at, run: `a${round}`, withSearch: false });
      committed.push(alone.rate);
      const whole = await once({ ...at, run: `b${round}`, withSearch: true });
      searchable.push(whole.rate);
      rssMb.push(whole.producerRssMb);
      say(`round ${round}: committed ${Math.round(alone.rate)}/s, searchable ${Math.round(whole.rate)}/s`);
    }
  } finally {
    await simulator.stop();
  }
  const ratios = searchable.map((rate, round) => rate / (committed[round] ?? Number.NaN));
  const ratio = rounded(median(ratios));
  return {
    figures: {
      tickets: TICKETS,
      committedPerSecond: Math.round(median(committed)),
      searchablePerSecond: Math.round(median(searchable)),
      committedPerSecondRuns: committed.map(Math.round),
      searchablePerSecondRuns: searchable.map(Math.round),
      searchableToCommittedRuns: ratios.map((each) => rounded(each)),
      producerPeakRssMb: Math.round(median(rssMb)),
    },
    targets: { searchableToCommitted: { value: ratio, target: RATIO_TARGET, met: ratio >= RATIO_TARGET } },
  };
}

interface Run {
  readonly dir: string;
  readonly brokers: string;
  readonly simulator: Simulator;
  readonly run: string;
  readonly withSearch: boolean;
}

/** @returns tickets a second */
async function once({ dir, brokers, simulator, run, withSearch }: Run) {
  const dataDir = join(dir, run);
  const env = {
    KAFKA_BROKERS: brokers,
    TICKETS_TOPIC: `bench-${run}`,
    ZENDESK_URL: simulator.url,
    ZENDESK_EMAIL: DEFAULT_EMAIL,
    ZENDESK_API_TOKEN: DEFAULT_TOKEN,
    EXPORT_SOURCE: simulator.source,
    EXPORT_REQUESTS_PER_MINUTE: '6000',
    EXPORT_DELAY_SECONDS: '2',
    EXPORT_ONCE: 'true',
    START_TIME: '1',
    LOG_LEVEL: 'warn',
  };
  const producer = new ServiceProcess('producer', dataDir, env);
  const search = new ServiceProcess('search', dataDir, env);
  try {
    if (withSearch) {
      search.start();
      await search.until('up', () => search.url);
    }
    producer.start();
    const begun = await producer.until(
      'its first tickets',
      ({ published }) => published > 0 && { published, atMs: performance.now() },
    );
    const exitCode = await producer.stopped();
    if (exitCode !== 0)
      throw new Error(`the producer ended with ${exitCode}:\n${producer.log.slice(-2_000)}`);
    const targets = producer.progress?.nextOffsets ?? {};
    if (withSearch) await search.until('all stored', (progress) => passed(progress, targets), 300_000);
    const seconds = (performance.now() - begun.atMs) / 1_000;
    return { rate: (TICKETS - begun.published) / seconds, producerRssMb: producer.maxRssMb };
  } finally {
    await search.stop();
    await producer.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
