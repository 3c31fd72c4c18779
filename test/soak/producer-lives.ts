/**
 * Lives of one producer, one after the other, each ended by SIGKILL as its plan says: at random once this life was seen
 * to be sending records of a page, or at a named point, which counts only when the process itself wrote down, inside
 * that point, that it was there.
 */
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { until } from '../support/condition.ts';
import type { BrokerEvent, LifePlan } from './life-plan.ts';
import { LifeTrace } from './life-trace.ts';
import type { SoakSystem } from './soak-system.ts';

const LOADED = fileURLToPath(new URL('./kill-point.ts', import.meta.url));
/** For whatever one life has to reach, on a busy machine; a broker that is away is waited for in it. */
const LIFE_MS_MAX = 240_000;

export interface EndedLife {
  readonly trace: LifeTrace;
  /** The point's name, or `random`; undefined where the kill was not at its point. */
  readonly killedAt: string | undefined;
}

/** @throws when the producer ended by itself, or did not get where its plan needs it */
export async function liveAndDie(
  system: SoakSystem,
  plan: LifePlan,
  number: number,
  signal: AbortSignal,
): Promise<EndedLife> {
  const { producer } = system;
  const { death } = plan;
  const trace = startLife(system, plan, number);
  const reach = (what: string, condition: () => boolean): Promise<unknown> =>
    until(
      `life ${number} (${describe(plan)}): ${what}`,
      () => {
        signal.throwIfAborted();
        if (condition()) return true;
        if (!producer.running) throw new Error(endedByItself(system, number));
        return false;
      },
      LIFE_MS_MAX,
    );

  if (death.kind === 'point') {
    await reach(`killed ${death.point.name}`, () => trace.killedAt !== undefined && !producer.running);
    if (producer.signal !== 'SIGKILL') throw new Error(endedByItself(system, number));
    return { trace, killedAt: trace.killedAt === death.point.channel ? death.point.name : undefined };
  }

  await reach('records on their way', () => trace.worked);
  if (plan.broker !== undefined) {
    await befall(system, plan.broker);
    const before = trace.count('ticket-stream:commit:after');
    await reach(
      'a commit after the broker came back',
      () => trace.count('ticket-stream:commit:after') > before,
    );
  }
  await wait(death.afterMs);
  await producer.kill();
  if (producer.signal !== 'SIGKILL') throw new Error(endedByItself(system, number));
  return { trace, killedAt: 'random' };
}

/** A life that ends as an operator ends it, after so many commits. */
export async function liveAndStop(
  system: SoakSystem,
  plan: Pick<LifePlan, 'mode' | 'perPage'>,
  number: number,
  commits: number,
  signal: AbortSignal,
): Promise<LifeTrace> {
  const { producer } = system;
  const trace = startLife(system, plan, number);
  await until(
    `life ${number} (${plan.mode}): ${commits} commits`,
    () => {
      signal.throwIfAborted();
      if (!producer.running) throw new Error(endedByItself(system, number));
      return trace.count('ticket-stream:commit:after') >= commits;
    },
    Number.POSITIVE_INFINITY,
  );
  if ((await producer.stop()) !== 0) throw new Error(endedByItself(system, number));
  return trace;
}

/** A life without an end of its own. */
export function startLife(
  { dataDir, producer }: SoakSystem,
  plan: Pick<LifePlan, 'mode' | 'perPage'> & { readonly death?: LifePlan['death'] },
  number: number,
): LifeTrace {
  const path = join(dataDir, `life-${number}.jsonl`);
  const { death } = plan;
  producer.start({
    NODE_OPTIONS: `--import=${LOADED}`,
    SOAK_TRACE: path,
    NODE_COMPILE_CACHE: join(dataDir, 'compile-cache'),
    EXPORT_MODE: plan.mode,
    EXPORT_PER_PAGE: String(plan.perPage),
    ...(death?.kind === 'point'
      ? {
          SOAK_KILL_AT: death.point.channel,
          SOAK_KILL_PASS: String(death.passes),
          SOAK_KILL_DELAY_MS: String(death.delayMs),
          ...(death.point.before === undefined ? {} : { SOAK_KILL_BEFORE: death.point.before }),
        }
      : {}),
  });
  return new LifeTrace(path);
}

async function befall({ kafka }: SoakSystem, event: BrokerEvent): Promise<void> {
  if (event.kind === 'kill') {
    await kafka.kill();
    await wait(event.downMs);
  }
  await kafka.restart();
}

export function endedByItself({ producer }: SoakSystem, number: number): string {
  const { exitCode, signal, log } = producer;
  return `the producer of life ${number} ended by itself (${exitCode ?? signal}):\n${log.slice(-3_000)}`;
}

function describe({ mode, perPage, death }: LifePlan): string {
  return `${mode}, ${perPage} a page, ${death.kind === 'point' ? `killed ${death.point.name}` : 'killed at random'}`;
}
