/**
 * How much of Zendesk's allowance a backfill uses, and whether it is ever the cause of a 429.
 *
 * Method: the producer process as `npm run producer` starts it, 10 requests a minute in real time, against the
 * simulator with Zendesk's own limit: 10 in any 60 s, the strictest reading of "a minute" (a window that slides).
 * 1. *Alone*, for ALLOWANCE_MINUTES (21) minutes of a backfill that is longer: the requests that arrived after the
 *    first, over those that the time between the first and the last allowed; and the 429s, all of which the producer
 *    itself would have caused.
 * 2. *Not alone*: for a minute somebody else takes every request of the same allowance as it comes free. The producer
 *    gets 429s, waits each of them out as it is told, and goes on at its pace when it is alone again.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { DEFAULT_EMAIL, DEFAULT_TOKEN, startSimulator } from '@ticket-stream/zendesk-simulator';
import { type Bench, type BenchResult, rounded, type Say } from './bench.ts';
import { MeasuredProducer } from './publish/measured-producer.ts';
import { type BenchKafka, withKafka } from './with-kafka.ts';

const REQUESTS_PER_MINUTE = 10;
const PER_PAGE = 50;
const MINUTES = Number(process.env['ALLOWANCE_MINUTES'] ?? 21);
const GREEDY_MS = 70_000;
const GREEDY_EVERY_MS = 150;
/** Alone again: the wait that it was told last, at most a minute, and a few pages more. */
const AFTERWARDS_MS = 120_000;
const REFUSALS_MAX = 20;
const PAGES_AFTER = 8;
const SAY_EVERY_MS = 15_000;

export const allowance: Bench = {
  summary: `the share of ${REQUESTS_PER_MINUTE} requests a minute that a backfill uses, and its 429s; ${MINUTES + 4} minutes`,
  run: (say) => withKafka((at) => measure(at, say)),
};

async function measure({ dir, brokers }: BenchKafka, say: Say): Promise<BenchResult> {
  const simulator = await startSimulator({
    dataDir: join(dir, 'simulator'),
    tickets: Math.ceil((MINUTES + 5) * REQUESTS_PER_MINUTE * PER_PAGE * 1.1),
    seed: 5,
    frozen: true,
    requestsPerMinute: REQUESTS_PER_MINUTE,
    liveChangesPerMinute: 0,
  });
  const producer = new MeasuredProducer(join(dir, 'producer'), {
    KAFKA_BROKERS: brokers,
    TICKETS_TOPIC: 'allowance',
    ZENDESK_URL: simulator.url,
    ZENDESK_EMAIL: DEFAULT_EMAIL,
    ZENDESK_API_TOKEN: DEFAULT_TOKEN,
    EXPORT_SOURCE: simulator.source,
    EXPORT_REQUESTS_PER_MINUTE: String(REQUESTS_PER_MINUTE),
    EXPORT_PER_PAGE: String(PER_PAGE),
    START_TIME: '1',
  });
  const watched = async (untilMs: number): Promise<void> => {
    for (let saidMs = 0; performance.now() < untilMs; await wait(250)) {
      if (!producer.running) throw new Error(`the producer ended:\n${producer.log.slice(-3_000)}`);
      if (performance.now() - saidMs < SAY_EVERY_MS) continue;
      saidMs = performance.now();
      const leftS = Math.round((untilMs - saidMs) / 1000);
      const { total, rateLimited } = simulator.status().requests;
      say(`${total} requests, ${rateLimited} of them refused; ${leftS} s to go`);
    }
  };
  try {
    await producer.untilLogged('export claimed');
    await watched(performance.now() + MINUTES * 60_000);
    const alone = simulator.status().requests;

    say('somebody else takes the same allowance');
    const greed = greedy(simulator.url);
    await watched(performance.now() + GREEDY_MS);
    greed.stop();
    const taken = await greed.taken;
    const before = simulator.status().requests;
    await watched(performance.now() + AFTERWARDS_MS);
    const pagesAfter = simulator.status().requests.pages - before.pages;
    const refusals = await refusalsOf(join(dir, 'producer'));

    const minutes = alone.spanSeconds / 60;
    const used = (alone.total - 1) / (minutes * REQUESTS_PER_MINUTE);
    return {
      figures: {
        minutes: rounded(minutes, 3),
        requests: alone.total,
        busiestMinute: alone.busiestMinute,
        takenByOther: taken,
      },
      targets: {
        usedShare: { value: rounded(used, 4), target: 0.99, met: used >= 0.99 },
        caused429: { value: alone.rateLimited, target: 0, met: alone.rateLimited === 0 },
        minutes: { value: rounded(minutes, 2), target: 20, met: minutes >= 20 },
        refused: { value: refusals, target: 1, met: refusals >= 1 },
        // Each tells its wait, and so many waits of a few seconds fit into the time; a storm would be hundreds.
        refusedAtMost: { value: refusals, target: REFUSALS_MAX, met: refusals <= REFUSALS_MAX },
        pagesAfter: { value: pagesAfter, target: PAGES_AFTER, met: pagesAfter >= PAGES_AFTER },
      },
    };
  } finally {
    await producer.stop();
    await simulator.stop();
  }
}

/** Somebody whose client knows no pace. */
function greedy(url: string): { stop(): void; readonly taken: Promise<number> } {
  const authorization = `Basic ${Buffer.from(`${DEFAULT_EMAIL}/token:${DEFAULT_TOKEN}`).toString('base64')}`;
  let going = true;
  async function take(): Promise<number> {
    let taken = 0;
    for (; going; await wait(GREEDY_EVERY_MS)) {
      const response = await fetch(`${url}/api/v2/incremental/tickets?start_time=1&per_page=1`, {
        headers: { authorization },
      });
      await response.arrayBuffer();
      if (response.ok) taken++;
    }
    return taken;
  }
  return {
    stop: () => {
      going = false;
    },
    taken: take(),
  };
}

/** The 429s that the producer itself has counted. */
async function refusalsOf(dataDir: string): Promise<number> {
  const { url } = JSON.parse(readFileSync(join(dataDir, 'run', 'producer.json'), 'utf8')) as { url: string };
  const { retries } = (await (await fetch(`${url}/status`)).json()) as {
    retries: Record<string, number | undefined>;
  };
  return retries['zendesk.rate_limited'] ?? 0;
}
