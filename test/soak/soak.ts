/**
 * The claim under everything at once: both modes, a fault on every third request, changes all the while, the producer
 * killed at random and at every named point, the broker killed and restarted; then the log as Kafka's own console
 * consumer shows it against the ledger of the account, by the rules of log-check.ts.
 *
 * A seed fixes the account, its changes, the faults by the number of the request, and the lives with their ends. What
 * it cannot fix is time: which page a kill falls into is the machine's.
 */

import { consoleConsume } from '@ticket-stream/dev-stack/testing';
import { readServedPages } from '@ticket-stream/zendesk-simulator';
import { until } from '../support/condition.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { AccountChanges, type ChangeRate, changeInOneSecond } from './account-changes.ts';
import { committedPages, readCheckpoints } from './checkpoint-log.ts';
import { type CampaignSize, killPoints, planLives } from './life-plan.ts';
import { commitsOf, type LifeTrace, perPageOf } from './life-trace.ts';
import { checkLog, type LogFindings } from './log-check.ts';
import { loggedVersions } from './logged-versions.ts';
import { type EndedLife, endedByItself, liveAndDie, liveAndStop, startLife } from './producer-lives.ts';
import { createSoakSystem, type SoakSystem, TOPIC } from './soak-system.ts';

export interface SoakSettings extends CampaignSize {
  readonly seed: number;
  readonly tickets: number;
  /** Of the two last lives, which nobody kills: one in each mode. */
  readonly lastPerPage: number;
  /** After so many committed pages the first of them ends and the other goes on. */
  readonly cursorPages: number;
  /** So many tickets end their history in one second. */
  readonly burst: number;
  /** That happen by themselves, beside those that are commanded. */
  readonly liveChangesPerMinute: number;
  readonly changes: ChangeRate;
  /** For everything; after it the run fails. */
  readonly msMax: number;
}

export interface SoakProgress {
  readonly stage: 'starting' | 'killing' | 'catching up' | 'checking';
  /** Lives ended, of those planned. */
  readonly lives: number;
  readonly livesPlanned: number;
  readonly versionsServed: number;
  readonly requests: number;
  readonly checked: number;
}

export interface SoakResult extends Omit<LogFindings, 'examples'> {
  readonly seed: number;
  readonly ticketsBefore: number;
  readonly killsAtRandom: number;
  /** Named points at which the process wrote down that it died there. */
  readonly killsAtPoints: Readonly<Record<string, number>>;
  readonly brokerRestarts: number;
  readonly requests: number;
  /** Of every third request; a kill may come before the fault that was due. */
  readonly faultsDue: number;
  readonly faultsPlayed: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly commands: number;
  readonly pages: number;
  readonly pagesCommitted: Readonly<Record<'time' | 'cursor', number>>;
  /** Pages that showed more tickets than were asked for, and seconds that were read to their end by cursor. */
  readonly secondsWhole: number;
  readonly secondsStuck: number;
  readonly doubts: number;
  readonly deadLetters: number;
  /** Of any of its lives. */
  readonly producerRssMbMax: number;
  readonly seconds: number;
  /** Everything that is not as it must be, in sentences; empty where the claim held. */
  readonly violations: readonly string[];
}

/** @throws when the run could not be made: the producer ended by itself, or did not get on in time */
export async function runSoak(
  settings: SoakSettings,
  onProgress: (progress: SoakProgress) => void,
  interrupted?: AbortSignal,
): Promise<SoakResult> {
  const startedMs = performance.now();
  const late = AbortSignal.timeout(settings.msMax);
  const signal = interrupted === undefined ? late : AbortSignal.any([late, interrupted]);
  const random = seededRandom(settings.seed);
  const plans = planLives(settings, random);
  let progress: SoakProgress = {
    ...{ stage: 'starting', lives: 0, livesPlanned: plans.length },
    ...{ versionsServed: 0, requests: 0, checked: 0 },
  };
  const tell = (change: Partial<SoakProgress>): void => {
    progress = { ...progress, ...change };
    onProgress(progress);
  };
  tell({});
  await using system = await createSoakSystem(settings);
  const ticking = setInterval(() => {
    const versionsServed = system.simulator()?.status().versionsServed;
    tell({
      requests: system.figures().requests,
      ...(versionsServed === undefined ? {} : { versionsServed }),
    });
  }, 1_000);
  try {
    const changes = new AccountChanges(system.simulator, settings.changes, random);
    const lives: EndedLife[] = [];
    const last: LifeTrace[] = [];
    try {
      tell({ stage: 'killing' });
      for (const plan of plans) {
        await system.restartSimulator({ stuckSecond: plan.stuckSecond });
        lives.push(await liveAndDie(system, plan, lives.length, signal));
        tell({ lives: lives.length });
      }
      const perPage = settings.lastPerPage;
      last.push(
        await liveAndStop(system, { mode: 'cursor', perPage }, lives.length, settings.cursorPages, signal),
      );
      last.push(startLife(system, { mode: 'time', perPage }, lives.length + 1));
    } finally {
      changes.stop();
    }
    tell({ stage: 'catching up' });
    await catchUp(system, lives.length + 1, settings.lastPerPage + 10, signal);
    tell({ stage: 'checking' });
    const traces = [...lives.map(({ trace }) => trace), ...last];
    const checked = await check(system, traces, signal, settings.msMax, (records) =>
      tell({ checked: records }),
    );
    const kills = countKills(lives);
    const { faults, faultsDue, requests } = system.figures();
    const faultsPlayed = Object.values(faults).reduce((sum, count) => sum + count, 0);
    const violations = [
      ...checked.violations,
      ...unmetPlan(kills, checked.figures),
      // The process that died in the middle of a request may have died before its fault.
      ...(faultsPlayed < faultsDue - lives.length
        ? [`${faultsPlayed} faults were played of ${faultsDue} that were due`]
        : []),
    ];
    if (violations.length === 0) system.removeDataAtEnd();
    else violations.push(`what the run left behind is in ${system.dataDir}`);
    return {
      seed: settings.seed,
      ticketsBefore: settings.tickets,
      killsAtRandom: kills.random,
      killsAtPoints: kills.atPoints,
      brokerRestarts: plans.filter(({ broker }) => broker !== undefined).length,
      ...{ requests, faultsDue, faultsPlayed, faults, commands: changes.commands },
      ...checked.figures,
      producerRssMbMax: Math.round(system.producer.maxRssMb),
      seconds: Math.round((performance.now() - startedMs) / 100) / 10,
      violations,
    };
  } catch (error) {
    const why = late.aborted ? `not done within ${settings.msMax} ms` : String(error);
    throw new Error(`${why}\nWhat the run left behind is in ${system.dataDir}.`, { cause: error });
  } finally {
    clearInterval(ticking);
  }
}

