/**
 * What a replay costs, and that it repeats nothing.
 *
 * Method. A log of 200,000 records: 160,000 tickets of about 4 KB, then 40,000 of them again, changed, a tenth of those
 * raised to urgent, which alerting's default rules ask about. Five rounds; in each, for search and then for alerting,
 * with a store of its own: the service as users run it reads the log from nothing (first application); it stops, its
 * group is moved back to offset 0 by `ticket-stream replay`, it starts and reads all of it again (replay). Rates are of
 * records, from the first consumed to the last; ratio = replay / first application, round by round; medians are quoted.
 * After each replay: the canonical dump is that of before, no alert has been decided, fired or suppressed, and
 * duplicate + stale = records. In the end ten tickets are raised to urgent, and alerting fires ten alerts: what kept it
 * silent was the dedupe, not its rules.
 *
 * At the store: five runs each, a process of its own, 30,000 tickets in batches of 1,000 (replay/store-run.ts).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { openGroupDisturbance } from '../../test/crash/group-disturbance.ts';
import { ServiceProcess } from '../../test/support/service-process.ts';
import { canonicalDump, openAlertingStore, openSearchStore } from '../../test/support/sink-store.ts';
import { type Bench, type BenchResult, median, rounded, type Say } from './bench.ts';
import { type SampleTicket, sampleTickets } from './publish/sample-tickets.ts';
import { type FilledLog, fillLog } from './replay/filled-log.ts';
import { type SinkName, timeWholeLog } from './replay/service-run.ts';
import { type BenchKafka, withKafka } from './with-kafka.ts';

const TICKETS = Number(process.env['BENCH_TICKETS'] ?? 160_000);
const AGAIN = TICKETS / 4;
const ROUNDS = Number(process.env['BENCH_ROUNDS'] ?? 5);
const STORE_RUNS = 5;
const STORE_TICKETS = 30_000;
const STORE_TARGET = 10;
const END_TO_END_TARGET = 6;
const LIVE_ALERTS = 10;
const sinks = ['search', 'alerting'] as const;

type PerSink<T> = Record<SinkName, T[]>;
type Rates = Record<'first' | 'replayed', PerSink<number>>;
const perSink = <T>(): PerSink<T> => ({ search: [], alerting: [] });

export const replay: Bench = {
  summary:
    'a replay of 200,000 records into search and alerting: cost against first application, nothing repeated',
  async run(say) {
    const samples = await sampleTickets();
    const store = await storeRatios(samples, say);
    return withKafka(async (at) => result(store, await replayRates(at, samples, say)));
  },
};

async function replayRates(
  { dir, brokers }: BenchKafka,
  samples: readonly SampleTicket[],
  say: Say,
): Promise<Rates> {
  let log: FilledLog | undefined;
  try {
    log = await fillLog({ brokers, topic: 'replay' }, samples, { tickets: TICKETS, again: AGAIN });
    say(`${log.records} records published`);
    const rates: Rates = { first: perSink<number>(), replayed: perSink<number>() };
    for (let round = 1; round <= ROUNDS; round++) {
      for (const sink of sinks) {
        const { first, replayed } = await replayOnce(sink, join(dir, `${round}`), brokers, log);
        rates.first[sink].push(first);
        rates.replayed[sink].push(replayed);
        say(`round ${round}, ${sink}: first ${Math.round(first)}/s, replay ${Math.round(replayed)}/s`);
      }
    }
    await mustStillAlert(join(dir, `${ROUNDS}`), brokers, log);
    return rates;
  } finally {
    await log?.log.close();
  }
}

/** @throws where the replay changed anything */
async function replayOnce(sink: SinkName, dataDir: string, brokers: string, filled: FilledLog) {
  const { log, records } = filled;
  const env = { KAFKA_BROKERS: brokers, TICKETS_TOPIC: log.topic, LOG_LEVEL: 'warn' };
  const first = await timeWholeLog(sink, dataDir, env, filled);
  const { group = `${log.topic}.alerting` } = (await status(first.service.url)) as { group?: string };
  await first.service.stop();
  const before = heldBy(sink, dataDir);

  const disturbance = await openGroupDisturbance(log);
  await disturbance.moveBack(group, () => 0n);
  await disturbance.close();
  const again = await timeWholeLog(sink, dataDir, env, filled);
  const { duplicate = 0, stale = 0, consumed = 0 } = again.service.progress?.books ?? {};
  await again.service.stop();
  mustEqual('duplicate + stale', duplicate + stale, records);
  mustEqual('consumed', consumed, records);
  const after = heldBy(sink, dataDir);
  mustEqual(`the dump of ${sink}`, JSON.stringify(after), JSON.stringify(before));
  return { first: first.rate, replayed: again.rate };
}

