import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type ExitCode, exitCodes, TicketStreamError } from '@ticket-stream/errors';
import { Interrupted } from '../environment/interruption.ts';
import type { ChildEnd, ChildService } from './child-service.ts';
import { showJsonLines, showOnTerminal } from './display.ts';
import { countDistinctTickets, type OnceSummary, sinksPassed, summarize } from './once-summary.ts';
import { type Stack, startStack, stopServices } from './stack.ts';
import { SIMULATOR_DEFAULTS, type UpPlan } from './up-plan.ts';
import { createUpState, type UpState } from './up-state.ts';

const POLL_MS = 50;

/**
 * Runs the plan until Ctrl-C, until a part dies, or with `once` until everything arrived.
 * @returns the exit code
 * @throws Interrupted  with `once`: it ended before everything arrived
 */
export async function runUp(plan: UpPlan): Promise<ExitCode> {
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    stoppedBy ??= signal;
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  const state = createUpState(describeSource(plan), plan.dataDir, commandPrefix(plan));
  const view = plan.json ? showJsonLines(state) : showOnTerminal(state);
  let stack: Stack | undefined;
  try {
    stack = await startStack(plan, state, stop.signal);
    const died = Promise.race([
      stack.brokerDied,
      ...Object.values(stack.children).map((child) => unexpectedEnd(child, plan)),
    ]);
    if (!plan.once) {
      await Promise.race([untilAborted(stop.signal), died]);
      return exitCodes.done;
    }
    await Promise.race([everythingArrived(state, stack, stop.signal), died]);
    // From here on the sinks end because they are asked to.
    view.summary(await Promise.race([countAll(plan, state, stack), stack.brokerDied]));
    return exitCodes.done;
  } catch (error) {
    const isAbort = error instanceof Error && error.name === 'AbortError';
    if (stoppedBy === undefined || !isAbort) throw error;
    if (plan.once) throw new Interrupted(stoppedBy, error);
    return exitCodes.done;
  } finally {
    // What still waits for more to arrive would keep the process alive.
    stop.abort();
    view.stopping();
    await stack?.stop();
    view.end();
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  }
}

/** Commands look under DATA_DIR, or `.data` where they are called. */
function commandPrefix({ rootDir }: UpPlan): string {
  return rootDir === resolve('.data') ? '' : `DATA_DIR='${rootDir.replaceAll("'", `'\\''`)}' `;
}

function describeSource(plan: UpPlan): string {
  if (plan.simulator === undefined) return plan.env['ZENDESK_URL'] ?? '';
  const { tickets = SIMULATOR_DEFAULTS.tickets, seed = SIMULATOR_DEFAULTS.seed } = plan.simulator;
  return `simulator, ${tickets.toLocaleString('en')} tickets, seed ${seed}`;
}

/** Rejects when the service ends otherwise than `once` has the producer end. */
async function unexpectedEnd(child: ChildService, plan: UpPlan): Promise<never> {
  const end = await child.ended;
  if (plan.once && child.name === 'producer' && end.exitCode === 0) return new Promise<never>(() => {});
  throw deathOf(child, end);
}

function deathOf(child: ChildService, end: ChildEnd): TicketStreamError {
  const how = end.signal === null ? `exit code ${end.exitCode}` : end.signal;
  const why = end.failure === undefined ? '' : `: ${end.failure.message}`;
  return new ServiceDeath(`${child.name} ended (${how})${why}`, end, child.logFile);
}

/** The exit code of the service is the exit code of the run. */
class ServiceDeath extends TicketStreamError {
  readonly #exitCode: ExitCode;

  constructor(message: string, end: ChildEnd, logFile: string) {
    super('internal.defect', message, {
      remedy: `${end.failure?.remedy ?? 'Its last lines say more.'} Its log: ${logFile}`,
    });
    const known = Object.values(exitCodes).find((code) => code === end.exitCode);
    this.#exitCode = known === undefined || known === exitCodes.done ? exitCodes.defect : known;
  }

  override get exitCode(): ExitCode {
    return this.#exitCode;
  }
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/** The producer has ended, and the sinks have passed its last checkpoint's offsets. @throws AbortError */
async function everythingArrived(state: UpState, { children }: Stack, signal: AbortSignal): Promise<void> {
  await Promise.race([children.producer.ended, untilAborted(signal)]);
  signal.throwIfAborted();
  while (!sinksPassed(state)) await wait(POLL_MS, undefined, { signal });
}

/** When the sinks have stopped: nothing moves any more. */
async function countAll(plan: UpPlan, state: UpState, { children, brokers }: Stack): Promise<OnceSummary> {
  await stopServices([children.search, children.alerting]);
  const topic = plan.env['TICKETS_TOPIC'] ?? '';
  const distinct = await countDistinctTickets(
    { ...plan.env, KAFKA_BROKERS: brokers },
    topic === '' ? 'tickets' : topic,
  );
  return summarize(state, distinct);
}