/**
 * Nothing changes any more by itself; all that was changed must get into the log. At the end of it once more a second
 * larger than a page, in either way in which Zendesk treats it: whatever the lives before met, both were met.
 */
async function catchUp(
  system: SoakSystem,
  life: number,
  ticketsInASecond: number,
  signal: AbortSignal,
): Promise<void> {
  const { producer } = system;
  for (const stuckSecond of ['repeat', 'whole'] as const) {
    await system.restartSimulator({ liveChangesPerMinute: 0, stuckSecond });
    const simulator = system.simulator();
    if (simulator === undefined) throw new Error('the simulator did not come back');
    await changeInOneSecond(simulator, ticketsInASecond);
    const newest = simulator.status().now;
    await until(
      `everything up to ${newest} exported`,
      () => {
        signal.throwIfAborted();
        if (!producer.running) throw new Error(endedByItself(system, life));
        return (producer.progress?.positionSecond ?? 0) >= newest;
      },
      Number.POSITIVE_INFINITY,
    );
  }
  if ((await producer.stop()) !== 0) throw new Error(endedByItself(system, life));
}

async function check(
  system: SoakSystem,
  traces: readonly LifeTrace[],
  signal: AbortSignal,
  timeoutMs: number,
  onRecords: (records: number) => void,
) {
  const { brokers } = system.kafka;
  const lines = traces.map((trace) => trace.lines());
  const commits = committedPages(
    await readCheckpoints(brokers, `${TOPIC}.checkpoints`, timeoutMs),
    lines.map(commitsOf),
  );
  const pages = readServedPages(system.simulatorDir);
  const asked = new Map(lines.flatMap((each) => [...perPageOf(each)]));
  const { examples, ...findings } = await checkLog({
    pages,
    committedPages: commits.committedPages,
    log: counted(loggedVersions(brokers, TOPIC, timeoutMs), signal, onRecords),
    account: system.simulator()?.latest() ?? [],
  });
  let deadLetters = 0;
  for await (const _ of consoleConsume({ brokers, topic: `${TOPIC}.dlq` })) deadLetters++;
  const committed = pages.filter(({ page }) => commits.committedPages.has(page));
  const of = (mode: string): number => committed.filter((page) => page.mode === mode).length;
  const figures = {
    ...findings,
    pages: pages.length,
    pagesCommitted: { time: of('time'), cursor: of('cursor') },
    secondsWhole: committed.filter(({ page, versions }) => versions.length > (asked.get(page) ?? Infinity))
      .length,
    secondsStuck: system.producer.log.split('the export does not get past a second').length - 1,
    doubts: lines.flat().filter(({ point }) => point === 'ticket-stream:doubt').length,
    deadLetters,
  };
  const violations = [
    ...commits.violations,
    ...examples,
    ...(deadLetters > 0 ? [`${deadLetters} dead letters, although every ticket can be read`] : []),
  ];
  return { figures, violations };
}

async function* counted<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  onCount: (count: number) => void,
): AsyncGenerator<T> {
  let count = 0;
  for await (const each of source) {
    signal.throwIfAborted();
    if (++count % 1_000 === 0) onCount(count);
    yield each;
  }
  onCount(count);
}

interface Kills {
  readonly random: number;
  readonly atPoints: Readonly<Record<string, number>>;
}

function countKills(lives: readonly EndedLife[]): Kills {
  const at = (name: string): number => lives.filter(({ killedAt }) => killedAt === name).length;
  return {
    random: at('random'),
    atPoints: Object.fromEntries(killPoints.map(({ name }) => [name, at(name)])),
  };
}

/** A point that was not hit, a second that was not stuck at: then the run shows less than it says. */
function unmetPlan(
  { atPoints }: Kills,
  { secondsStuck, secondsWhole }: Pick<SoakResult, 'secondsStuck' | 'secondsWhole'>,
): string[] {
  const missed = Object.entries(atPoints).filter(([, count]) => count === 0);
  return [
    ...missed.map(([name]) => `nobody was killed ${name}`),
    ...(secondsStuck === 0 ? ['no second was read to its end by cursor'] : []),
    ...(secondsWhole === 0 ? ['no page was made larger for a second'] : []),
  ];
}