async function mustStillAlert(dataDir: string, brokers: string, filled: FilledLog): Promise<void> {
  const env = { KAFKA_BROKERS: brokers, TICKETS_TOPIC: filled.log.topic, LOG_LEVEL: 'warn' };
  const alerting = new ServiceProcess('alerting', dataDir, env).start();
  try {
    await alerting.until('caught up', ({ caughtUp }) => caughtUp);
    await filled.raiseToUrgent(LIVE_ALERTS);
    await alerting.until('the live changes', ({ books }) => books.applied === LIVE_ALERTS);
    mustEqual('alerts of live changes', alerting.progress?.alerts ?? 0, LIVE_ALERTS);
  } finally {
    await alerting.stop();
  }
}

async function status(url: string | undefined): Promise<unknown> {
  return (await fetch(`${url}/status`)).json();
}

/** The canonical dump, and for alerting its ledger as well: which alerts were decided, and how. */
function heldBy(sink: SinkName, dataDir: string): object {
  const store = sink === 'search' ? openSearchStore(dataDir) : openAlertingStore(dataDir);
  try {
    const ledger =
      sink === 'search'
        ? []
        : store.rows('SELECT outcome, count(*) AS n, max(seq) AS last FROM alerts GROUP BY outcome');
    return { ...canonicalDump(store.tickets()), ledger };
  } finally {
    store.close();
  }
}

function mustEqual(what: string, is: number | string, must: number | string): void {
  if (is !== must) throw new Error(`${what} must be ${must} and is ${is}`);
}

interface StoreRun {
  readonly freshPerSecond: number;
  readonly duplicatesPerSecond: number;
}

async function storeRatios(
  samples: readonly SampleTicket[],
  say: (line: string) => void,
): Promise<PerSink<StoreRun>> {
  const runs = perSink<StoreRun>();
  for (let round = 1; round <= STORE_RUNS; round++) {
    for (const sink of sinks) {
      const child = fork(new URL('./replay/store-run.ts', import.meta.url), [sink, String(STORE_TICKETS)]);
      child.send(samples);
      const [run] = (await Promise.race([
        once(child, 'message'),
        once(child, 'exit').then(() => Promise.reject(new Error(`the run at the store of ${sink} failed`))),
      ])) as [StoreRun];
      runs[sink].push(run);
      say(
        `store of ${sink}: first ${Math.round(run.freshPerSecond)}/s, duplicates ${Math.round(run.duplicatesPerSecond)}/s`,
      );
    }
  }
  return runs;
}

function result(store: PerSink<StoreRun>, { first, replayed }: Rates): BenchResult {
  const figures: Record<string, number | readonly number[]> = { records: TICKETS + AGAIN };
  const targets: Record<string, BenchResult['targets'][string]> = {};
  const target = (name: string, value: number, wanted: number) => {
    targets[name] = { value, target: wanted, met: value >= wanted };
  };
  for (const sink of sinks) {
    const ofStore = store[sink].map((run) => run.duplicatesPerSecond / run.freshPerSecond);
    const whole = replayed[sink].map((rate, round) => rate / (first[sink][round] ?? Number.NaN));
    figures[`${sink}StoreFirstPerSecond`] = Math.round(median(store[sink].map((run) => run.freshPerSecond)));
    figures[`${sink}StoreDuplicatesPerSecond`] = Math.round(
      median(store[sink].map((run) => run.duplicatesPerSecond)),
    );
    figures[`${sink}StoreRatioRuns`] = ofStore.map((each) => rounded(each, 1));
    figures[`${sink}FirstPerSecond`] = Math.round(median(first[sink]));
    figures[`${sink}ReplayPerSecond`] = Math.round(median(replayed[sink]));
    figures[`${sink}ReplayRatioRuns`] = whole.map((each) => rounded(each, 1));
    target(`${sink}DuplicatesAtTheStore`, rounded(median(ofStore), 1), STORE_TARGET);
    target(`${sink}ReplayEndToEnd`, rounded(median(whole), 1), END_TO_END_TARGET);
  }
  return { figures, targets };
}
