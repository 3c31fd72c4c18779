/**
 * Starts what `up` runs, in the order it is needed, and stops it in the reverse order. A part that ends by itself
 * ends the run.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningKafka, removeKafka, startKafka } from '@ticket-stream/dev-stack';
import { TicketStreamError } from '@ticket-stream/errors';
import { backfillEndText, type ConsumerProgress, type ProducerProgress } from '@ticket-stream/service-kit';
import {
  DEFAULT_EMAIL,
  DEFAULT_TOKEN,
  type Simulator,
  startSimulator,
} from '@ticket-stream/zendesk-simulator';
import { type ChildEnd, type ChildService, type ServiceName, startService } from './child-service.ts';
import { publishRun, writeRunFile } from './published-run.ts';
import type { UpPlan } from './up-plan.ts';
import type { UpState } from './up-state.ts';

export interface Stack {
  readonly brokers: string;
  /** Rejects when an embedded broker ends that was not asked to. */
  readonly brokerDied: Promise<never>;
  readonly children: Readonly<Record<ServiceName, ChildService>>;
  stop(): Promise<void>;
}

/** The simulator under `up`: quick enough to watch, and it says so. Its own defaults are Zendesk's. */
const SIMULATOR_REQUESTS_PER_MINUTE = 600;
const SIMULATOR_DELAY_SECONDS = 2;
/** The producer's; the rest is for `export verify`. */
const SIMULATOR_ALLOWANCE_SHARE = '0.9';
const SERVICE_STOP_MS = 3_000;
/** Shorter ones are nothing to look back on: every start begins with one. */
const NOTED_BACKFILL_SECONDS = 10;

export async function startStack(plan: UpPlan, state: UpState, signal: AbortSignal): Promise<Stack> {
  if (plan.fresh) {
    state.step = 'forgetting the former data';
    await removeKafka(join(plan.dataDir, 'kafka'));
    rmSync(plan.dataDir, { recursive: true, force: true });
  }
  mkdirSync(plan.dataDir, { recursive: true });
  let kafka: RunningKafka | undefined;
  let simulator: Simulator | undefined;
  const children: ChildService[] = [];
  const brokerDied = Promise.withResolvers<never>();
  brokerDied.promise.catch(() => {});

  async function stop(): Promise<void> {
    await stopServices(children);
    await simulator?.stop();
    await kafka?.stop();
  }

  try {
    state.step = 'starting Kafka';
    kafka = await startKafka({
      dataDir: join(plan.dataDir, 'kafka'),
      brokers: plan.brokers,
      kind: plan.kafkaKind,
      signal,
      onDeath: (message) => brokerDied.reject(new TicketStreamError('dev_stack.unavailable', message)),
      onProgress: (progress) => {
        state.step = progress.text;
      },
    });
    signal.throwIfAborted();
    const serviceEnv: NodeJS.ProcessEnv = {
      ...plan.env,
      KAFKA_BROKERS: kafka.brokers,
      DATA_DIR: plan.dataDir,
      ...(plan.once ? { EXPORT_ONCE: 'true' } : {}),
    };
    if (plan.simulator !== undefined) {
      state.step = 'starting the Zendesk simulator';
      simulator = await startSimulator({
        dataDir: join(plan.dataDir, 'simulator'),
        ...(plan.simulator.seed === undefined ? {} : { seed: plan.simulator.seed }),
        ...(plan.simulator.tickets === undefined ? {} : { tickets: plan.simulator.tickets }),
        requestsPerMinute: SIMULATOR_REQUESTS_PER_MINUTE,
        delaySeconds: SIMULATOR_DELAY_SECONDS,
        frozen: plan.once,
      });
      publishUrl(plan.rootDir, 'simulator', simulator.url, process.pid);
      state.notes.push(
        `The simulator allows ${SIMULATOR_REQUESTS_PER_MINUTE} requests a minute and leaves out the last ${SIMULATOR_DELAY_SECONDS} s; Zendesk allows 10 and leaves out 60 s.`,
      );
      Object.assign(serviceEnv, {
        ZENDESK_URL: simulator.url,
        ZENDESK_EMAIL: DEFAULT_EMAIL,
        ZENDESK_API_TOKEN: DEFAULT_TOKEN,
        ZENDESK_PASSWORD: '',
        EXPORT_SOURCE: simulator.source,
        EXPORT_REQUESTS_PER_MINUTE: String(SIMULATOR_REQUESTS_PER_MINUTE),
        EXPORT_ALLOWANCE_SHARE: plan.env['EXPORT_ALLOWANCE_SHARE'] || SIMULATOR_ALLOWANCE_SHARE,
        EXPORT_DELAY_SECONDS: String(SIMULATOR_DELAY_SECONDS),
        START_TIME: '1',
      });
    }
    signal.throwIfAborted();
    state.step = 'starting producer, search and alerting';
    publishRun(plan.rootDir, serviceEnv, plan.simulator !== undefined);
    const start = (name: ServiceName): ChildService => {
      const child = startService(
        name,
        { dataDir: plan.dataDir, env: serviceEnv },
        {
          onListening: (url, pid) => {
            publishUrl(plan.rootDir, name, url, pid);
            if (name === 'search') state.searchUrl = url;
            if (name === 'alerting') state.alertingUrl = url;
          },
          onProgress: (progress, maxRssMb) => noteProgress(state, progress, maxRssMb),
        },
      );
      children.push(child);
      return child;
    };
    return {
      brokers: kafka.brokers,
      brokerDied: brokerDied.promise,
      children: { producer: start('producer'), search: start('search'), alerting: start('alerting') },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function noteProgress(state: UpState, progress: ProducerProgress | ConsumerProgress, maxRssMb: number): void {
  state.maxRssMb = Math.max(state.maxRssMb, maxRssMb);
  if (progress.service !== 'producer') {
    state[progress.service] = progress;
    return;
  }
  // The first sign of the producer: from here on the services tell themselves what they do.
  state.step = undefined;
  const ended = progress.backfill === undefined ? state.producer?.backfill : undefined;
  if (ended !== undefined && ended.elapsedSeconds >= NOTED_BACKFILL_SECONDS)
    state.notes.push(`${backfillEndText({ ...ended, tickets: progress.exported })}.`);
  state.producer = progress;
}

/** Services first, all at once: each finishes the batch at work. One that does not end in time is killed. */
export async function stopServices(children: readonly ChildService[]): Promise<readonly ChildEnd[]> {
  for (const child of children) child.stop();
  const timer = setTimeout(() => {
    for (const child of children) child.kill();
  }, SERVICE_STOP_MS);
  const ends = await Promise.all(children.map(({ ended }) => ended));
  clearTimeout(timer);
  return ends;
}

/** Commands look under DATA_DIR for what runs; the services themselves know only their source's folder in it. */
function publishUrl(rootDir: string, file: string, url: string, pid: number): void {
  writeRunFile(rootDir, file, { url, pid });
}
